"""Deciding about a pod together with extenders, which takes calls over the network.

Meanwhile the informers go on, so that the node which comes out is checked once more before it is given.
"""

from __future__ import annotations

import random

from wherry.scheduler.cache import Cache
from wherry.scheduler.extenders import Extenders
from wherry.scheduler.framework.diagnosis import Diagnosis, VerdictsByName
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.post_filter import Remedy
from wherry.scheduler.placement import Choice, Placement, Refusal
from wherry.scheduler.plugins.default_preemption import best_candidate


class Changed(Exception):
    """The node that was chosen does not do any more; the pod is to be tried again at once."""


class Consultation:
    """`rng` decides between nodes that are equally good."""

    def __init__(self, extenders: Extenders, cache: Cache, rng: random.Random) -> None:
        self._extenders = extenders
        self._cache = cache
        self._rng = rng

    async def choose(self, placement: Placement, pod: PodInfo) -> str | Refusal:
        """Raises `ExtenderError` where one that must be heard is not, `Changed`."""
        choice = placement.choices(pod)
        if isinstance(choice, Choice):
            left, rejected = await self._extenders.filter(pod, choice.nodes)
            if left:
                return await self._best(placement, pod, choice, left)
            diagnosis = Diagnosis(self._cache.node_count(), nodes=VerdictsByName(choice.verdicts | rejected))
            choice = placement.refusal(pod, diagnosis)
        return await self._with_candidates(pod, choice)

    async def _best(self, placement: Placement, pod: PodInfo, choice: Choice, left: list[str]) -> str:
        own = dict(zip(choice.nodes, choice.scores, strict=True))
        scores = {node: own[node] for node in left}
        await self._extenders.prioritize(pod, scores)
        highest = max(scores.values())
        node = self._rng.choice([name for name, score in scores.items() if score == highest])
        if not placement.still_fits(pod, node):
            raise Changed(node)
        return node

    async def _with_candidates(self, pod: PodInfo, refusal: Refusal) -> Refusal:
        """What extenders say of the nodes that could be cleared."""
        if not refusal.remedy.alternatives:
            return refusal
        left = await self._extenders.preempt(pod, refusal.remedy.alternatives)
        if not left:
            return Refusal(refusal.diagnosis, Remedy(withdraws=True))
        return Refusal(refusal.diagnosis, Remedy(nomination=best_candidate(left)))
