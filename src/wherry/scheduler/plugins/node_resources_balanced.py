"""Nodes whose resources are used in like measure are better: none should run out of one while it has another.

Source: plugins/noderesources/balanced_allocation.go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import MAX_SCORE, Cluster, NodeScore, NodeTest
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.plugins.resource_strategies import NATIVE


class NodeResourcesBalancedAllocation(NodeScore):
    name = "NodeResourcesBalancedAllocation"

    def __init__(self, resources: Sequence[str] = ("cpu", "memory")) -> None:
        self._resources = tuple(resources)

    def wanted(self, pod: PodInfo) -> tuple[tuple[str, int], ...]:
        """The resources that count for the pod; none for pods that ask for nothing: they do not change the balance."""
        found = tuple((name, pod.requests.get(name, 0)) for name in self._resources)
        if not any(amount for _, amount in found):
            return ()
        return tuple((name, amount) for name, amount in found if amount or name in NATIVE)

    def node_score(self, pod: PodInfo, cluster: Cluster) -> NodeTest | None:
        wanted = self.wanted(pod)
        return (lambda node: balance(node, wanted)) if wanted else None


def balance(node: NodeInfo, wanted: Sequence[tuple[str, int]]) -> int:
    """50 to 100: more than 75 where the pod makes the node more balanced than it was."""
    before: list[float] = []
    after: list[float] = []
    for name, amount in wanted:
        if whole := node.allocatable.get(name, 0):
            used = node.requested.get(name, 0)
            before.append(min(used / whole, 1.0))
            after.append(min((used + amount) / whole, 1.0))
    gain = _evenness(after) - _evenness(before)
    return MAX_SCORE // 2 + (MAX_SCORE // 2 + gain) // 2


def _evenness(fractions: Sequence[float]) -> int:
    """100 minus the standard deviation in per cent."""
    if len(fractions) < 2:
        return MAX_SCORE
    if len(fractions) == 2:
        deviation = abs((fractions[0] - fractions[1]) / 2)
    else:
        mean = sum(fractions) / len(fractions)
        deviation = math.sqrt(sum((each - mean) * (each - mean) for each in fractions) / len(fractions))
    return int((1.0 - deviation) * MAX_SCORE)
