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
    allocatable, requested = node.allocatable, node.requested
    all_cpu, all_memory = allocatable.get("cpu", 0), allocatable.get("memory", 0)
    if not all_cpu or not all_memory:
        return MAX_SCORE * 3 // 4
    used_cpu, used_memory = requested.get("cpu", 0), requested.get("memory", 0)
    after = _evenness((used_cpu + cpu) / all_cpu, (used_memory + memory) / all_memory)
    gain = after - _evenness(used_cpu / all_cpu, used_memory / all_memory)
    return MAX_SCORE // 2 + (MAX_SCORE // 2 + gain) // 2


def _evenness(cpu: float, memory: float) -> int:
    """100 minus the standard deviation, in per cent, of two fractions; what is more than full is full."""
    apart = (cpu if cpu < 1.0 else 1.0) - (memory if memory < 1.0 else 1.0)
    return int((1.0 - (apart if apart > 0 else -apart) / 2) * MAX_SCORE)
