"""Profiles by configuration, at work against the API server in the same process."""

from __future__ import annotations

from wherry.scheduler.configuration.reading import read_config
from wherry.testing.scheduling import node, pod, scheduling

CONFIG = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
podInitialBackoffSeconds: 3
profiles:
- schedulerName: default-scheduler
- schedulerName: packing
  plugins: {score: {disabled: [{name: NodeResourcesBalancedAllocation}]}}
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
- schedulerName: careless
  plugins: {filter: {disabled: [{name: TaintToleration}]}}
- schedulerName: ssd
  pluginConfig:
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]
"""
TAINT = [{"key": "k", "value": "v", "effect": "NoSchedule"}]


async def test_each_profile_schedules_its_own_way():
    nodes = [node("n1"), node("n2"), node("n3", taints=TAINT, cpu="64", memory="640Gi")]
    async with scheduling(*nodes, config=read_config(CONFIG)) as cluster:
        await cluster.create(*(pod(f"p{i}", cpu="1", schedulerName="packing") for i in range(3)))
        assert len({await cluster.node_of(f"p{i}") for i in range(3)}) == 1
        await cluster.create(pod("q", cpu="1", schedulerName="careless"))
        assert await cluster.node_of("q") == "n3"
        await cluster.create(pod("other", schedulerName="nobody"))
        assert await cluster.node_of("other") is None


async def test_an_affinity_of_the_profile_is_enforced_and_named():
    async with scheduling(node("n1"), config=read_config(CONFIG)) as cluster:
        await cluster.create(pod("p", schedulerName="ssd"))
        text = "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity."
        assert (await cluster.condition("p"))["message"].startswith(text)
        await cluster.create(node("n2", labels={"disk": "ssd"}))
        assert await cluster.node_of("p") == "n2"
        events = (await cluster.client.list("events", namespace="default"))["items"]
        assert {event["source"]["component"] for event in events} == {"ssd"}
