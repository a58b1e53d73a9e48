"""Pods on nodes with NoExecute taints, as upstream's conformance titles ask it."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, template

TAINT = {"key": "kubernetes.io/e2e-evict-taint-key", "value": "evictTaintVal", "effect": "NoExecute"}


async def run(cluster: Cluster, name: str, seconds: int | None) -> None:
    pod = template({"app": name})
    pod["metadata"].update(name=name, namespace="default")
    if seconds is not None:
        toleration = {**TAINT, "operator": "Equal", "tolerationSeconds": seconds}
        pod["spec"]["tolerations"] = [toleration]
    await cluster.client.create("pods", pod)
    await cluster.settle(1)


async def taint(cluster: Cluster, taints: list[Object]) -> None:
    await cluster.client.patch("nodes", "node-1", {"spec": {"taints": taints}})


async def left(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in await cluster.pods()]


async def test_a_taint_that_goes_in_time_evicts_nobody(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("taint-eviction-controller")
    await run(cluster, "p", 65)
    await taint(cluster, [TAINT])
    await cluster.settle(30)
    assert await left(cluster) == ["p"]
    await taint(cluster, [])
    await cluster.settle(600)
    assert await left(cluster) == ["p"]
    assert ("TaintManagerEviction", "Cancelling deletion of Pod default/p") in await cluster.events("p")


async def test_each_pod_stays_as_long_as_it_tolerates(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("taint-eviction-controller")
    for name, seconds in (("a", 5), ("b", 120), ("now", None)):
        await run(cluster, name, seconds)
    await taint(cluster, [TAINT])
    await cluster.settle(1)
    assert await left(cluster) == ["a", "b"]
    await cluster.settle(60)
    assert await left(cluster) == ["b"]
    await cluster.settle(120)
    assert await left(cluster) == []
