"""Nodes that fall silent, pods that leave them, and pods that nobody else removes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.base.times import rfc3339, rfc3339_micro
from wherry.controllers import node_health
from wherry.controllers.context import Config
from wherry.controllers.node_health import Zone
from wherry.controllers.tainteviction import stays_seconds
from wherry.testing.controllers import Cluster, ClusterFactory, template

CONTROLLERS = ("nodelifecycle", "taint-eviction-controller", "podgc")
NODES = ("n1", "n2", "n3")
TOLERATIONS = [
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for name in ("not-ready", "unreachable")
]


async def beat(cluster: Cluster, *names: str, ready: str = "True") -> None:
    now = rfc3339(cluster.clock.now())
    for name in names:
        condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": now, "lastTransitionTime": now}
        body = {"status": {"conditions": [condition]}}
        await cluster.client.patch("nodes", name, body, type="strategic", subresource="status")


async def renew(cluster: Cluster, name: str) -> None:
    spec = {"holderIdentity": name, "renewTime": rfc3339_micro(cluster.clock.now())}
    resource, namespace = "leases.coordination.k8s.io", "kube-node-lease"
    if await cluster.exists(resource, name, namespace):
        await cluster.client.patch(resource, name, {"spec": spec}, namespace=namespace)
    else:
        await cluster.client.create(resource, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})


async def live(cluster: Cluster, seconds: float, *names: str) -> None:
    """Let time pass while these nodes renew their leases."""
    passed = 0.0
    while passed < seconds:
        for name in names:
            await renew(cluster, name)
        await cluster.settle(10)
        passed += 10


def taints(node: Object) -> set[tuple[str, str]]:
    return {(t["key"].removeprefix("node.kubernetes.io/"), t["effect"]) for t in node["spec"].get("taints") or ()}


async def start(cluster_of: ClusterFactory, **options: Any) -> Cluster:
    cluster = await cluster_of(*CONTROLLERS, nodes=NODES, **options)
    await beat(cluster, *NODES)
    await cluster.settle()
    return cluster


async def put_pod(cluster: Cluster, name: str, node: str, **spec: Any) -> None:
    body = template({"app": name})
    body["metadata"].update(name=name, namespace="default")
    body["spec"].update(nodeName=node, **spec)
    await cluster.client.create("pods", body)
    await cluster.settle()


async def node(cluster: Cluster, name: str) -> Object:
    return await cluster.client.get("nodes", name)


async def test_a_silent_node_becomes_unknown_after_the_grace_period(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    assert taints(await node(cluster, "n1")) == set()
    await put_pod(cluster, "web", "n1", tolerations=TOLERATIONS)
    cluster.kubelet.ready = lambda pod: False  # a silent node's kubelet says nothing more
    await live(cluster, 30, "n1", "n2", "n3")
    await live(cluster, 20, "n2", "n3")
    assert node_health.ready_status(await node(cluster, "n1")) == "True"
    await live(cluster, 20, "n2", "n3")
    found = await node(cluster, "n1")
    ready = next(c for c in found["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == (
        "Unknown",
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
    )
    assert taints(found) == {("unreachable", "NoSchedule"), ("unreachable", "NoExecute")}
    pod = await cluster.get("pods", "web")
    assert next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")["status"] == "False"
    assert ("NodeNotReady", "Node is not ready") in await cluster.events("web")
    assert ("NodeNotReady", "Node n1 status is now: NodeNotReady") in await cluster.events("n1")


async def test_pods_leave_after_the_time_that_they_tolerate(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await put_pod(cluster, "patient", "n1", tolerations=TOLERATIONS)
    await put_pod(cluster, "forever", "n1", tolerations=[{"operator": "Exists"}])
    await live(cluster, 60, "n2", "n3")
    assert ("unreachable", "NoExecute") in taints(await node(cluster, "n1"))
    await live(cluster, 270, "n2", "n3")
    assert await cluster.exists("pods", "patient")
    await live(cluster, 50, "n2", "n3")
    assert not await cluster.exists("pods", "patient")
    assert await cluster.exists("pods", "forever")
    assert ("TaintManagerEviction", "Marking for deletion Pod default/patient") in await cluster.events("patient")


async def test_a_node_that_comes_back_keeps_its_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await put_pod(cluster, "web", "n1", tolerations=TOLERATIONS)
    await live(cluster, 100, "n2", "n3")
    await beat(cluster, "n1")
    await live(cluster, 400, *NODES)
    assert taints(await node(cluster, "n1")) == set()
    assert await cluster.exists("pods", "web")
    assert ("TaintManagerEviction", "Cancelling deletion of Pod default/web") in await cluster.events("web")


async def test_nobody_is_driven_out_while_every_node_is_down(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await live(cluster, 120)
    for name in NODES:
        assert taints(await node(cluster, name)) == {("unreachable", "NoSchedule")}


async def test_conditions_and_cordoning_become_taints(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.patch("nodes", "n1", {"spec": {"unschedulable": True}})
    pressure = {"type": "MemoryPressure", "status": "True"}
    await cluster.client.patch(
        "nodes", "n1", {"status": {"conditions": [pressure]}}, type="strategic", subresource="status"
    )
    await beat(cluster, "n2", ready="False")
    await cluster.settle()
    assert taints(await node(cluster, "n1")) == {("unschedulable", "NoSchedule"), ("memory-pressure", "NoSchedule")}
    assert taints(await node(cluster, "n2")) == {("not-ready", "NoSchedule"), ("not-ready", "NoExecute")}
    await cluster.client.patch("nodes", "n1", {"spec": {"unschedulable": None}})
    await beat(cluster, "n2")
    await cluster.settle()
    assert taints(await node(cluster, "n1")) == {("memory-pressure", "NoSchedule")}
    assert taints(await node(cluster, "n2")) == set()


async def test_pods_of_a_deleted_node_are_removed_after_quarantine(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.kubelet.removes = lambda pod: False
    await put_pod(cluster, "web", "n1")
    await cluster.client.delete("nodes", "n1")
    await live(cluster, 30, "n2", "n3")
    assert await cluster.exists("pods", "web")
    await live(cluster, 30, "n2", "n3")
    assert not await cluster.exists("pods", "web")


async def test_pods_that_name_a_missing_node_share_its_quarantine(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await put_pod(cluster, "first", "nowhere")
    await cluster.clock.advance(20)
    await put_pod(cluster, "second", "nowhere")
    await cluster.clock.advance(19)
    assert sorted(await names(cluster)) == ["first", "second"]
    await cluster.clock.advance(2)
    assert await names(cluster) == []
    await put_pod(cluster, "late", "nowhere")
    await cluster.clock.advance(41)
    assert await names(cluster) == []


async def test_a_node_that_comes_in_time_keeps_its_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await put_pod(cluster, "early", "new")
    await cluster.clock.advance(30)
    await cluster.client.create("nodes", {"metadata": {"name": "new"}})
    await beat(cluster, "new")
    await cluster.clock.advance(15)
    assert await names(cluster) == ["early"]


async def names(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in await cluster.pods()]


async def test_finished_pods_beyond_the_limit_go_oldest_first(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, config=Config(terminated_pod_threshold=2))
    for i in range(4):
        await put_pod(cluster, f"p{i}", "n1")
        await cluster.kubelet.finish(await cluster.get("pods", f"p{i}"))
        await cluster.settle(2)
    assert [pod["metadata"]["name"] for pod in await cluster.pods()] == ["p2", "p3"]


@pytest.mark.parametrize(
    ("tolerations", "seconds"),
    [
        ([], 0.0),
        ([{"operator": "Exists"}], math.inf),
        ([{"key": "k", "operator": "Exists", "tolerationSeconds": 30}], 30.0),
        ([{"key": "k", "value": "v", "effect": "NoExecute"}], math.inf),
        ([{"key": "k", "value": "other"}], 0.0),
        ([{"key": "k", "operator": "Exists", "tolerationSeconds": -1}], 0.0),
        ([{"key": "k", "value": "v", "tolerationSeconds": 60}, {"operator": "Exists", "tolerationSeconds": 5}], 5.0),
    ],
)
def test_how_long_a_pod_may_stay(tolerations: list[Object], seconds: float) -> None:
    assert stays_seconds(tolerations, [{"key": "k", "value": "v", "effect": "NoExecute"}]) == seconds


@pytest.mark.parametrize(
    ("ready", "down", "state"),
    [(3, 0, Zone.NORMAL), (0, 1, Zone.FULL), (1, 2, Zone.NORMAL), (2, 3, Zone.PARTIAL), (100, 3, Zone.NORMAL)],
)
def test_how_a_zone_is(ready: int, down: int, state: Zone) -> None:
    def made(status: str) -> Object:
        return {"status": {"conditions": [{"type": "Ready", "status": status}]}}

    nodes = [made("True")] * ready + [made("Unknown")] * down
    assert node_health.zone_state(nodes) == (state, ready + down)
    assert node_health.eviction_interval(Zone.PARTIAL, 10) is None


async def given_up(cluster: Cluster, *names: str) -> list[str]:
    return [name for name in names if ("unreachable", "NoExecute") in taints(await node(cluster, name))]


async def test_the_nodes_of_a_zone_are_given_up_one_after_another(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.settle(30)
    await renew(cluster, "n3")
    when: list[float] = []
    for _ in range(35):
        await cluster.settle(1)
        if len(await given_up(cluster, *NODES)) > len(when):
            when.append(cluster.clock.monotonic())
    first, second = when
    assert 9 <= second - first <= 11


async def test_a_small_zone_that_is_mostly_down_is_not_given_up(cluster_of: ClusterFactory) -> None:
    names = ("n1", "n2", "n3", "n4", "n5")
    cluster = await cluster_of(*CONTROLLERS, nodes=names)
    await beat(cluster, *names)
    await live(cluster, 300, "n4", "n5")
    for name in names[:3]:
        assert taints(await node(cluster, name)) == {("unreachable", "NoSchedule")}
    await live(cluster, 60, "n3", "n4", "n5")
    await beat(cluster, "n3")
    await live(cluster, 30, "n3", "n4", "n5")
    assert await given_up(cluster, *names) == ["n1", "n2"], "with two of five down the zone is well enough"
