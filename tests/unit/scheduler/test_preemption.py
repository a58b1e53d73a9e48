"""Preemption from end to end, against the API server in the same process."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.testing.scheduling import node, pod, scheduling

HIGH: Object = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "high"},
    "value": 1000,
}


async def test_the_victim_is_told_and_deleted_and_the_pod_takes_its_place():
    async with scheduling(node("n1", cpu="1"), HIGH) as cluster:
        await cluster.create(pod("low", cpu="1"))
        await cluster.create(pod("high", cpu="1", priorityClassName="high"))
        low = await cluster.pod("low")
        assert low["metadata"]["deletionTimestamp"]
        condition = next(each for each in low["status"]["conditions"] if each["type"] == "DisruptionTarget")
        assert condition["reason"] == "PreemptionByScheduler"
        assert condition["message"] == "default-scheduler: preempting to accommodate a higher priority pod"
        high = await cluster.pod("high")
        assert high["status"]["nominatedNodeName"] == "n1"
        assert await cluster.events("Preempted") == [f"Preempted by pod {high['metadata']['uid']} on node n1"]
        await cluster.client.delete("pods", "low", namespace="default", grace_period_seconds=0)
        await cluster.clock.settle()
        high = await cluster.pod("high")
        assert high["spec"]["nodeName"] == "n1"
        assert "nominatedNodeName" not in high["status"]


async def test_the_cleared_node_is_not_given_to_others():
    async with scheduling(node("n1", cpu="1"), HIGH) as cluster:
        await cluster.create(pod("low", cpu="1"))
        await cluster.create(pod("high", cpu="1", priorityClassName="high"), pod("other", cpu="1"))
        await cluster.client.delete("pods", "low", namespace="default", grace_period_seconds=0)
        await cluster.clock.settle()
        assert await cluster.node_of("high") == "n1"
        assert await cluster.node_of("other") is None


async def test_a_nomination_falls_when_it_is_of_no_use_any_more():
    async with scheduling(node("n1", cpu="1"), HIGH) as cluster:
        await cluster.create(pod("low", cpu="1"))
        await cluster.create(pod("high", cpu="1", priorityClassName="high"))
        await cluster.client.patch("nodes", "n1", {"status": {"allocatable": {"cpu": "0"}}}, subresource="status")
        await cluster.client.delete("pods", "low", namespace="default", grace_period_seconds=0)
        await cluster.clock.advance(20)
        high = await cluster.pod("high")
        assert not high["spec"].get("nodeName")
        assert "nominatedNodeName" not in high["status"]
