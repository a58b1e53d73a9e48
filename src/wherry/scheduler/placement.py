"""The decision: which node for a pod, or why none. No I/O, no waiting.

From 100 nodes on, not all are looked at: enough that fit are enough to choose from, and the search goes on next time
where it ended, so that every node gets its turn. Source: schedule_one.go.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from wherry.scheduler.framework.diagnosis import Diagnosis
from wherry.scheduler.framework.framework import Framework, Prepared, rejected
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status

ENOUGH_AT_LEAST = 100
PERCENT_AT_LEAST = 5


def enough(nodes: int) -> int:
    """How many nodes that fit end the search: from half of a hundred down to a twentieth of thousands."""
    if nodes < ENOUGH_AT_LEAST:
        return nodes
    percent = max(PERCENT_AT_LEAST, 50 - nodes // 125)
    return max(ENOUGH_AT_LEAST, nodes * percent // 100)


class Placement:
    """Chooses nodes. `rng` decides between equals."""

    def __init__(self, framework: Framework, cluster: Cluster, *, rng: random.Random | None = None) -> None:
        self._framework = framework
        self._cluster = cluster
        self._rng = rng or random.Random()
        self._start = 0

    def choose(self, pod: PodInfo) -> str | Diagnosis:
        """The name of a node, or why there is none."""
        nodes = self._cluster.nodes()
        if not nodes:
            return Diagnosis(0)
        prepared = self._framework.prepare(pod, self._cluster)
        diagnosis = rejected(prepared, len(nodes))
        if isinstance(prepared, Status):
            return diagnosis
        feasible = self._search(prepared, self._worth_checking(prepared, nodes), diagnosis)
        if not feasible:
            return diagnosis
        return feasible[0].name if len(feasible) == 1 else self._best(pod, feasible)

    def _worth_checking(self, prepared: Prepared, nodes: Sequence[NodeInfo]) -> Sequence[NodeInfo]:
        if prepared.nodes is None:
            return nodes
        found = (self._cluster.node(name) for name in sorted(prepared.nodes))
        return [node for node in found if node is not None]

    def _search(self, prepared: Prepared, nodes: Sequence[NodeInfo], diagnosis: Diagnosis) -> list[NodeInfo]:
        wanted, count = enough(len(nodes)), len(nodes)
        feasible: list[NodeInfo] = []
        start = self._start % count if count else 0
        for i in range(start, start + count):
            node = nodes[i - count if i >= count else i]
            status = prepared.check(node)
            if status is not None:
                diagnosis.nodes[node.name] = status
                continue
            feasible.append(node)
            if len(feasible) == wanted:
                break
        self._start = start + len(feasible) + len(diagnosis.nodes)
        return feasible

    def _best(self, pod: PodInfo, feasible: Sequence[NodeInfo]) -> str:
        scores = self._framework.score(pod, self._cluster, feasible)
        highest = max(scores)
        best = [node for node, score in zip(feasible, scores, strict=True) if score == highest]
        return self._rng.choice(best).name if len(best) > 1 else best[0].name
