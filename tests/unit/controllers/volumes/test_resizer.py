"""Claims that grow."""

from __future__ import annotations

import pytest

from wherry.api.errors import Forbidden
from wherry.testing.controllers import Cluster, ClusterFactory
from wherry.testing.storage import claim, storage_class, volume

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
CONTROLLERS = ("persistentvolume-binder", "local-provisioner", "default-storage-class", "persistentvolume-expander")


async def start(cluster_of: ClusterFactory) -> Cluster:
    cluster = await cluster_of(*CONTROLLERS)
    await cluster.client.create(CLAIMS, claim())
    await cluster.settle()
    selected = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "node-1"}}}
    await cluster.patch(CLAIMS, "data", selected)
    await cluster.settle()
    return cluster


async def ask(cluster: Cluster, size: str) -> None:
    await cluster.patch(CLAIMS, "data", {"spec": {"resources": {"requests": {"storage": size}}}})
    await cluster.settle(1)


async def test_a_claim_grows_with_its_volume(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await ask(cluster, "3Gi")
    found = await cluster.get(CLAIMS, "data")
    assert found["status"]["capacity"] == {"storage": "3Gi"} and "conditions" not in found["status"]
    assert (await cluster.get(VOLUMES, found["spec"]["volumeName"], ""))["spec"]["capacity"] == {"storage": "3Gi"}
    told = [reason for reason, _ in await cluster.events("data")]
    assert told[-2:] == ["Resizing", "VolumeResizeSuccessful"]


async def test_growing_goes_on_where_it_was_cut_short(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.faults.refuse = lambda method, path: (
        ConnectionResetError() if method == "PUT" and "persistentvolumes/" in path else None
    )
    await ask(cluster, "3Gi")
    status = (await cluster.get(CLAIMS, "data"))["status"]
    assert status["capacity"] == {"storage": "1Gi"}
    assert [(c["type"], c["status"]) for c in status["conditions"]] == [("Resizing", "True")]
    assert status["allocatedResourceStatuses"] == {"storage": "ControllerResizeInProgress"}
    cluster.faults.refuse = lambda method, path: None
    await cluster.restart()
    await cluster.settle(5)
    assert (await cluster.get(CLAIMS, "data"))["status"]["capacity"] == {"storage": "3Gi"}


async def test_a_class_that_does_not_let_claims_grow(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.patch(CLASSES, "standard", {"allowVolumeExpansion": False})
    with pytest.raises(Forbidden, match="the storageclass that provisions the pvc must support resize"):
        await ask(cluster, "3Gi")


async def test_others_wait_for_who_made_their_volume(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of(*CONTROLLERS)
    await cluster.client.create(CLASSES, storage_class(allowVolumeExpansion=True))
    await cluster.client.create(VOLUMES, volume(class_="slow"))
    await cluster.client.create(CLAIMS, claim(storageClassName="slow"))
    await cluster.settle()
    await ask(cluster, "3Gi")
    assert "ExternalExpanding" in dict(await cluster.events("data"))
    assert (await cluster.get(CLAIMS, "data"))["status"]["capacity"] == {"storage": "1Gi"}
