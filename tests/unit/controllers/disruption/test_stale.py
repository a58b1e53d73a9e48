"""A disruption that did not come true is taken back."""

from __future__ import annotations

from wherry.base.times import rfc3339
from wherry.testing.controllers import Cluster, ClusterFactory, template


async def target(cluster: Cluster, name: str, **more: str) -> None:
    pod = template({"app": name})
    pod["metadata"].update(name=name, namespace="default")
    await cluster.client.create("pods", pod)
    await cluster.settle(1)
    condition = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": rfc3339(cluster.clock.now())}
    patch = {"status": {"conditions": [{**condition, "message": "going", **more}]}}
    await cluster.patch("pods", name, patch, type="strategic", subresource="status")


async def statuses(cluster: Cluster, name: str) -> list[str]:
    found = (await cluster.get("pods", name))["status"]["conditions"]
    return [c["status"] for c in found if c["type"] == "DisruptionTarget"]


async def test_it_is_false_after_two_minutes(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("disruption")
    await target(cluster, "kept", reason="EvictionByEvictionAPI")
    await target(cluster, "pressed", reason="TerminationByKubelet")
    await cluster.settle(110)
    assert await statuses(cluster, "kept") == ["True"]
    await cluster.settle(15)
    assert await statuses(cluster, "kept") == ["False"]
    assert await statuses(cluster, "pressed") == ["True"], "the kubelet's own word stands"
    cluster.faults.seen.clear()
    await cluster.settle(3600)
    assert cluster.faults.seen == []
