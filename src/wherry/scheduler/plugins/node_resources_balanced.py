"""Nodes whose CPU and memory are used in like measure are better: none should run out of one while it has the other."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import MAX_SCORE, Cluster, Score
from wherry.scheduler.framework.pod_info import PodInfo


class NodeResourcesBalancedAllocation(Score):
    name = "NodeResourcesBalancedAllocation"

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """Pods that ask for nothing do not change the balance."""
        cpu, memory = pod.requests.get("cpu", 0), pod.requests.get("memory", 0)
        if not cpu and not memory:
            return None
        return [balance(node, cpu, memory) for node in nodes]


def balance(node: NodeInfo, cpu: int, memory: int) -> int:
    """50 to 100: more than 75 where the pod makes the node more balanced than it was."""
    gain = _evenness(node, cpu, memory) - _evenness(node, 0, 0)
    return MAX_SCORE // 2 + (MAX_SCORE // 2 + gain) // 2


def _evenness(node: NodeInfo, cpu: int, memory: int) -> int:
    """100 minus the standard deviation of the used fractions in per cent."""
    fractions = [
        min(1.0, (node.requested.get(name, 0) + more) / whole)
        for name, more in (("cpu", cpu), ("memory", memory))
        if (whole := node.allocatable.get(name, 0))
    ]
    if len(fractions) < 2:
        return MAX_SCORE
    return int((1.0 - abs(fractions[0] - fractions[1]) / 2) * MAX_SCORE)
