"""The decision: which node for a pod, or why none. No I/O, no waiting.

From 100 nodes on, not all are looked at: enough that fit are enough to choose from, and the search goes on next time
where it ended, so that every node gets its turn. Source: schedule_one.go.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from wherry.scheduler.framework.attempt import Attempt
from wherry.scheduler.framework.diagnosis import Diagnosis
from wherry.scheduler.framework.framework import Framework, Prepared, unfit
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.post_filter import Remedy, post_filter
from wherry.scheduler.framework.status import Status

ENOUGH_AT_LEAST = 100
PERCENT_AT_LEAST = 5


def enough(nodes: int) -> int:
    """How many nodes that fit end the search: from half of a hundred down to a twentieth of thousands."""
    if nodes < ENOUGH_AT_LEAST:
        return nodes
    percent = max(PERCENT_AT_LEAST, 50 - nodes // 125)
    return max(ENOUGH_AT_LEAST, nodes * percent // 100)


@dataclass(frozen=True, slots=True)
class Refusal:
    """No node; `remedy` may nominate one that is to be cleared."""

    diagnosis: Diagnosis
    remedy: Remedy


class Placement:
    """Chooses nodes. `rng` decides between equals."""

    def __init__(self, framework: Framework, cluster: Cluster, *, rng: random.Random | None = None) -> None:
        self._framework = framework
        self._cluster = cluster
        self._rng = rng or random.Random()
        self._start = 0

    def choose(self, pod: PodInfo) -> str | Refusal:
        """The name of a node; or why there is none, and what may help."""
        nodes = self._cluster.nodes()
        if not nodes:
            return Refusal(Diagnosis(0), Remedy())
        prepared = self._framework.prepare(pod, self._cluster)
        diagnosis = unfit(prepared, len(nodes))
        if isinstance(prepared, Status):
            return self._refusal(Attempt(pod, self._cluster, None, diagnosis))
        attempt = Attempt(pod, self._cluster, prepared, diagnosis)
        if (node := self._reserved(attempt)) is not None:
            return node
        feasible = self._search(attempt, prepared, self._worth_checking(prepared, nodes))
        if not feasible:
            return self._refusal(attempt)
        return feasible[0].name if len(feasible) == 1 else self._best(pod, feasible)

    def _refusal(self, attempt: Attempt) -> Refusal:
        remedy = post_filter(self._framework, attempt)
        attempt.diagnosis.post_filter = remedy.message
        return Refusal(attempt.diagnosis, remedy)

    def _reserved(self, attempt: Attempt) -> str | None:
        """The node that was cleared for the pod, if it fits there by now."""
        name = self._cluster.nominated_node(attempt.pod.uid)
        node = self._cluster.node(name) if name else None
        return node.name if node is not None and attempt.check(node) is None else None

    def _worth_checking(self, prepared: Prepared, nodes: Sequence[NodeInfo]) -> Sequence[NodeInfo]:
        if prepared.nodes is None:
            return nodes
        found = (self._cluster.node(name) for name in sorted(prepared.nodes))
        return [node for node in found if node is not None]

    def _search(self, attempt: Attempt, prepared: Prepared, nodes: Sequence[NodeInfo]) -> list[NodeInfo]:
        wanted, count = enough(len(nodes)), len(nodes)
        statuses = attempt.diagnosis.nodes
        # Nominations are rare: without any, the plugins are asked directly.
        check = attempt.check if self._cluster.nominations() else prepared.check
        feasible: list[NodeInfo] = []
        start = self._start % count if count else 0
        for i in range(start, start + count):
            node = nodes[i - count if i >= count else i]
            status = check(node)
            if status is not None:
                statuses[node.name] = status
                continue
            feasible.append(node)
            if len(feasible) == wanted:
                break
        self._start = start + len(feasible) + len(statuses)
        return feasible

    def _best(self, pod: PodInfo, feasible: Sequence[NodeInfo]) -> str:
        scores = self._framework.score(pod, self._cluster, feasible)
        highest = max(scores)
        best = [node for node, score in zip(feasible, scores, strict=True) if score == highest]
        return self._rng.choice(best).name if len(best) > 1 else best[0].name
