"""Claims and volumes find each other, against the real API server."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory
from wherry.testing.storage import claim, storage_class, volume

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
_RESOURCES = {"PersistentVolumeClaim": CLAIMS, "PersistentVolume": VOLUMES, "StorageClass": CLASSES}


async def start(cluster_of: ClusterFactory, *objects: Object) -> Cluster:
    cluster = await cluster_of("persistentvolume-binder", "pvc-protection")
    await add(cluster, *objects)
    return cluster


async def add(cluster: Cluster, *objects: Object) -> None:
    for obj in objects:
        await cluster.client.create(_RESOURCES[obj["kind"]], obj)
        await cluster.settle()


async def taken(cluster: Cluster, name: str = "data") -> tuple[str, str]:
    """A claim's phase and volume."""
    found = await cluster.get(CLAIMS, name)
    return found["status"]["phase"], found["spec"].get("volumeName", "")


async def phase(cluster: Cluster, name: str = "disk") -> str:
    found: str = (await cluster.client.get(VOLUMES, name))["status"]["phase"]
    return found


async def drop(cluster: Cluster, resource: str, name: str, **where: Any) -> None:
    await cluster.client.delete(resource, name, **where)
    await cluster.settle()


async def test_a_claim_gets_the_smallest_volume_that_does(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, volume("large", "9Gi"), volume("fits", "3Gi"), volume("small", "1Gi"))
    await add(cluster, claim(size="2Gi", storageClassName=""))
    assert await taken(cluster) == ("Bound", "fits")
    bound, disk = await cluster.get(CLAIMS, "data"), await cluster.client.get(VOLUMES, "fits")
    assert bound["status"]["capacity"] == {"storage": "3Gi"} and bound["status"]["accessModes"] == ["ReadWriteOnce"]
    assert {"pv.kubernetes.io/bind-completed", BY_CONTROLLER} <= bound["metadata"]["annotations"].keys()
    assert disk["metadata"]["annotations"] == {BY_CONTROLLER: "yes"}
    assert disk["spec"]["claimRef"]["uid"] == bound["metadata"]["uid"] and disk["status"]["phase"] == "Bound"


@pytest.mark.parametrize(
    ("found", "asked", "binds"),
    [
        (volume(), claim(storageClassName=""), True),
        (volume(class_="gold"), claim(storageClassName=""), False),
        (volume(class_="gold"), claim(storageClassName="gold"), True),
        (volume(), claim(storageClassName="", modes=("ReadWriteMany",)), False),
        (volume(modes=("ReadWriteOnce", "ReadWriteMany")), claim(storageClassName="", modes=("ReadWriteMany",)), True),
        (volume(volumeMode="Block"), claim(storageClassName=""), False),
        (volume(size="1G"), claim(size="1Gi", storageClassName=""), False),
        (volume(labels={"a": "1"}), claim(storageClassName="", selector={"matchLabels": {"a": "1"}}), True),
        (volume(), claim(storageClassName="", selector={"matchLabels": {"a": "1"}}), False),
        (volume(claimRef={"namespace": "default", "name": "data"}), claim(storageClassName=""), True),
        (volume(claimRef={"namespace": "default", "name": "other"}), claim(storageClassName=""), False),
    ],
)
async def test_what_must_match(cluster_of: ClusterFactory, found: Object, asked: Object, binds: bool) -> None:
    cluster = await start(cluster_of, found, asked)
    assert await taken(cluster) == (("Bound", "disk") if binds else ("Pending", ""))


async def test_a_claim_waits_for_a_volume_that_comes_later(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, claim(storageClassName=""))
    assert await taken(cluster) == ("Pending", "")
    text = "no persistent volumes available for this claim and no storage class is set"
    assert ("FailedBinding", text) in await cluster.events("data")
    await add(cluster, volume())
    assert await taken(cluster) == ("Bound", "disk")


