"""Pods of one kind evenly over zones, nodes or any other topology: as a rule (DoNotSchedule) or as a wish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from wherry.api.types import Object
from wherry.machinery.selectors import Selector
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, Score, always
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.spread_constraint import (
    DEFAULTS,
    HARD,
    SOFT,
    Constraint,
    NodePolicies,
    default_constraints,
    has_all,
    own_constraints,
)
from wherry.scheduler.framework.status import Status, unresolvable, unschedulable
from wherry.scheduler.plugins.spread_score import spread_scores

NAME = "PodTopologySpread"
REJECTED = unschedulable(NAME, "node(s) didn't match pod topology spread constraints")
NO_LABEL = unresolvable(NAME, "node(s) didn't match pod topology spread constraints (missing required label)")

DefaultSelector = Callable[[PodInfo], Selector | None]


class _Check(Filtering):
    """Counts per constraint and domain, kept current while preemption tries things out."""

    def __init__(self, pod: PodInfo, constraints: tuple[Constraint, ...], counts: list[dict[str, int]]) -> None:
        self._pod = pod
        self._constraints = constraints
        self._keys = tuple(constraint.topology_key for constraint in constraints)
        self._selfs = tuple(int(constraint.selector.matches(pod.labels)) for constraint in constraints)
        self._policies = NodePolicies(pod)
        self._counts = counts
        self._lowest = [self._minimum(i) for i in range(len(constraints))]

    @classmethod
    def over(cls, pod: PodInfo, constraints: tuple[Constraint, ...], cluster: Cluster) -> _Check:
        check = cls(pod, constraints, [{} for _ in constraints])
        for node in cluster.nodes():
            check._add(node, partial(Constraint.count, node=node, namespace=pod.namespace))
        check._lowest = [check._minimum(i) for i in range(len(constraints))]
        return check

    def filter(self, node: NodeInfo) -> Status | None:
        for i, constraint in enumerate(self._constraints):
            value = node.labels.get(constraint.topology_key)
            if value is None:
                return NO_LABEL
            if self._counts[i].get(value, 0) + self._selfs[i] - self._lowest[i] > constraint.max_skew:
                return REJECTED
        return None

    def add_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        self._change(pod, node, 1)

    def remove_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        self._change(pod, node, -1)

    def _change(self, pod: PodInfo, node: NodeInfo, by: int) -> None:
        """Pods that are going away do not count anyway."""
        if pod.namespace == self._pod.namespace and not pod.leaving:
            self._add(node, lambda constraint: by if constraint.selector.matches(pod.labels) else 0)
            self._lowest = [self._minimum(i) for i in range(len(self._constraints))]

    def _add(self, node: NodeInfo, count: Callable[[Constraint], int]) -> None:
        if not has_all(self._keys, node.labels):
            return
        for constraint, counts in zip(self._constraints, self._counts, strict=True):
            if self._policies.include(constraint, node):
                value = node.labels[constraint.topology_key]
                counts[value] = counts.get(value, 0) + count(constraint)

    def _minimum(self, i: int) -> int:
        """With fewer domains than wanted, the missing ones count as empty."""
        counts = self._counts[i]
        return 0 if len(counts) < self._constraints[i].min_domains else min(counts.values())


def _concerns_labels(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """Whether a pod that appears, changes or goes is counted by any of the constraints."""
    constraints = own_constraints(pod, HARD)
    return any(
        obj is not None
        and obj["metadata"].get("namespace", "") == pod.namespace
        and constraint.selector.matches_object(obj)
        for constraint in constraints
        for obj in (old, new)
    )


def _is_domain(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """Whether a node with all the topology keys has come, changed its values, or gone."""
    keys = [constraint.topology_key for constraint in own_constraints(pod, HARD)]
    before, after = (_values(node, keys) for node in (old, new))
    return before != after and (before is not None or after is not None)


def _values(node: Object | None, keys: Sequence[str]) -> list[str] | None:
    labels = (node["metadata"].get("labels") or {}) if node is not None else {}
    return [labels[key] for key in keys] if node is not None and has_all(keys, labels) else None


def _taints_matter(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return any(constraint.honor_taints for constraint in own_constraints(pod, HARD))


class PodTopologySpread(Filter, Score):
    """`default_selector` gives the pods that belong with a pod, by its services and owners; None: nothing does."""

    name = NAME
    events = {
        ClusterEvent.POD_ADD: _concerns_labels,
        ClusterEvent.POD_LABEL: _concerns_labels,
        ClusterEvent.POD_DELETE: _concerns_labels,
        ClusterEvent.TARGET_LABEL: always,
        ClusterEvent.NODE_ADD: _is_domain,
        ClusterEvent.NODE_LABEL: _is_domain,
        ClusterEvent.NODE_DELETE: _is_domain,
        ClusterEvent.NODE_TAINT: _taints_matter,
    }

    def __init__(
        self,
        default_selector: DefaultSelector = lambda pod: None,
        *,
        defaults: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """`defaults` are constraints for pods that name none; unless given, the system's own."""
        self._default_selector = default_selector
        self._defaults = DEFAULTS if defaults is None else defaults
        self._system = defaults is None

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | None:
        constraints = self.constraints(pod, HARD)
        return _Check.over(pod, constraints, cluster) if constraints else None

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        constraints = self.constraints(pod, SOFT)
        return spread_scores(pod, constraints, cluster, nodes, strict=self.strict(pod)) if constraints else None

    def constraints(self, pod: PodInfo, when_unsatisfiable: str) -> tuple[Constraint, ...]:
        """The pod's own; where it has none at all, the defaults for what belongs with it."""
        if pod.spec.get("topologySpreadConstraints"):
            return own_constraints(pod, when_unsatisfiable)
        specs = [each for each in self._defaults if each["whenUnsatisfiable"] == when_unsatisfiable]
        selector = self._default_selector(pod) if specs else None
        return default_constraints(selector, specs) if selector is not None else ()

    def strict(self, pod: PodInfo) -> bool:
        """Whether only nodes with all topologies take part in scoring: not by the system's defaults."""
        return bool(pod.spec.get("topologySpreadConstraints")) or not self._system
