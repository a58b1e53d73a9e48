"""The decision: which node for a pod, or why none. No I/O, no waiting.

Up to a hundred nodes are asked one by one. From there on all of them are filtered and scored at once in NumPy arrays
(`vectors`), which are loaded when a cluster has grown to that size; a pod that only few nodes can take is for the plain
search all the same. All nodes are looked at, unless a percentage is configured: then enough that fit are enough to
choose from, and the search goes on next time where it ended, so that every node gets its turn. Source: schedule_one.go.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.attempt import Attempt
from wherry.scheduler.framework.diagnosis import Diagnosis, VerdictsByName
from wherry.scheduler.framework.framework import Framework, Prepared, unfit
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.post_filter import Remedy, post_filter
from wherry.scheduler.framework.status import Status

if TYPE_CHECKING:
    from wherry.scheduler.vectors.search import Found, VectorSearch

ENOUGH_AT_LEAST = 100
VECTORS_FROM = 100
"""Nodes from which on the arrays are quicker."""


def enough(nodes: int, percentage: int) -> int:
    """How many nodes that fit end the search; with 0 per cent, and below a hundred, all are looked at."""
    if nodes < ENOUGH_AT_LEAST or not percentage:
        return nodes
    return max(ENOUGH_AT_LEAST, nodes * percentage // 100)


@dataclass(frozen=True, slots=True)
class Refusal:
    """No node; `remedy` may nominate one that is to be cleared."""

    diagnosis: Diagnosis
    remedy: Remedy


@dataclass(frozen=True, slots=True)
class Choice:
    """Nodes that fit, and their scores where there are several."""

    nodes: tuple[str, ...]
    scores: tuple[int, ...]
    verdicts: VerdictsByName
    """What was said of the others."""


class Placement:
    """Chooses nodes for one profile. `rng` decides between equals; `percentage` is how many nodes to score (0: all)."""

    def __init__(
        self,
        framework: Framework,
        cluster: Cache,
        *,
        rng: random.Random | None = None,
        percentage: int = 0,
        vectors_from: int = VECTORS_FROM,
    ) -> None:
        self._framework = framework
        self._cluster = cluster
        self._rng = rng or random.Random()
        self._percentage = percentage % 100
        self._vectors_from = vectors_from
        self._vectors: VectorSearch | None = None
        self._start = 0

    def choose(self, pod: PodInfo) -> str | Refusal:
        """The name of a node; or why there is none, and what may help."""
        attempt = self._attempt(pod)
        if attempt.diagnosis.total == 0:
            return Refusal(attempt.diagnosis, Remedy())
        if (node := self._reserved(attempt)) is not None:
            return node
        if self._uses_vectors():
            found = self._search_by_vectors(attempt)
            if found is not None:
                return found.pick(self._rng) or self._refusal_by_vectors(attempt, found)
        feasible = self._feasible(attempt)
        if not feasible:
            return self._refusal(attempt)
        return feasible[0].name if len(feasible) == 1 else self._pick(self._best(pod, feasible))

    def choices(self, pod: PodInfo) -> Choice | Refusal:
        """All nodes that fit with their scores, for those who have a say besides the plugins."""
        attempt = self._attempt(pod)
        if attempt.diagnosis.total == 0:
            return Refusal(attempt.diagnosis, Remedy())
        feasible = self._feasible(attempt)
        if not feasible:
            return self._refusal(attempt)
        scores = self._framework.score(pod, self._cluster, feasible)
        verdicts = attempt.diagnosis.nodes
        assert isinstance(verdicts, VerdictsByName)
        return Choice(tuple(node.name for node in feasible), tuple(scores), verdicts)

    def refusal(self, pod: PodInfo, diagnosis: Diagnosis) -> Refusal:
        """What can be done about a pod that somebody else has refused after the plugins."""
        attempt = self._attempt(pod)
        attempt.diagnosis = diagnosis
        return self._refusal(attempt)

    def still_fits(self, pod: PodInfo, node: str) -> bool:
        info = self._cluster.node(node)
        return info is not None and self._attempt(pod).check(info) is None

    def _attempt(self, pod: PodInfo) -> Attempt:
        prepare = partial(self._framework.prepare, pod, self._cluster)
        return Attempt(pod, self._cluster, prepare, Diagnosis(self._cluster.node_count()))

    def _refusal(self, attempt: Attempt) -> Refusal:
        remedy = post_filter(self._framework, attempt)
        attempt.diagnosis.post_filter = remedy.message
        return Refusal(attempt.diagnosis, remedy)

    def _reserved(self, attempt: Attempt) -> str | None:
        """The node that was cleared for the pod, if it fits there by now."""
        name = self._cluster.nominated_node(attempt.pod.uid) if self._cluster.nominations() else None
        node = self._cluster.node(name) if name else None
        return node.name if node is not None and attempt.check(node) is None else None

    # All nodes at once.

    def _uses_vectors(self) -> bool:
        return not self._percentage and self._cluster.node_count() >= self._vectors_from

    def _search_by_vectors(self, attempt: Attempt) -> Found | None:
        """None for a pod that is not for vectors."""
        if self._vectors is None:
            from wherry.scheduler.vectors.search import VectorSearch

            self._vectors = VectorSearch.of(self._framework, self._cluster)
        return self._vectors.find(attempt.pod, attempt)

    def _refusal_by_vectors(self, attempt: Attempt, found: Found) -> Refusal:
        attempt.diagnosis.nodes = found.verdicts()
        return self._refusal(attempt)

    # One by one.

    def _feasible(self, attempt: Attempt) -> list[NodeInfo]:
        prepared, diagnosis = attempt.prepared, attempt.diagnosis
        unfit(prepared, diagnosis)
        if isinstance(prepared, Status):
            return []
        return self._search(attempt, prepared, self._worth_checking(prepared))

    def _worth_checking(self, prepared: Prepared) -> Sequence[NodeInfo]:
        if prepared.nodes is None:
            return self._cluster.nodes()
        found = (self._cluster.node(name) for name in sorted(prepared.nodes))
        return [node for node in found if node is not None]

    def _search(self, attempt: Attempt, prepared: Prepared, nodes: Sequence[NodeInfo]) -> list[NodeInfo]:
        count = len(nodes)
        wanted = enough(count, self._percentage)
        statuses = attempt.diagnosis.nodes = VerdictsByName()
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

    def _best(self, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[str]:
        scores = self._framework.score(pod, self._cluster, feasible)
        highest = max(scores)
        return [node.name for node, score in zip(feasible, scores, strict=True) if score == highest]

    def _pick(self, best: Sequence[str]) -> str:
        return self._rng.choice(best) if len(best) > 1 else best[0]
