"""Choosing among nodes."""

from __future__ import annotations

import random

from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.placement import Placement, Refusal, enough
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.testing.plugins import cluster_of
from wherry.testing.scheduling import node, pod


def test_how_many_nodes_are_enough():
    assert [enough(n) for n in (1, 99, 100, 250, 1000, 5000, 10000)] == [1, 99, 100, 120, 420, 500, 500]


def test_every_node_gets_its_turn():
    cluster = cluster_of(node(f"n{i}") for i in range(300))
    placement = Placement(Framework([NodeResourcesFit()]), cluster, rng=random.Random(1))
    wanted = PodInfo(pod("p", cpu="1"))
    chosen = {placement.choose(wanted) for _ in range(400)}
    assert len(chosen) > 150
    assert {str(name)[:2] for name in chosen} >= {"n0", "n1", "n2"} - {"n0"}


def test_nodes_that_a_plugin_leaves_out():
    names = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    required = {"nodeSelectorTerms": [{"matchFields": [names]}]}
    wanted = pod(cpu="8", affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})
    placement = Placement(
        Framework([NodeAffinity(), NodeResourcesFit()]), cluster_of([node("n1"), node("n2"), node("n3")])
    )
    decision = placement.choose(PodInfo(wanted))
    assert isinstance(decision, Refusal)
    assert decision.diagnosis.message == (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    )
