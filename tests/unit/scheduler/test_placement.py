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
    assert [enough(n, 10) for n in (1, 99, 100, 250, 1000, 5000, 10000)] == [1, 99, 100, 100, 100, 500, 1000]
    assert [enough(n, 0) for n in (1, 99, 100, 5000)] == [1, 99, 100, 5000]


def test_every_node_gets_its_turn():
    cluster = cluster_of(node(f"n{i}") for i in range(300))
    wanted = PodInfo(pod("p", cpu="1"))
    for percentage in (0, 34):
        placement = Placement(Framework([NodeResourcesFit()]), cluster, rng=random.Random(1), percentage=percentage)
        chosen = {placement.choose(wanted) for _ in range(400)}
        assert len(chosen) > 150


def test_one_by_one_or_all_at_once():
    """The same nodes are best, and the same is said where none fits."""
    nodes = [node(f"n{i}", cpu=str(i % 5)) for i in range(30)]
    framework = Framework([NodeAffinity(), NodeResourcesFit()])
    plain, vectors = (
        Placement(framework, cluster_of(nodes), rng=random.Random(1), vectors_from=many) for many in (100, 1)
    )
    for cpu in ("1", "3"):
        wanted = PodInfo(pod("p", cpu=cpu))
        assert {plain.choose(wanted) for _ in range(90)} == {vectors.choose(wanted) for _ in range(90)}
    refusals = [each.choose(PodInfo(pod("p", cpu="9"))) for each in (plain, vectors)]
    assert isinstance(refusals[0], Refusal) and isinstance(refusals[1], Refusal)
    assert (
        refusals[0].diagnosis.message
        == refusals[1].diagnosis.message
        == ("0/30 nodes are available: 30 Insufficient cpu.")
    )


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
