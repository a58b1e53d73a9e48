"""What a node is worth by what would be used of its resources: the strategies of NodeResourcesFit.

    LeastAllocated             much left is good
    MostAllocated              little left is good: nodes are filled one after the other
    RequestedToCapacityRatio   a curve of the used part

Each resource has a weight. Source: plugins/noderesources/{least_allocated,most_allocated,requested_to_capacity_ratio}.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.scoring import MAX_SCORE

LEAST, MOST, RATIO = "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"
NATIVE = ("cpu", "memory", "ephemeral-storage")
_CURVE_SCALE = MAX_SCORE // 10
"""Scores of curves are given from 0 to 10."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """`resources` with their weights; `curve` has (used per cent, score) in rising order, for RATIO."""

    kind: str = LEAST
    resources: tuple[tuple[str, int], ...] = (("cpu", 1), ("memory", 1))
    curve: tuple[tuple[int, int], ...] = ()

    def concerned(self, pod: PodInfo) -> tuple[tuple[str, int], ...]:
        """Extended resources count only for pods that ask for them."""
        return tuple(each for each in self.resources if each[0] in NATIVE or pod.requests.get(each[0]))


def used_after(pod: PodInfo, node: NodeInfo, name: str) -> int:
    """What of a resource would be used with the pod; containers that name no CPU or memory count with defaults."""
    if name == "cpu":
        return node.nonzero_cpu + pod.nonzero_cpu
    if name == "memory":
        return node.nonzero_memory + pod.nonzero_memory
    return node.requested.get(name, 0) + pod.requests.get(name, 0)


def node_score(strategy: Strategy, pod: PodInfo) -> Callable[[NodeInfo], int]:
    resources, one = strategy.concerned(pod), _ONE[strategy.kind]
    skips_zero, rounds = strategy.kind == RATIO, strategy.kind == RATIO

    def score(node: NodeInfo) -> int:
        total = weights = 0
        for name, weight in resources:
            whole = node.allocatable.get(name, 0)
            if not whole:
                continue
            worth = one(strategy, used_after(pod, node, name), whole)
            if worth or not skips_zero:
                total += worth * weight
                weights += weight
        if not weights:
            return 0
        return int(total / weights + 0.5) if rounds else total // weights

    return score


def _least(strategy: Strategy, used: int, whole: int) -> int:
    return (whole - used) * MAX_SCORE // whole if used <= whole else 0


def _most(strategy: Strategy, used: int, whole: int) -> int:
    return min(used, whole) * MAX_SCORE // whole


def _ratio(strategy: Strategy, used: int, whole: int) -> int:
    return on_curve(strategy.curve, used * MAX_SCORE // whole if used <= whole else MAX_SCORE)


def on_curve(curve: tuple[tuple[int, int], ...], percent: int) -> int:
    """The score at a point of the line through the curve's points; level before the first and after the last."""
    for i, (x, y) in enumerate(curve):
        if percent <= x:
            if not i:
                return y * _CURVE_SCALE
            before_x, before_y = curve[i - 1]
            rise = (y - before_y) * _CURVE_SCALE * (percent - before_x)
            return before_y * _CURVE_SCALE + _toward_zero(rise, x - before_x)
    return curve[-1][1] * _CURVE_SCALE


def _toward_zero(number: int, by: int) -> int:
    return number // by if number >= 0 else -(-number // by)


_ONE: dict[str, Callable[[Strategy, int, int], int]] = {LEAST: _least, MOST: _most, RATIO: _ratio}
