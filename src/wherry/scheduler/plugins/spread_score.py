"""How well nodes serve a pod's wishes for spreading: fewer of its kind in the node's domains is better.

With the system's defaults, nodes without a zone take part all the same; a wish of the pod's own counts only nodes that
have all of its topologies. Source: plugins/podtopologyspread/scoring.go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from wherry.scheduler.framework.node_info import HOSTNAME, NodeInfo
from wherry.scheduler.framework.plugin import MAX_SCORE, Cluster
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.spread_constraint import Constraint, NodePolicies, has_all


def spread_scores(
    pod: PodInfo, constraints: Sequence[Constraint], cluster: Cluster, nodes: Sequence[NodeInfo], *, strict: bool
) -> list[int]:
    """0 to 100 for each node."""
    keys = [constraint.topology_key for constraint in constraints]
    counted = [not strict or has_all(keys, node.labels) for node in nodes]
    taking_part = [node for node, counts in zip(nodes, counted, strict=True) if counts]
    domains = [_domains(constraint, taking_part) for constraint in constraints]
    _count(pod, constraints, cluster, domains, keys if strict else ())
    weights = [_weight(constraint, found, taking_part) for constraint, found in zip(constraints, domains, strict=True)]
    raw = [
        _crowding(pod, node, constraints, domains, weights) if counts else None
        for node, counts in zip(nodes, counted, strict=True)
    ]
    return _normalized(raw)


def _domains(constraint: Constraint, nodes: Sequence[NodeInfo]) -> dict[str, int]:
    """An empty count for every domain in which a node can be chosen; nodes themselves are counted one by one."""
    if constraint.topology_key == HOSTNAME:
        return {}
    return {node.labels.get(constraint.topology_key, ""): 0 for node in nodes}


def _count(
    pod: PodInfo,
    constraints: Sequence[Constraint],
    cluster: Cluster,
    domains: Sequence[dict[str, int]],
    keys: Sequence[str],
) -> None:
    wide = [(c, found) for c, found in zip(constraints, domains, strict=True) if c.topology_key != HOSTNAME]
    if not any(set(found) - {""} for _, found in wide):
        # No node has such a label: all counts would be under the empty value, which no node's score asks for.
        return
    policies = NodePolicies(pod)
    for node in cluster.nodes():
        if not has_all(keys, node.labels):
            continue
        for constraint, found in wide:
            value = node.labels.get(constraint.topology_key, "")
            if value in found and policies.include(constraint, node):
                found[value] += constraint.count(node, pod.namespace)


def _weight(constraint: Constraint, domains: dict[str, int], nodes: Sequence[NodeInfo]) -> float:
    """Topologies with many domains weigh more, so that their small counts are not drowned."""
    size = len(nodes) if constraint.topology_key == HOSTNAME else len(domains)
    return math.log(size + 2)


def _crowding(
    pod: PodInfo,
    node: NodeInfo,
    constraints: Sequence[Constraint],
    domains: Sequence[dict[str, int]],
    weights: Sequence[float],
) -> int:
    total = 0.0
    for constraint, found, weight in zip(constraints, domains, weights, strict=True):
        value = node.labels.get(constraint.topology_key)
        if value is None:
            continue
        count = constraint.count(node, pod.namespace) if constraint.topology_key == HOSTNAME else found[value]
        total += count * weight + (constraint.max_skew - 1)
    return int(total + 0.5)


def _normalized(raw: Sequence[int | None]) -> list[int]:
    known = [score for score in raw if score is not None]
    highest, lowest = max(known, default=0), min(known, default=0)
    if not highest:
        return [0 if score is None else MAX_SCORE for score in raw]
    return [0 if score is None else MAX_SCORE * (highest + lowest - score) // highest for score in raw]
