"""Pods with claims on a whole node in the test's process."""

from __future__ import annotations

from pathlib import Path

from wherry.api.types import Object
from wherry.testing.nodes import TestNode
from wherry.testing.pods import container, pod
from wherry.testing.storage import claim, using, volume

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
START = (
    "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process "
    "volumes=[data]: error processing PVC default/data: "
)


async def provide(node: TestNode, path: Path, **changes: str) -> None:
    """A claim that is bound to a directory."""
    made = await node.client.create(CLAIMS, claim(storageClassName="", volumeName="disk"))
    reference = {"namespace": "default", "name": "data", "uid": made["metadata"]["uid"], **changes}
    await node.client.create(VOLUMES, volume(path=str(path), claimRef=reference))
    await node.client.patch(CLAIMS, "data", {"status": {"phase": "Bound"}}, namespace="default", subresource="status")


def user() -> Object:
    return using(pod(container("a")), "data")


async def test_a_pod_sees_its_claim(node: TestNode, tmp_path: Path) -> None:
    await provide(node, tmp_path)
    started = await node.run_pod(user())
    assert started["status"]["phase"] == "Running"
    assert str(tmp_path) in {mount.source for mount in node.made("a").mounts if mount.target == "/data"}


async def test_a_pod_waits_for_its_claim_and_says_so(node: TestNode, tmp_path: Path) -> None:
    await node.run_pod(user())
    missing = 'failed to fetch PVC from API server: persistentvolumeclaims "data" not found'
    assert await node.events("FailedMount") == [START + missing]
    await node.client.create(CLAIMS, claim(storageClassName=""))
    await node.clock.advance(10)
    assert START + "PVC is not bound" in await node.events("FailedMount")
    await node.client.delete(CLAIMS, "data", namespace="default")
    await node.client.patch(CLAIMS, "data", {"metadata": {"finalizers": None}}, namespace="default")
    await provide(node, tmp_path)
    await node.clock.advance(130)
    assert (await node.status())["phase"] == "Running"


async def test_a_volume_that_is_somebody_elses(node: TestNode, tmp_path: Path) -> None:
    await provide(node, tmp_path, uid="another")
    await node.run_pod(user())
    assert await node.events("FailedMount") == [START + "PV disk is bound to another PVC"]


async def test_a_running_pod_does_not_mind_that_its_claim_is_leaving(node: TestNode, tmp_path: Path) -> None:
    await provide(node, tmp_path)
    await node.run_pod(user())
    await node.client.delete(CLAIMS, "data", namespace="default")
    await node.restart()
    await node.clock.advance(30)
    assert (await node.status())["phase"] == "Running" and await node.events("FailedMount") == []
