"""How much nodes please the preferences about other pods, of the pod and of those that run already.

A required term of a running pod counts like a preferred one of weight 1 for the pods that it wants near.
Source: plugins/interpodaffinity/scoring.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wherry.scheduler.framework.affinity_terms import PodAffinity, Term
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import MAX_SCORE, Cluster
from wherry.scheduler.framework.pod_info import PodInfo

REQUIRED_WEIGHT = 1

_NO_TERMS = PodAffinity()
_Totals = dict[str, dict[str, int]]
"""Topology key, value: the sum of weights."""


def affinity_scores(
    pod: PodInfo,
    cluster: Cluster,
    nodes: Sequence[NodeInfo],
    *,
    required_weight: int = REQUIRED_WEIGHT,
) -> list[int] | None:
    """0 to 100; None where nobody has a preference."""
    own = pod.affinity or _NO_TERMS
    everywhere = bool(own.preferred or own.preferred_anti)
    searched = cluster.nodes() if everywhere else cluster.nodes_with_affinity()
    totals: _Totals = {}
    for node in searched:
        for other in (node.pods if everywhere else node.affinity_pods).values():
            _weigh(totals, pod, own, other, node, cluster, required_weight)
    if not totals:
        return None
    return _normalized([_sum(totals, node) for node in nodes])


def _weigh(
    totals: _Totals,
    pod: PodInfo,
    own: PodAffinity,
    other: PodInfo,
    node: NodeInfo,
    cluster: Cluster,
    required_weight: int,
) -> None:
    _add(totals, own.preferred, other, node, cluster, 1)
    _add(totals, own.preferred_anti, other, node, cluster, -1)
    theirs = other.affinity
    if theirs is not None:
        _add(totals, theirs.required, pod, node, cluster, required_weight)
        _add(totals, theirs.preferred, pod, node, cluster, 1)
        _add(totals, theirs.preferred_anti, pod, node, cluster, -1)


def _add(
    totals: _Totals, terms: Iterable[Term], target: PodInfo, node: NodeInfo, cluster: Cluster, factor: int
) -> None:
    """Required terms have no weight of their own: `factor` is theirs."""
    for term in terms:
        value = node.labels.get(term.topology_key)
        if value is not None and term.matches(target.namespace, target.labels, cluster.namespace_labels):
            values = totals.setdefault(term.topology_key, {})
            values[value] = values.get(value, 0) + factor * (term.weight or 1)


def _sum(totals: _Totals, node: NodeInfo) -> int:
    labels = node.labels
    return sum(values.get(labels[key], 0) for key, values in totals.items() if key in labels)


def _normalized(raw: Sequence[int]) -> list[int]:
    lowest, highest = min(raw), max(raw)
    if highest == lowest:
        return [0] * len(raw)
    # In floating point, as upstream does: the result may be one less than that of whole numbers.
    return [int(MAX_SCORE * ((score - lowest) / (highest - lowest))) for score in raw]
