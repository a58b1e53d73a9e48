"""Spreading over zones and nodes."""

from __future__ import annotations

from typing import Any

from wherry.machinery.selectors import from_labels
from wherry.scheduler.framework.plugin import Filtering
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.plugins.pod_topology_spread import PodTopologySpread
from wherry.testing.plugins import cluster_of, fitting, reasons, scores
from wherry.testing.scheduling import node, pod

ZONE = "topology.kubernetes.io/zone"
WEB = {"app": "web"}


def spread(max_skew: int = 1, key: str = ZONE, soft: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "maxSkew": max_skew,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway" if soft else "DoNotSchedule",
        "labelSelector": {"matchLabels": WEB},
        **more,
    }


def web(name: str = "p", node_name: str = "", labels: dict[str, str] | None = None, *constraints: Any) -> Any:
    return pod(
        name,
        node_name=node_name,
        labels={**WEB, **(labels or {})},
        **({"topologySpreadConstraints": list(constraints)} if constraints else {}),
    )


def in_zones(**zones: str) -> list[Any]:
    return [node(name, labels={ZONE: zone}) for name, zone in zones.items()]


def wanting(*constraints: Any, **labels: str) -> Any:
    return web("p", "", labels, *constraints)


def test_no_zone_gets_ahead_of_the_others():
    cluster = cluster_of(in_zones(n1="a", n2="b"), [web("w1", "n1")])
    text = "node(s) didn't match pod topology spread constraints"
    assert reasons(PodTopologySpread(), wanting(spread()), cluster) == {"n1": text, "n2": ""}
    assert fitting(PodTopologySpread(), wanting(spread(2)), cluster) == ["n1", "n2"]


def test_nodes_without_the_label():
    cluster = cluster_of([*in_zones(n1="a"), node("n2")])
    text = "node(s) didn't match pod topology spread constraints (missing required label)"
    assert reasons(PodTopologySpread(), wanting(spread()), cluster) == {"n1": "", "n2": text}


def test_only_pods_of_the_namespace_that_are_not_going_away_count():
    elsewhere = {**web("w1", "n1"), "metadata": {**web("w1", "n1")["metadata"], "namespace": "other"}}
    going = web("w2", "n1")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    cluster = cluster_of(in_zones(n1="a", n2="b"), [elsewhere, going])
    assert fitting(PodTopologySpread(), wanting(spread()), cluster) == ["n1", "n2"]


def test_too_few_domains_count_as_empty_ones():
    cluster = cluster_of(in_zones(n1="a"), [web("w1", "n1")])
    assert fitting(PodTopologySpread(), wanting(spread()), cluster) == ["n1"]
    assert fitting(PodTopologySpread(), wanting(spread(minDomains=2)), cluster) == []


def test_match_label_keys_keep_revisions_apart():
    cluster = cluster_of(in_zones(n1="a", n2="b"), [web("w1", "n1", {"rev": "1"})])
    constraint = spread(matchLabelKeys=["rev"])
    assert fitting(PodTopologySpread(), wanting(constraint, rev="2"), cluster) == ["n1", "n2"]
    assert fitting(PodTopologySpread(), wanting(constraint, rev="1"), cluster) == ["n2"]


def test_nodes_that_the_pod_cannot_use_do_not_count_unless_told():
    cluster = cluster_of(
        [*in_zones(n1="a"), node("n2", labels={ZONE: "b", "old": "yes"})],
        [web("w1", "n1")],
    )
    narrow = wanting(spread())
    narrow["spec"]["nodeSelector"] = {ZONE: "a"}
    assert "n1" in fitting(PodTopologySpread(), narrow, cluster)
    ignoring = wanting(spread(nodeAffinityPolicy="Ignore"))
    ignoring["spec"]["nodeSelector"] = {ZONE: "a"}
    assert "n1" not in fitting(PodTopologySpread(), ignoring, cluster)


def test_tainted_nodes_count_unless_told():
    taints = [{"key": "k", "effect": "NoSchedule"}]
    cluster = cluster_of([*in_zones(n1="a"), node("n2", labels={ZONE: "b"}, taints=taints)], [web("w1", "n1")])
    assert "n1" not in fitting(PodTopologySpread(), wanting(spread()), cluster)
    assert "n1" in fitting(PodTopologySpread(), wanting(spread(nodeTaintsPolicy="Honor")), cluster)


def test_trying_out_what_would_be_without_a_pod():
    other = web("w1", "n1")
    cluster = cluster_of(in_zones(n1="a", n2="b"), [other])
    filtering = PodTopologySpread().pre_filter(PodInfo(wanting(spread())), cluster)
    info = cluster.node("n1")
    assert isinstance(filtering, Filtering)
    assert info is not None
    filtering.remove_pod(PodInfo(other), info)
    assert filtering.filter(info) is None
    filtering.add_pod(PodInfo(other), info)
    assert filtering.filter(info) is not None


def test_the_emptier_zone_is_better():
    cluster = cluster_of(in_zones(n1="a", n2="b", n3="b"), [web("w1", "n1"), web("w2", "n1"), web("w3", "n2")])
    assert scores(PodTopologySpread(), wanting(spread(soft=True)), cluster) == {"n1": 33, "n2": 100, "n3": 100}


def test_nodes_without_the_label_are_the_last_choice():
    cluster = cluster_of([*in_zones(n1="a"), node("n2")], [web("w1", "n1")])
    assert scores(PodTopologySpread(), wanting(spread(soft=True)), cluster) == {"n1": 100, "n2": 0}


def test_pods_of_a_service_spread_over_nodes_by_default():
    plugin = PodTopologySpread(lambda found: from_labels(WEB))
    cluster = cluster_of([node("n1"), node("n2")], [web("w1", "n1")])
    found = scores(plugin, web(), cluster)
    assert found is not None
    assert found["n2"] > found["n1"]
    assert scores(PodTopologySpread(), web(), cluster) is None