async def test_many_claims_at_once_take_a_volume_each(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("persistentvolume-binder", "pvc-protection")
    for number in range(8):
        await cluster.client.create(VOLUMES, volume(f"disk-{number}"))
        await cluster.client.create(CLAIMS, claim(f"data-{number}", storageClassName=""))
    await cluster.settle()
    found = [await taken(cluster, f"data-{number}") for number in range(8)]
    assert {phase for phase, _ in found} == {"Bound"} and len({name for _, name in found}) == 8


async def test_a_claim_that_names_its_volume(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, claim(storageClassName="", volumeName="disk"))
    assert await taken(cluster) == ("Pending", "disk"), "it is not there yet"
    await add(cluster, volume())
    assert await taken(cluster) == ("Bound", "disk")
    assert BY_CONTROLLER not in (await cluster.get(CLAIMS, "data"))["metadata"]["annotations"], "a person chose it"


async def test_a_named_volume_that_does_not_do(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, volume(), claim(size="5Gi", storageClassName="", volumeName="disk"))
    assert await taken(cluster) == ("Pending", "disk")
    message = 'Cannot bind to requested volume "disk": requested PV is too small'
    assert ("VolumeMismatch", message) in await cluster.events("data")


async def test_a_volume_that_somebody_else_has(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, volume(), claim("first", storageClassName=""))
    await add(cluster, claim(storageClassName="", volumeName="disk"))
    assert await taken(cluster) == ("Pending", "disk")
    assert ("FailedBinding", 'volume "disk" already bound to a different claim.') in await cluster.events("data")


async def test_a_kept_volume_is_released_and_not_given_again(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, volume(), claim(storageClassName=""))
    await drop(cluster, CLAIMS, "data", namespace="default")
    assert await phase(cluster) == "Released"
    await add(cluster, claim("other", storageClassName=""))
    assert await taken(cluster, "other") == ("Pending", "")
    await cluster.client.patch(VOLUMES, "disk", {"spec": {"claimRef": None}})
    await cluster.settle()
    assert await taken(cluster, "other") == ("Bound", "disk"), "a person gave it free"


@pytest.mark.parametrize(("policy", "reason"), [("Recycle", "VolumeFailedRecycle"), ("Delete", "VolumeFailedDelete")])
async def test_what_nobody_can_reclaim_has_failed(cluster_of: ClusterFactory, policy: str, reason: str) -> None:
    cluster = await start(cluster_of, volume(persistentVolumeReclaimPolicy=policy), claim(storageClassName=""))
    await drop(cluster, CLAIMS, "data", namespace="default")
    assert await phase(cluster) == "Failed"
    assert reason in {found for found, _ in await cluster.events("disk")}


async def test_a_claim_that_lost_its_volume_says_so(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, volume(), claim(storageClassName=""))
    await cluster.client.patch(VOLUMES, "disk", {"metadata": {"finalizers": None}})
    await drop(cluster, VOLUMES, "disk")
    assert await taken(cluster) == ("Lost", "disk")
    text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
    assert ("ClaimLost", text) in await cluster.events("data")


async def test_who_is_to_make_a_volume_is_told(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, storage_class(), claim(storageClassName="slow"))
    annotations = (await cluster.get(CLAIMS, "data"))["metadata"]["annotations"]
    assert annotations["volume.kubernetes.io/storage-provisioner"] == "example.org/disks"
    events = dict(await cluster.events("data"))
    assert events["ExternalProvisioning"].startswith(
        "Waiting for a volume to be created either by the external provisioner 'example.org/disks'"
    )


async def test_a_class_that_waits_for_the_pod(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, storage_class(wait=True), volume(class_="slow"), claim(storageClassName="slow"))
    assert await taken(cluster) == ("Pending", ""), "the volume may be on the wrong node"
    text = "waiting for first consumer to be created before binding"
    assert await cluster.events("data") == [("WaitForFirstConsumer", text)]


async def test_a_class_that_comes_after_the_claim(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, claim())
    default = storage_class()
    default["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    await add(cluster, default)
    assert (await cluster.get(CLAIMS, "data"))["spec"]["storageClassName"] == "slow"


async def test_a_missing_class_is_told(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, claim(storageClassName="gone"))
    assert ("ProvisioningFailed", 'storageclass.storage.k8s.io "gone" not found') in await cluster.events("data")


async def test_binding_goes_on_where_a_killed_binder_was(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("persistentvolume-binder", "pvc-protection")
    writes = 0

    def refuse(method: str, path: str) -> Exception | None:
        nonlocal writes
        writes += method == "PUT"
        return ConnectionResetError() if method == "PUT" and writes % 2 else None

    cluster.faults.refuse = refuse
    await cluster.client.create(VOLUMES, volume())
    await cluster.client.create(CLAIMS, claim(storageClassName=""))
    for _ in range(6):
        await cluster.settle()
        await cluster.restart()
    await cluster.settle(5)
    assert await taken(cluster) == ("Bound", "disk") and await phase(cluster) == "Bound"
