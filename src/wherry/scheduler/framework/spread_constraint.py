"""Topology spread constraints, compiled. Source: KEP-895, KEP-3022, KEP-3094, KEP-3243."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.machinery.selectors import Labels, Selector
from wherry.scheduler.framework import node_selection
from wherry.scheduler.framework.affinity_terms import selector_of
from wherry.scheduler.framework.node_info import HOSTNAME, ZONE, NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.tolerations import untolerated

HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"

DEFAULTS: tuple[Mapping[str, Any], ...] = (
    {"maxSkew": 3, "topologyKey": HOSTNAME, "whenUnsatisfiable": SOFT},
    {"maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": SOFT},
)
"""What pods of services and workloads get that say nothing themselves."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """How far the number of selected pods may differ between the domains of a topology."""

    max_skew: int
    topology_key: str
    selector: Selector
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False

    def count(self, node: NodeInfo, namespace: str) -> int:
        """Selected pods on a node, without those that are going away."""
        if self.selector.everything or not node.pods:
            return 0
        matches = self.selector.matches
        return sum(pod.namespace == namespace and matches(pod.labels) and not pod.leaving for pod in node.pods.values())


class NodePolicies:
    """Whether a node counts for a pod's constraints at all."""

    __slots__ = ("_selection", "_tolerations")

    def __init__(self, pod: PodInfo) -> None:
        self._selection = node_selection.required(pod.spec)
        self._tolerations = pod.spec.get("tolerations") or ()

    def include(self, constraint: Constraint, node: NodeInfo) -> bool:
        if constraint.honor_affinity and self._selection is not None and not self._selection(node):
            return False
        return not constraint.honor_taints or untolerated(node.hard_taints, self._tolerations) is None


def own_constraints(pod: PodInfo, when_unsatisfiable: str) -> tuple[Constraint, ...]:
    """Those of the pod's spec that are hard, or soft."""
    specs = pod.spec.get("topologySpreadConstraints") or ()
    return tuple(
        _constraint(spec, _selector(spec, pod.labels))
        for spec in specs
        if spec.get("whenUnsatisfiable", HARD) == when_unsatisfiable
    )


def default_constraints(selector: Selector, specs: Sequence[Mapping[str, Any]]) -> tuple[Constraint, ...]:
    return tuple(_constraint(spec, selector) for spec in specs)


def has_all(keys: Sequence[str], labels: Labels) -> bool:
    return all(key in labels for key in keys)


def _selector(spec: Mapping[str, Any], labels: Labels) -> Selector:
    """`matchLabelKeys` narrow the selector to pods with the same values as this one's."""
    selector = spec.get("labelSelector")
    keys = [key for key in spec.get("matchLabelKeys") or () if key in labels]
    if not keys or selector is None:
        return selector_of(selector)
    more = [{"key": key, "operator": "In", "values": [labels[key]]} for key in keys]
    return selector_of({**selector, "matchExpressions": [*(selector.get("matchExpressions") or ()), *more]})


def _constraint(spec: Mapping[str, Any], selector: Selector) -> Constraint:
    return Constraint(
        max_skew=spec["maxSkew"],
        topology_key=spec["topologyKey"],
        selector=selector,
        min_domains=spec.get("minDomains") or 1,
        honor_affinity=spec.get("nodeAffinityPolicy", "Honor") == "Honor",
        honor_taints=spec.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )
