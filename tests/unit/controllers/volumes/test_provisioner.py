"""Volumes of the class `standard`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from wherry.controllers.context import Config
from wherry.testing.controllers import Cluster, ClusterFactory
from wherry.testing.storage import claim, storage_class

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
SELECTED = "volume.kubernetes.io/selected-node"


async def start(cluster_of: ClusterFactory, root: Path | None = None) -> Cluster:
    config = Config(volume_root=lambda node: root / node if root and node == "node-1" else None)
    names = ("persistentvolume-binder", "local-provisioner", "default-storage-class", "pv-protection", "pvc-protection")
    return await cluster_of(*names, config=config, nodes=("node-1", "node-2"))


async def place(cluster: Cluster, name: str = "data", node: str = "node-1") -> None:
    """What the scheduler does."""
    await cluster.patch(CLAIMS, name, {"metadata": {"annotations": {SELECTED: node}}})
    await cluster.settle()


async def claimed(cluster: Cluster, node: str = "node-1", **spec: Any) -> str:
    """A claim with its volume; gives the volume's name."""
    await cluster.client.create(CLAIMS, claim(**spec))
    await cluster.settle()
    await place(cluster, node=node)
    await cluster.settle(1)
    found = await cluster.get(CLAIMS, "data")
    assert found["status"]["phase"] == "Bound", await cluster.events("data")
    return str(found["spec"]["volumeName"])


async def until_gone(cluster: Cluster, name: str) -> None:
    """Directories are removed in a thread."""
    for _ in range(100_000):
        if not await cluster.exists(VOLUMES, name, ""):
            return
        await asyncio.sleep(0)
    raise AssertionError(await cluster.get(VOLUMES, name, ""))


async def test_a_directory_on_the_node_of_the_pod(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    cluster = await start(cluster_of, tmp_path)
    name = await claimed(cluster)
    volume = await cluster.client.get(VOLUMES, name)
    assert Path(volume["spec"]["local"]["path"]) == tmp_path / "node-1" / name
    assert (tmp_path / "node-1" / name).is_dir()
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert term == {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    events = dict(await cluster.events("data"))
    assert events["ProvisioningSucceeded"] == f"Successfully provisioned volume {name}"
    assert events["Provisioning"] == 'External provisioner is provisioning volume for claim "default/data"'


async def test_data_goes_with_the_claim(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    cluster = await start(cluster_of, tmp_path)
    name = await claimed(cluster)
    (tmp_path / "node-1" / name / "file").write_text("data")
    await cluster.client.delete(CLAIMS, "data", namespace="default")
    await until_gone(cluster, name)
    assert list((tmp_path / "node-1").iterdir()) == []


async def test_data_stays_where_the_policy_says_so(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    cluster = await start(cluster_of, tmp_path)
    name = await claimed(cluster)
    await cluster.client.patch(VOLUMES, name, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    await cluster.client.delete(CLAIMS, "data", namespace="default")
    await cluster.settle(5)
    assert (await cluster.client.get(VOLUMES, name))["status"]["phase"] == "Released"
    assert (tmp_path / "node-1" / name).is_dir()


async def test_nothing_is_removed_but_what_was_made(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    cluster = await start(cluster_of, tmp_path)
    forged = {
        "metadata": {
            "name": "forged",
            "annotations": {"pv.kubernetes.io/provisioned-by": "wherry.dev/local", "wherry.dev/node": "node-1"},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "claimRef": {"namespace": "default", "name": "none", "uid": "gone"},
            "local": {"path": str(precious)},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}
                    ]
                }
            },
            "persistentVolumeReclaimPolicy": "Delete",
        },
    }
    await cluster.client.create(VOLUMES, forged)
    await until_gone(cluster, "forged")
    assert precious.is_dir()


async def test_a_volume_for_many_is_reachable_from_every_node(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    cluster = await start(cluster_of, tmp_path)
    volume = await cluster.client.get(VOLUMES, await claimed(cluster, modes=("ReadWriteMany",)))
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert term == {"key": "kubernetes.io/hostname", "operator": "Exists"}


async def test_nodes_that_pretend_have_volumes_that_do(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    name = await claimed(cluster)
    await cluster.client.delete(CLAIMS, "data", namespace="default")
    await until_gone(cluster, name)


async def test_a_node_that_is_gone_is_chosen_anew(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    cluster = await start(cluster_of, tmp_path)
    await cluster.client.create(CLAIMS, claim())
    await cluster.settle()
    await place(cluster, node="node-9")
    found = await cluster.get(CLAIMS, "data")
    assert SELECTED not in found["metadata"]["annotations"] and found["status"]["phase"] == "Pending"
    text = 'failed to provision volume with StorageClass "standard": failed to get target node: node "node-9" not found'
    await cluster.settle(1)
    assert ("ProvisioningFailed", text) in await cluster.events("data")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"volumeMode": "Block"}, "block volumes are not supported"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "claim.Spec.Selector is not supported"),
        (
            {"dataSource": {"kind": "PersistentVolumeClaim", "name": "other"}},
            "a data source is not supported: volumes are made empty",
        ),
    ],
)
async def test_what_cannot_be_made_is_told(cluster_of: ClusterFactory, spec: dict[str, Any], problem: str) -> None:
    cluster = await start(cluster_of)
    await cluster.client.create(CLAIMS, claim(**spec))
    await cluster.settle()
    await place(cluster)
    text = f'failed to provision volume with StorageClass "standard": {problem}'
    await cluster.settle(1)
    assert ("ProvisioningFailed", text) in await cluster.events("data")


async def test_a_class_that_waits_for_nobody(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    cluster = await start(cluster_of, tmp_path)
    await cluster.client.create(CLASSES, storage_class("now", "wherry.dev/local"))
    await cluster.client.create(CLAIMS, claim(storageClassName="now"))
    await cluster.settle()
    assert (await cluster.get(CLAIMS, "data"))["status"]["phase"] == "Pending", "no node is ready"
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}}
    await cluster.client.patch("nodes", "node-2", ready, subresource="status")
    await cluster.settle(20)
    found = await cluster.get(CLAIMS, "data")
    assert found["status"]["phase"] == "Bound", await cluster.events("data")
    volume = await cluster.client.get(VOLUMES, found["spec"]["volumeName"])
    assert volume["metadata"]["annotations"]["wherry.dev/node"] == "node-2"


async def test_real_nodes_go_before_those_that_pretend(cluster_of: ClusterFactory, tmp_path: Path) -> None:
    config = Config(volume_root=lambda node: tmp_path / node if node == "node-2" else None)
    names = ("persistentvolume-binder", "local-provisioner")
    cluster = await cluster_of(*names, config=config, nodes=("node-1", "node-2", "node-3"))
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}}
    for name in ("node-1", "node-2", "node-3"):
        await cluster.client.patch("nodes", name, ready, subresource="status")
    await cluster.client.create(CLASSES, storage_class("now", "wherry.dev/local"))
    await cluster.client.create(CLAIMS, claim(storageClassName="now"))
    await cluster.settle(1)
    volume = (await cluster.client.list(VOLUMES))["items"][0]
    assert volume["metadata"]["annotations"]["wherry.dev/node"] == "node-2"


async def test_the_default_class_is_made_only_once(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    found = await cluster.client.get(CLASSES, "standard")
    assert found["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert (found["provisioner"], found["volumeBindingMode"]) == ("wherry.dev/local", "WaitForFirstConsumer")
    assert found["allowVolumeExpansion"] is True
    await cluster.client.delete(CLASSES, "standard")
    await cluster.restart()
    await cluster.settle(5)
    assert not await cluster.exists(CLASSES, "standard", "")
