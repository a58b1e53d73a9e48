"""Who gives way to whom, as upstream's conformance titles ask it."""

from __future__ import annotations

import asyncio

import pytest

from wherry.api.errors import Invalid, StatusError
from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.controllers.manager import ControllerManager
from wherry.testing.scheduling import TestScheduler, node, pod, scheduling

CLASSES = "priorityclasses.scheduling.k8s.io"
SCARCE = "scheduling.k8s.io/foo"


def priority(name: str, value: int) -> Object:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }


async def test_a_critical_pod_takes_the_place_of_a_lesser_one():
    async with scheduling(node("n1", cpu="1"), priority("low", 1)) as cluster:
        await cluster.create(pod("lesser", cpu="1", priorityClassName="low"))
        assert await cluster.node_of("lesser") == "n1"
        critical = pod("critical", cpu="1", priorityClassName="system-cluster-critical")
        critical["metadata"]["namespace"] = "kube-system"
        await cluster.create(critical)
        lesser = await cluster.pod("lesser")
        assert lesser["metadata"]["deletionTimestamp"]
        (told,) = [c for c in lesser["status"]["conditions"] if c["type"] == "DisruptionTarget"]
        assert (told["status"], told["reason"]) == ("True", "PreemptionByScheduler")
        await cluster.client.delete("pods", "lesser", namespace="default", grace_period_seconds=0)
        await cluster.clock.settle()
        found = await cluster.client.get("pods", "critical", namespace="kube-system")
        assert (found["spec"]["nodeName"], found["spec"]["priority"]) == ("n1", 2000000000)


def replica_set(name: str, replicas: int) -> Object:
    template = {
        "metadata": {"labels": {"name": name}},
        "spec": {
            "priorityClassName": name,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "c", "image": "x", "resources": {"requests": {SCARCE: "40"}, "limits": {SCARCE: "40"}}}],
        },
    }  # fmt: skip
    spec = {"replicas": replicas, "selector": {"matchLabels": {"name": name}}, "template": template}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}


async def kubelet(client: Client, cluster: TestScheduler) -> None:
    """Lets go at once what is to go."""
    for found in (await client.list("pods", namespace="default"))["items"]:
        if found["metadata"].get("deletionTimestamp"):
            await client.delete("pods", found["metadata"]["name"], namespace="default", grace_period_seconds=0)
    await cluster.clock.advance(2)


async def test_sets_of_higher_priority_push_out_the_others():
    """Room for five pods: p1 to p3 fill it, p4 needs it, and only those of the least priority go."""
    classes = [priority(f"p{i}", i) for i in (1, 2, 3, 4)]
    async with scheduling(node("n1", more={SCARCE: "200"}), *classes) as cluster:
        manager = ControllerManager(cluster.client, cluster.clock, enabled=["replicaset"])
        task = asyncio.ensure_future(manager.run())
        try:
            for name, count in (("p1", 1), ("p2", 2), ("p3", 2), ("p4", 3)):
                await cluster.client.create("replicasets.apps", replica_set(name, count))
                for _ in range(6):
                    await kubelet(cluster.client, cluster)
            pods = (await cluster.client.list("pods", namespace="default"))["items"]
            placed = [p["metadata"]["labels"]["name"] for p in pods if p["spec"].get("nodeName")]
            assert sorted(placed) == ["p3", "p3", "p4", "p4", "p4"]
        finally:
            await cancel_and_wait(task)


async def test_the_value_of_a_class_stays():
    async with scheduling(priority("p", 1)) as cluster:
        with pytest.raises(StatusError) as refused:
            await cluster.client.patch(CLASSES, "p", {"value": 2})
        assert isinstance(refused.value, Invalid)
        patched = await cluster.client.patch(CLASSES, "p", {"description": "changed"})
        assert (patched["value"], patched["description"]) == (1, "changed")
