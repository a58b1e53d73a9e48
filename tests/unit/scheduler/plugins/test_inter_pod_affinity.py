"""Pods near other pods, and away from them."""

from __future__ import annotations

from typing import Any

from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.testing.plugins import cluster_of, fitting, reasons, scores
from wherry.testing.scheduling import node, pod

HOST = "kubernetes.io/hostname"
NEAR, FAR = "podAffinity", "podAntiAffinity"


def term(app: str, key: str = HOST, **more: Any) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **more}


def required(side: str, *terms: Any) -> dict[str, Any]:
    return {side: {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def preferred(side: str, wanted: Any, weight: int = 10) -> dict[str, Any]:
    entry = {"weight": weight, "podAffinityTerm": wanted}
    return {side: {"preferredDuringSchedulingIgnoredDuringExecution": [entry]}}


def app(name: str, node_name: str = "", affinity: Any = None, namespace: str = "default") -> Any:
    return pod(
        name,
        labels={"app": name.rstrip("0123456789")},
        node_name=node_name,
        namespace=namespace,
        **({"affinity": affinity} if affinity else {}),
    )


def test_near_a_pod():
    cluster = cluster_of([node("n1"), node("n2")], [app("db", "n1")])
    wanted = app("web", affinity=required(NEAR, term("db")))
    assert reasons(InterPodAffinity(), wanted, cluster) == {"n1": "", "n2": "node(s) didn't match pod affinity rules"}


def test_in_the_same_zone():
    nodes = [node("n1", labels={"zone": "a"}), node("n2", labels={"zone": "a"}), node("n3", labels={"zone": "b"})]
    cluster = cluster_of(nodes, [app("db", "n1")])
    assert fitting(InterPodAffinity(), app("web", affinity=required(NEAR, term("db", "zone"))), cluster) == ["n1", "n2"]


def test_the_first_of_a_group_may_start_anywhere():
    cluster = cluster_of([node("n1"), node("n2")])
    assert fitting(InterPodAffinity(), app("web", affinity=required(NEAR, term("web"))), cluster) == ["n1", "n2"]
    assert fitting(InterPodAffinity(), app("web", affinity=required(NEAR, term("db"))), cluster) == []


def test_away_from_a_pod():
    cluster = cluster_of([node("n1"), node("n2")], [app("web1", "n1")])
    text = "node(s) didn't match pod anti-affinity rules"
    wanted = app("web2", affinity=required(FAR, term("web")))
    assert reasons(InterPodAffinity(), wanted, cluster) == {"n1": text, "n2": ""}


def test_a_pod_that_runs_keeps_others_away():
    cluster = cluster_of([node("n1"), node("n2")], [app("db", "n1", required(FAR, term("web")))])
    text = "node(s) didn't satisfy existing pods anti-affinity rules"
    assert reasons(InterPodAffinity(), app("web"), cluster) == {"n1": text, "n2": ""}
    assert fitting(InterPodAffinity(), app("other"), cluster) == ["n1", "n2"]


def test_terms_are_about_the_own_namespace_unless_told():
    cluster = cluster_of(
        [node("n1"), node("n2")], [app("db", "n1", namespace="data")], namespaces={"data": {"team": "a"}}
    )

    def found(**more: Any) -> list[str]:
        return fitting(InterPodAffinity(), app("web", affinity=required(NEAR, term("db", **more))), cluster)

    assert found() == []
    assert found(namespaces=["data"]) == ["n1"]
    assert found(namespaceSelector={"matchLabels": {"team": "a"}}) == ["n1"]
    assert found(namespaceSelector={"matchLabels": {"team": "b"}}) == []
    assert found(namespaceSelector={}) == ["n1"]


def test_preferences_of_both_sides():
    cluster = cluster_of([node("n1"), node("n2"), node("n3")], [app("db", "n1"), app("noise", "n2")])
    wanted = app("web", affinity={**preferred(NEAR, term("db")), **preferred(FAR, term("noise"))})
    assert scores(InterPodAffinity(), wanted, cluster) == {"n1": 100, "n2": 0, "n3": 50}
    theirs = cluster_of([node("n1"), node("n2")], [app("db", "n1", preferred(NEAR, term("web")))])
    assert scores(InterPodAffinity(), app("web"), theirs) == {"n1": 100, "n2": 0}
    assert scores(InterPodAffinity(), app("web"), cluster_of([node("n1")])) is None


def test_which_changes_help():
    near = PodInfo(app("web", affinity=required(NEAR, term("db"))))
    far = PodInfo(app("web", affinity=required(FAR, term("web"))))
    hints = InterPodAffinity.events
    assert hints[ClusterEvent.POD_ADD](near, None, app("db", "n1"))
    assert not hints[ClusterEvent.POD_ADD](near, None, app("other", "n1"))
    assert hints[ClusterEvent.POD_DELETE](far, app("web", "n1"), None)
    assert not hints[ClusterEvent.POD_DELETE](far, app("other", "n1"), None)
    assert hints[ClusterEvent.POD_DELETE](near, app("db", "n1", required(FAR, term("web"))), None)
