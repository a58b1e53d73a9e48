"""VolumeAttachments for CSI volumes; the test plays the driver's attacher."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, template
from wherry.testing.storage import claim, using, volume

ATTACHMENTS = "volumeattachments.storage.k8s.io"
CONTROLLERS = ("attachdetach", "persistentvolume-binder")
DEVICE = "kubernetes.io/csi/csi.example.org^v1"


def disk(**spec: object) -> Object:
    made = volume(**spec)  # type: ignore[arg-type]
    del made["spec"]["hostPath"]
    made["spec"]["csi"] = {"driver": "csi.example.org", "volumeHandle": "v1"}
    return made


async def start(cluster_of: ClusterFactory, *, made: Object | None = None) -> Cluster:
    cluster = await cluster_of(*CONTROLLERS, nodes=("node-1", "node-2"))
    cluster.kubelet.runs = lambda pod: False
    made = made or disk()
    await cluster.client.create("persistentvolumes", made)
    await cluster.client.create(
        "persistentvolumeclaims", claim(storageClassName="", modes=tuple(made["spec"]["accessModes"]))
    )
    await cluster.settle()
    return cluster


async def run(cluster: Cluster, name: str = "p", node: str = "node-1") -> None:
    base = template({})
    pod = using({**base, "metadata": {"name": name, "namespace": "default"}}, "data")
    await cluster.client.create("pods", {**pod, "spec": {**pod["spec"], "nodeName": node}})
    await cluster.settle()


async def attached(cluster: Cluster, **status: object) -> Object:
    """The driver has done it."""
    (found,) = (await cluster.client.list(ATTACHMENTS))["items"]
    patch = {"status": {"attached": True, **status}}
    await cluster.client.patch(ATTACHMENTS, found["metadata"]["name"], patch, subresource="status")
    await cluster.settle()
    return found


async def test_a_volume_is_attached_to_the_node_of_its_pod(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await run(cluster)
    found = await attached(cluster, attachmentMetadata={"devicePath": "/dev/x"})
    assert found["spec"] == {
        "attacher": "csi.example.org",
        "nodeName": "node-1",
        "source": {"persistentVolumeName": "disk"},
    }
    node = await cluster.get("nodes", "node-1", "")
    assert node["status"]["volumesAttached"] == [{"name": DEVICE, "devicePath": "/dev/x"}]
    text = 'AttachVolume.Attach succeeded for volume "disk"'
    assert ("SuccessfulAttachVolume", text) in await cluster.events("p")


async def test_it_is_detached_when_the_node_does_not_use_it_any_more(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await run(cluster)
    await attached(cluster)
    await cluster.client.patch("nodes", "node-1", {"status": {"volumesInUse": [DEVICE]}}, subresource="status")
    await cluster.client.delete("pods", "p", namespace="default", grace_period_seconds=0)
    await cluster.settle(60)
    assert (await cluster.client.list(ATTACHMENTS))["items"], "the node has not let go"
    await cluster.client.patch("nodes", "node-1", {"status": {"volumesInUse": None}}, subresource="status")
    await cluster.settle()
    assert (await cluster.client.list(ATTACHMENTS))["items"] == []
    assert "volumesAttached" not in (await cluster.get("nodes", "node-1", ""))["status"]


async def test_a_node_cannot_hold_a_volume_for_ever(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await run(cluster)
    await attached(cluster)
    await cluster.client.patch("nodes", "node-1", {"status": {"volumesInUse": [DEVICE]}}, subresource="status")
    await cluster.client.delete("pods", "p", namespace="default", grace_period_seconds=0)
    await cluster.settle(400)
    assert (await cluster.client.list(ATTACHMENTS))["items"] == []


async def test_a_volume_for_one_node_waits_for_the_other_to_let_go(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await run(cluster)
    await attached(cluster)
    await run(cluster, "q", "node-2")
    (reason, message), *_ = await cluster.events("q")
    assert reason == "FailedAttachVolume" and message.startswith('Multi-Attach error for volume "disk"')
    await cluster.client.delete("pods", "p", namespace="default", grace_period_seconds=0)
    await cluster.settle(15)
    (found,) = (await cluster.client.list(ATTACHMENTS))["items"]
    assert found["spec"]["nodeName"] == "node-2"


async def test_a_volume_for_many_is_attached_to_many(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, made=disk(modes=("ReadWriteMany",)))
    await run(cluster)
    await run(cluster, "q", "node-2")
    assert len((await cluster.client.list(ATTACHMENTS))["items"]) == 2


async def test_drivers_that_do_not_attach(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    driver = {"metadata": {"name": "csi.example.org"}, "spec": {"attachRequired": False}}
    await cluster.client.create("csidrivers.storage.k8s.io", driver)
    await run(cluster)
    assert (await cluster.client.list(ATTACHMENTS))["items"] == []


async def test_a_failure_of_the_driver_is_told(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await run(cluster)
    (found,) = (await cluster.client.list(ATTACHMENTS))["items"]
    patch = {"status": {"attached": False, "attachError": {"message": "no such disk"}}}
    await cluster.client.patch(ATTACHMENTS, found["metadata"]["name"], patch, subresource="status")
    await cluster.settle()
    text = 'AttachVolume.Attach failed for volume "disk" : no such disk'
    assert ("FailedAttachVolume", text) in await cluster.events("p")
