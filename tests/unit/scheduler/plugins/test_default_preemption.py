"""Who has to go for a more important pod, and from which node."""

from __future__ import annotations

import random
from typing import Any

from wherry.api.types import Object
from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.placement import Placement, Refusal
from wherry.scheduler.plugins.default_preemption import DefaultPreemption
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.testing.plugins import cluster_of
from wherry.testing.scheduling import node, pod


def running(name: str, on: str, cpu: str, priority: int = 0, *, started: str = "", **spec: Any) -> Object:
    made = pod(name, cpu=cpu, node_name=on, priority=priority, labels={"app": name.rstrip("0123456789")}, **spec)
    if started:
        made["status"] = {"startTime": f"2026-01-01T{started}:00Z"}
    return made


def important(cpu: str = "2", **spec: Any) -> Object:
    return pod("important", cpu=cpu, priority=1000, **spec)


def refusal(wanted: Object, cluster: Cache, budgets: list[Object] | None = None) -> Refusal:
    preemption = DefaultPreemption(budgets=lambda: budgets or [], rng=random.Random(1))
    framework = Framework([NodeAffinity(), NodeResourcesFit(), InterPodAffinity(), preemption])
    decision = Placement(framework, cluster, rng=random.Random(1)).choose(PodInfo(wanted))
    assert isinstance(decision, Refusal)
    return decision


def victims(wanted: Object, cluster: Cache, budgets: list[Object] | None = None) -> tuple[str, list[str]]:
    nomination = refusal(wanted, cluster, budgets).remedy.nomination
    assert nomination is not None
    return nomination.node, [victim.name for victim in nomination.victims]


def test_as_few_as_needed_and_the_least_important():
    cluster = cluster_of(
        [node("n1", cpu="4")],
        [
            running("a", "n1", "1", 30),
            running("b", "n1", "1", 10),
            running("c", "n1", "1", 20),
            running("d", "n1", "1", 5),
        ],
    )
    assert victims(important("2"), cluster) == ("n1", ["b", "d"])


def test_the_node_is_afterwards_as_it_was():
    cluster = cluster_of([node("n1", cpu="2")], [running("a", "n1", "1"), running("b", "n1", "1")])
    info = cluster.node("n1")
    assert info is not None
    before = (dict(info.requested), set(info.pods))
    victims(important("1"), cluster)
    assert (dict(info.requested), set(info.pods)) == before


def test_equals_and_superiors_stay():
    cluster = cluster_of([node("n1", cpu="2")], [running("a", "n1", "2", 1000)])
    found = refusal(important("2"), cluster)
    assert found.remedy.nomination is None
    assert found.diagnosis.message == (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )


def test_where_removing_pods_cannot_help():
    cluster = cluster_of([node("n1", cpu="1"), node("n2", cpu="4")], [running("a", "n1", "1")])
    found = refusal(important("2", nodeSelector={"a": "b"}), cluster)
    assert found.diagnosis.message == (
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, "
        "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    )
    assert found.remedy.withdraws


def test_pods_that_never_preempt():
    cluster = cluster_of([node("n1", cpu="2")], [running("a", "n1", "2")])
    message = refusal(important(preemptionPolicy="Never"), cluster).diagnosis.message
    assert message.endswith("preemption: not eligible due to preemptionPolicy=Never.")


def test_the_node_whose_victims_matter_least():
    nodes = [node(f"n{i}", cpu="2") for i in (1, 2, 3)]
    pods = [running("a", "n1", "2", 50), running("b", "n2", "2", 10), running("c", "n3", "2", 20)]
    assert victims(important(), cluster_of(nodes, pods)) == ("n2", ["b"])


def test_then_fewer_pods_then_those_that_started_last():
    nodes = [node(f"n{i}", cpu="2") for i in (1, 2, 3)]
    pods = [
        *(running(name, "n1", "1", -5, started="01:00") for name in ("a1", "a2")),
        running("b", "n2", "2", -5, started="01:00"),
        running("c", "n3", "2", -5, started="02:00"),
    ]
    assert victims(important(), cluster_of(nodes, pods)) == ("n3", ["c"])


def budget(app: str, allowed: int) -> Object:
    return {
        "metadata": {"name": app, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": app}}},
        "status": {"disruptionsAllowed": allowed},
    }


def test_disruption_budgets_come_first():
    nodes = [node("n1", cpu="2"), node("n2", cpu="2")]
    pods = [running("a", "n1", "2", 1), running("b", "n2", "2", 500)]
    cluster = cluster_of(nodes, pods)
    assert victims(important(), cluster) == ("n1", ["a"])
    assert victims(important(), cluster, [budget("a", 0)]) == ("n2", ["b"])
    assert victims(important(), cluster, [budget("a", 1)]) == ("n1", ["a"])
    assert victims(important(), cluster, [budget("a", 0), budget("b", 0)]) == ("n1", ["a"])


def test_a_budget_saves_the_pods_that_it_can():
    cluster = cluster_of([node("n1", cpu="2")], [running("a", "n1", "1", 1), running("b", "n1", "1", 500)])
    assert victims(important("1"), cluster, [budget("a", 0)]) == ("n1", ["b"])


def test_pods_that_keep_the_pod_away_go():
    far = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
            ]
        }
    }
    cluster = cluster_of([node("n1")], [running("web1", "n1", "1"), running("db1", "n1", "1")])
    assert victims(important("1", affinity=far), cluster) == ("n1", ["web1"])


def test_no_more_victims_while_those_of_before_are_going():
    going = running("a", "n1", "2")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    going["status"] = {"conditions": [condition]}
    cluster = cluster_of([node("n1", cpu="2"), node("n2", cpu="2")], [going, running("b", "n2", "2")])
    cluster.nominate(PodInfo(important()), "n1")
    message = refusal(important(), cluster).diagnosis.message
    assert message.endswith("preemption: not eligible due to a terminating pod on the nominated node.")


def test_a_nominated_pod_keeps_its_place_from_less_important_ones():
    cluster = cluster_of([node("n1", cpu="2")])
    cluster.nominate(PodInfo(important("2")), "n1")
    found = refusal(pod("p", cpu="1", priority=1), cluster)
    assert found.diagnosis.message.startswith("0/1 nodes are available: 1 Insufficient cpu.")
    framework = Framework([NodeResourcesFit()])
    assert Placement(framework, cluster).choose(PodInfo(pod("q", cpu="1", priority=2000))) == "n1"
    assert Placement(framework, cluster).choose(PodInfo(important("2"))) == "n1"
