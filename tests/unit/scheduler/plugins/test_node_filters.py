"""Plugins that look at the node's own properties: cordon, name, taints, labels."""

from __future__ import annotations

from typing import Any

from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_name import NodeName
from wherry.scheduler.plugins.node_unschedulable import NodeUnschedulable
from wherry.scheduler.plugins.taint_toleration import TaintToleration
from wherry.testing.plugins import cluster_of, fitting, reasons, scores
from wherry.testing.scheduling import node, pod

EVERYTHING = [{"operator": "Exists"}]


def test_cordoned_nodes():
    cluster = cluster_of([node("n1"), node("n2", unschedulable=True)])
    assert reasons(NodeUnschedulable(), pod(), cluster) == {"n1": "", "n2": "node(s) were unschedulable"}
    assert fitting(NodeUnschedulable(), pod(tolerations=EVERYTHING), cluster) == ["n1", "n2"]


def test_the_named_node():
    cluster = cluster_of([node("n1"), node("n2")])
    assert fitting(NodeName(), pod(), cluster) == ["n1", "n2"]
    wanted = reasons(NodeName(), pod(node_name="n2"), cluster)
    assert wanted == {"n1": "node(s) didn't match the requested node name", "n2": ""}


def taint(effect: str, key: str = "k") -> dict[str, str]:
    return {"key": key, "value": "v", "effect": effect}


def test_hard_taints_rule_out_and_soft_ones_do_not():
    nodes = [
        node("soft", taints=[taint("PreferNoSchedule")]),
        node("hard", taints=[taint("NoSchedule")]),
        node("harder", taints=[taint("NoExecute")]),
    ]
    cluster = cluster_of(nodes)
    assert fitting(TaintToleration(), pod(), cluster) == ["soft"]
    assert reasons(TaintToleration(), pod(), cluster)["hard"] == "node(s) had untolerated taint(s)"
    assert fitting(TaintToleration(), pod(tolerations=EVERYTHING), cluster) == ["hard", "harder", "soft"]


def test_fewer_soft_taints_are_better():
    soft = [taint("PreferNoSchedule", key) for key in "abcd"]
    cluster = cluster_of([node("n0"), node("n1", taints=soft[:1]), node("n4", taints=soft)])
    assert scores(TaintToleration(), pod(), cluster) == {"n0": 100, "n1": 75, "n4": 0}
    assert scores(TaintToleration(), pod(tolerations=EVERYTHING), cluster) is None
    assert scores(TaintToleration(), pod(), cluster_of([node("n0")])) is None


def affinity(**terms: Any) -> dict[str, Any]:
    return {"nodeAffinity": {f"{kind}DuringSchedulingIgnoredDuringExecution": spec for kind, spec in terms.items()}}


def has(key: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}


def test_node_selector_and_required_affinity_must_both_hold():
    cluster = cluster_of([node("n1", labels={"a": "1", "b": "1"}), node("n2", labels={"a": "1"}), node("n3")])
    assert fitting(NodeAffinity(), pod(nodeSelector={"a": "1"}), cluster) == ["n1", "n2"]
    both = pod(nodeSelector={"a": "1"}, affinity=affinity(required={"nodeSelectorTerms": [has("b", "1")]}))
    assert fitting(NodeAffinity(), both, cluster) == ["n1"]
    assert reasons(NodeAffinity(), both, cluster)["n3"] == "node(s) didn't match Pod's node affinity/selector"


def test_names_that_exclude_each_other():
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]} for name in ("n1", "n2")]
    made = pod(affinity=affinity(required={"nodeSelectorTerms": [{"matchFields": fields}]}))
    assert reasons(NodeAffinity(), made, cluster_of([node("n1")])) == {"n1": "pod affinity terms conflict"}


def test_preferred_affinity_by_weight():
    preferences = [{"weight": 3, "preference": has("a", "1")}, {"weight": 1, "preference": has("b", "1")}]
    cluster = cluster_of([node("n1", labels={"a": "1", "b": "1"}), node("n2", labels={"b": "1"}), node("n3")])
    assert scores(NodeAffinity(), pod(affinity=affinity(preferred=preferences)), cluster) == {
        "n1": 100,
        "n2": 25,
        "n3": 0,
    }
    assert scores(NodeAffinity(), pod(), cluster) is None
