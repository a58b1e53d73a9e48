"""Which rule rules out which nodes, and which change would place the pod."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.scheduler.explain.explanation import Explanation, explain
from wherry.scheduler.explain.world import World
from wherry.scheduler.storage.view import Listed, Storage
from wherry.testing.scheduling import node, pod
from wherry.testing.storage import claim, using

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
TAINT = {"key": "team", "value": "x", "effect": "NoSchedule"}


def about(wanted: Object, nodes: list[Object], pods: list[Object] | None = None) -> Explanation:
    return explain(wanted, World(nodes, pods or [], {}))


def first(explanation: Explanation) -> tuple[str, str]:
    """The smallest plan: its changes in words, and its node."""
    plan = explanation.plans[0]
    return "; ".join(change.text for change in plan.changes), plan.node


def test_every_rule_is_told_not_only_the_first():
    nodes = [node("n1", cpu="1", taints=[TAINT]), node("n2", cpu="1"), node("n3", unschedulable=True)]
    said = about(pod(cpu="2"), nodes)
    assert {(each.reason, each.nodes) for each in said.rulings} == {
        ("Insufficient cpu", ("n1", "n2")),
        ("node(s) had untolerated taint(s)", ("n1",)),
        ("node(s) were unschedulable", ("n3",)),
    }


def test_a_pod_that_fits():
    said = about(pod(cpu="2"), [node("n1"), node("n2", cpu="1")])
    assert (said.fitting, said.plans, said.new_node) == (("n1",), (), "")


def term(key: str, app: str) -> Object:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}


def spread(**more: Any) -> list[Object]:
    base = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}
    return [{**base, "labelSelector": {"matchLabels": {"app": "a"}}, **more}]


A = {"app": "a"}
RUNNING = [pod("low", cpu="3", labels=A, node_name="n1"), pod("other", cpu="500m", node_name="n1")]

CASES: dict[str, tuple[Object, list[Object], list[Object], str, str]] = {
    "request": (
        pod(cpu="6", memory="1Gi"),
        [node("n1"), node("n2", cpu="5")],
        RUNNING,
        "lower the pod's cpu request from 6 to 5",
        "n2",
    ),
    "memory": (
        pod(memory="20Gi"),
        [node("n1", memory="9Gi")],
        [],
        "lower the pod's memory request from 20Gi to 9Gi",
        "n1",
    ),
    "taint": (
        pod(cpu="1"),
        [node("n1", taints=[TAINT])],
        [],
        "let the pod tolerate the taint team=x:NoSchedule",
        "n1",
    ),
    "cordon": (pod(), [node("n1", unschedulable=True)], [], "uncordon node n1", "n1"),
    "label": (
        pod(nodeSelector={"disk": "ssd"}),
        [node("n1", labels={"disk": "hdd"}), node("n2", cpu="0", pods=0)],
        [],
        "label node n1 with disk=ssd",
        "n1",
    ),
    "room": (pod(), [node("n1", pods=2)], RUNNING, "remove the pod default/low", "n1"),
    "two together": (
        pod(cpu="1", nodeSelector={"disk": "ssd"}),
        [node("n1", taints=[TAINT])],
        [],
        "let the pod tolerate the taint team=x:NoSchedule; label node n1 with disk=ssd",
        "n1",
    ),
    "spread": (
        pod(labels=A, topologySpreadConstraints=spread()),
        [node("n1", labels={ZONE: "a"}), node("n2", labels={ZONE: "b"}, cpu="0", pods=0)],
        RUNNING,
        f"raise maxSkew of the pod's spread over {ZONE} from 1 to 2",
        "n1",
    ),
    "near": (
        pod(affinity={"podAffinity": {REQUIRED: [term(HOST, "db")]}}),
        [node("n1")],
        [],
        "take the pod's required pod affinity away",
        "n1",
    ),
    "far": (
        pod(affinity={"podAntiAffinity": {REQUIRED: [term(HOST, "a")]}}),
        [node("n1")],
        RUNNING,
        "take the pod's required pod anti-affinity away",
        "n1",
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_the_smallest_change(case: str):
    wanted, nodes, pods, text, where = CASES[case]
    assert first(about(wanted, nodes, pods)) == (text, where)


def test_the_same_change_to_another_node_is_not_told_again():
    said = about(pod(nodeSelector={"disk": "ssd"}), [node("n1"), node("n2"), node("n3")])
    assert [plan.changes[0].text for plan in said.plans] == ["label node n1 with disk=ssd"]


def test_a_new_node():
    wanted = pod(cpu="6", memory="1Gi", nodeSelector={"disk": "ssd"})
    assert about(wanted, [node("n1")]).new_node == "6 cpu, 1Gi memory free, labelled disk=ssd"
    near = pod(affinity={"podAffinity": {REQUIRED: [term(HOST, "db")]}})
    assert about(near, [node("n1")]).new_node == ""


def test_a_node_that_could_never_hold_it_is_not_cleared():
    said = about(pod(cpu="9"), [node("n1", cpu="4")], RUNNING)
    assert not any("remove" in change.text for plan in said.plans for change in plan.changes)


def test_trying_leaves_the_world_as_it_was():
    nodes = [node("n1", taints=[TAINT]), node("n2", unschedulable=True)]
    world = World(nodes, RUNNING, {})
    before, after = explain(pod(cpu="9"), world), explain(pod(cpu="9"), world)
    assert [first(each) for each in (before, after)] == [first(before)] * 2
    assert before.rulings == after.rulings
    assert [each.node for each in world.cache.nodes()] == nodes
    assert sorted(world.cache.nodes()[0].pods) == ["default/low", "default/other"]


def test_claims_are_looked_at() -> None:
    asked = {**claim(storageClassName=""), "metadata": {"name": "data", "namespace": "default", "uid": "u"}}
    world = World([node("a")], [], {}, Storage(Listed([asked])))
    (ruling,) = explain(using(pod(), "data"), world).rulings
    assert (ruling.plugin, ruling.reason) == ("VolumeBinding", "pod has unbound immediate PersistentVolumeClaims")
