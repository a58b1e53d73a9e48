"""Pods near certain other pods, or away from them, within a topology.

Required terms of the pod itself, and the required anti-affinity of pods that run already, rule nodes out; preferred
terms of both sides make them better or worse. Source: plugins/interpodaffinity; KEP-2249, KEP-3633.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wherry.api.types import Object
from wherry.scheduler.framework.affinity_terms import PodAffinity, Term, pod_affinity
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, Score, always
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable, unschedulable
from wherry.scheduler.plugins.affinity_score import REQUIRED_WEIGHT, affinity_scores

NAME = "InterPodAffinity"
NOT_NEAR = unresolvable(NAME, "node(s) didn't match pod affinity rules")
TOO_NEAR = unschedulable(NAME, "node(s) didn't match pod anti-affinity rules")
UNWANTED = unschedulable(NAME, "node(s) didn't satisfy existing pods anti-affinity rules")

Domain = tuple[str, str]
"""A topology key and its value."""
Counts = dict[Domain, int]

_NO_TERMS = PodAffinity()


def _count(counts: Counts, terms: Iterable[Term], node: NodeInfo, by: int) -> None:
    for term in terms:
        value = node.labels.get(term.topology_key)
        if value is not None:
            domain = (term.topology_key, value)
            counts[domain] = counts.get(domain, 0) + by
            if not counts[domain]:
                del counts[domain]


class _Check(Filtering):
    """Three counts of pods per domain: those wanted near, those to keep away from, those that keep this one away."""

    def __init__(self, pod: PodInfo, cluster: Cluster, near: Counts, far: Counts, unwanted: Counts) -> None:
        terms = pod.affinity or _NO_TERMS
        self._pod = pod
        self._cluster = cluster
        self._required, self._anti = terms.required, terms.required_anti
        self._near, self._far, self._unwanted = near, far, unwanted

    def count(self, other: PodInfo, node: NodeInfo, by: int) -> None:
        labels_of = self._cluster.namespace_labels
        required = self._required
        if required and all(term.matches(other.namespace, other.labels, labels_of) for term in required):
            _count(self._near, required, node, by)
        if self._anti:
            met = [term for term in self._anti if term.matches(other.namespace, other.labels, labels_of)]
            _count(self._far, met, node, by)

    def count_unwanted(self, other: PodInfo, node: NodeInfo, by: int) -> None:
        if other.affinity is not None and other.affinity.required_anti:
            pod, labels_of = self._pod, self._cluster.namespace_labels
            met = [term for term in other.affinity.required_anti if term.matches(pod.namespace, pod.labels, labels_of)]
            _count(self._unwanted, met, node, by)

    @property
    def idle(self) -> bool:
        """Whether nothing can be ruled out."""
        return not self._required and not self._anti and not self._unwanted

    def filter(self, node: NodeInfo) -> Status | None:
        labels = node.labels
        if self._required and not self._is_near(node):
            return NOT_NEAR
        for term in self._anti:
            value = labels.get(term.topology_key)
            if value is not None and self._far.get((term.topology_key, value), 0) > 0:
                return TOO_NEAR
        if self._unwanted and any(self._unwanted.get(domain, 0) > 0 for domain in labels.items()):
            return UNWANTED
        return None

    def _is_near(self, node: NodeInfo) -> bool:
        """All terms met; or no such pod anywhere, but the pod is one itself: the first of a group may start."""
        found = True
        for term in self._required:
            value = node.labels.get(term.topology_key)
            if value is None:
                return False
            found = found and self._near.get((term.topology_key, value), 0) > 0
        if found:
            return True
        pod, labels_of = self._pod, self._cluster.namespace_labels
        return not self._near and all(term.matches(pod.namespace, pod.labels, labels_of) for term in self._required)

    def add_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        self.count(pod, node, 1)
        self.count_unwanted(pod, node, 1)

    def remove_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        self.count(pod, node, -1)
        self.count_unwanted(pod, node, -1)


def _check(pod: PodInfo, cluster: Cluster) -> _Check:
    check = _Check(pod, cluster, {}, {}, {})
    for node in cluster.nodes_with_anti_affinity():
        for other in node.anti_affinity_pods.values():
            check.count_unwanted(other, node, 1)
    if pod.affinity is not None and (pod.affinity.required or pod.affinity.required_anti):
        for node in cluster.nodes():
            for other in node.pods.values():
                check.count(other, node, 1)
    return check


def _meant(terms: Sequence[Term], target: Object) -> Iterator[bool]:
    """Whether each term may mean that pod; a selector of namespaces may mean any."""
    metadata = target["metadata"]
    for term in terms:
        named = metadata.get("namespace", "") in term.namespaces or not term.namespace_selector.nothing
        yield named and term.selector.matches(metadata.get("labels") or {})


def _company_came(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """A pod that it wants near has appeared, or become one."""
    required = (pod.affinity or _NO_TERMS).required
    return bool(required) and new is not None and all(_meant(required, new))


def _company_went(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """A pod is gone that it keeps away from, or that kept it away; or of its own group, which it may now begin anew."""
    if old is None:
        return False
    own = pod.affinity or _NO_TERMS
    theirs = pod_affinity(old["metadata"].get("namespace", ""), old["spec"]) or _NO_TERMS
    if any(_meant(own.required_anti, old)) or any(_meant(theirs.required_anti, pod.obj)):
        return True
    return bool(own.required) and all(_meant(own.required, old)) and all(_meant(own.required, pod.obj))


def _company_changed(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return _company_came(pod, old, new) or _company_went(pod, old, new)


def _domains_changed(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """The node is new, has gone with all its pods, or is in other domains than before."""
    if new is None or old is None:
        return True
    return bool(old["metadata"].get("labels") != new["metadata"].get("labels"))


class InterPodAffinity(Filter, Score):
    name = NAME
    events = {
        ClusterEvent.POD_ADD: _company_came,
        ClusterEvent.POD_LABEL: _company_changed,
        ClusterEvent.POD_DELETE: _company_went,
        ClusterEvent.TARGET_LABEL: always,
        ClusterEvent.NODE_ADD: _domains_changed,
        ClusterEvent.NODE_LABEL: _domains_changed,
        ClusterEvent.NODE_DELETE: _domains_changed,
        ClusterEvent.NAMESPACE: always,
    }

    def __init__(self, *, hard_weight: int = REQUIRED_WEIGHT, ignores_running_preferences: bool = False) -> None:
        self.hard_weight = hard_weight
        """What a required term of a running pod counts when nodes are compared."""
        self.ignores_running_preferences = ignores_running_preferences

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | None:
        if pod.affinity is None and not cluster.has_anti_affinity():
            return None
        check = _check(pod, cluster)
        return None if check.idle else check

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        if self.ignores_others(pod):
            return None
        return affinity_scores(pod, cluster, nodes, required_weight=self.hard_weight)

    def ignores_others(self, pod: PodInfo) -> bool:
        """Whether running pods' terms are left out: where so configured, for pods without preferences of their own."""
        own = pod.affinity or _NO_TERMS
        return self.ignores_running_preferences and not own.preferred and not own.preferred_anti
