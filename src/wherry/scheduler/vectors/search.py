"""Which nodes fit a pod and what they are worth, over all nodes at once; `Placement` chooses among them.

Filters that look at one node at a time, from the first on, make the local state, which pods of one shape share. The
filters after them are asked in their order: topology spread and affinity in their vector forms, any other by its plain
form for the nodes that are left. Scores likewise.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
import orjson

from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.attempt import Attempt
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.plugin import Filter, Filtering, NodeScore, RelativeScore, Score
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.scoring import MAX_SCORE
from wherry.scheduler.framework.spread_constraint import HARD, SOFT
from wherry.scheduler.framework.status import Status
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.scheduler.plugins.pod_topology_spread import PodTopologySpread
from wherry.scheduler.vectors.affinity import KeptAway, OwnTerms, Preferences
from wherry.scheduler.vectors.forms import FILTERS, SCORES, Rejections
from wherry.scheduler.vectors.local import FITS, LocalState, Marks, shape_of
from wherry.scheduler.vectors.spread import SpreadFilter, SpreadScore
from wherry.scheduler.vectors.table import Mask, NodeTable, Numbers

STATES_KEPT = 256

S = TypeVar("S")


class VerdictsByRow:
    """What was said of each node, as the number of a status per row."""

    def __init__(self, table: NodeTable, marks: Marks, statuses: list[Status | None]) -> None:
        self._table = table
        self._marks = marks
        self._statuses = statuses

    def get(self, node: str, /) -> Status | None:
        row = self._table.row(node)
        return self._statuses[self._marks[row]] if row is not None and row < len(self._marks) else None

    def __len__(self) -> int:
        return int(np.count_nonzero(self._marks > FITS))

    def counts(self) -> Mapping[Status, int]:
        rejected = self._marks[self._marks > FITS]
        counts = np.bincount(rejected, minlength=len(self._statuses))
        return {status: int(count) for status, count in zip(self._statuses, counts, strict=True) if status and count}


@dataclass(slots=True)
class Found:
    """`scores` is -1 for rows that do not fit. `rejections` are those after the local ones."""

    table: NodeTable
    local: LocalState
    scores: Numbers
    rejections: Rejections = field(default_factory=list)
    rivalled: Mapping[int, Callable[[], Status | None]] = field(default_factory=dict)
    """Rows that other pods wait for, and the plain check that takes these into account."""

    def pick(self, rng: random.Random) -> str | None:
        """One of the nodes with the highest score; None where none fits."""
        rows = self._best()
        if not len(rows):
            return None
        info = self.table.infos[rows[rng.randrange(len(rows))]]
        return info.name if info is not None else None

    def best(self) -> list[str]:
        """The names of all nodes with the highest score."""
        return self._names(self._best())

    def _best(self) -> Numbers:
        highest = self.scores.max() if len(self.scores) else -1
        return np.flatnonzero(self.scores == highest) if highest >= 0 else self.scores[:0]

    def feasible(self) -> list[str]:
        return self._names(np.flatnonzero(self.scores >= 0))

    def score(self, node: str) -> int:
        row = self.table.row(node)
        return int(self.scores[row]) if row is not None else -1

    def _names(self, rows: Numbers) -> list[str]:
        infos = self.table.infos
        return [info.name for row in rows if (info := infos[row]) is not None]

    def verdicts(self) -> VerdictsByRow:
        marks = self.local.marks.copy()
        for rows, status in self.rejections:
            marks[rows & (marks == FITS)] = self.local.number(status)
        for row, check in self.rivalled.items():
            if (said := check()) is not None:
                marks[row] = self.local.number(said)
        return VerdictsByRow(self.table, marks, self.local.statuses)


class _Kept:
    """States by key; the oldest go first."""

    def __init__(self) -> None:
        self._states: dict[Hashable, object] = {}

    def get(self, key: Hashable, make: Callable[[], S]) -> S:
        found = self._states.get(key)
        if found is None:
            if len(self._states) >= STATES_KEPT:
                del self._states[next(iter(self._states))]
            found = self._states[key] = make()
        return found  # type: ignore[return-value]

    def clear(self) -> None:
        self._states.clear()


class VectorSearch:
    """Searches for one profile. Searches of several profiles can share a table."""

    def __init__(self, framework: Framework, cache: Cache, table: NodeTable) -> None:
        self._framework = framework
        self._cache = cache
        self._table = table
        self._kept = _Kept()
        self._namespaces = cache.namespaces_version
        filters = framework.filters
        first_other = next((i for i, each in enumerate(filters) if type(each) not in FILTERS), len(filters))
        self._local_filters, self._later_filters = filters[:first_other], filters[first_other:]
        self._local_scores = tuple(each for each in framework.scores if type(each[0]) in SCORES)
        self._later_scores = tuple(each for each in framework.scores if type(each[0]) not in SCORES)

    @classmethod
    def of(cls, framework: Framework, cache: Cache) -> VectorSearch:
        """Over the table that follows the cache; the first one makes it."""
        table = cache.follower
        if not isinstance(table, NodeTable):
            table = NodeTable()
            cache.follow(table)
        return cls(framework, cache, table)

    def find(self, pod: PodInfo, attempt: Attempt) -> Found | None:
        """None where the pod is for the plain search: a plugin rules out all nodes at once, or names the few."""
        if self._namespaces != self._cache.namespaces_version:
            self._kept.clear()
            self._namespaces = self._cache.namespaces_version
        self._table.sync()
        local = self._local(pod)
        if local is None:
            return None
        found = Found(self._table, local, local.scores)
        for plugin in self._later_filters:
            rejections = self._rejections(plugin, pod, found)
            if rejections is None:
                return None
            found.rejections += rejections
        found.rivalled = self._rivalled(attempt)
        compared = any(each.differs for each in local.relative) or self._scored_later(pod)
        if not compared and not found.rivalled:
            if found.rejections:
                found.scores = local.scores.copy()
                for rows, _ in found.rejections:
                    found.scores[rows] = -1
            return found
        feasible = _left(found)
        for row, check in found.rivalled.items():
            if feasible[row]:
                feasible[row] = check() is None
        found.scores = self._totals(pod, local, feasible)
        return found

    # Filters.

    def _local(self, pod: PodInfo) -> LocalState | None:
        shape = shape_of(pod, self._cache)
        state = self._kept.get(("local", shape), lambda: self._new_local(pod))
        if isinstance(state, LocalState):
            state.refresh()
            return state
        return None

    def _new_local(self, pod: PodInfo) -> LocalState | bool:
        """False for a pod that is not for vectors."""
        filters: list[tuple[Filter, Filtering]] = []
        for plugin in self._local_filters:
            answer = plugin.pre_filter(pod, self._cache)
            if isinstance(answer, Status) or (answer is not None and answer.nodes is not None):
                return False
            if answer is not None:
                filters.append((plugin, answer))
        scores = [(p, w) for p, w in self._local_scores if isinstance(p, (NodeScore, RelativeScore))]
        return LocalState(pod, filters, scores, self._cache, self._table)

    def _rejections(self, plugin: Filter, pod: PodInfo, found: Found) -> Rejections | None:
        if isinstance(plugin, PodTopologySpread):
            spread = self._spread_filter(plugin, pod)
            return spread.rejections(pod) if spread is not None else []
        if isinstance(plugin, InterPodAffinity):
            return self._affinity_rejections(pod)
        answer = plugin.pre_filter(pod, self._cache)
        if answer is None:
            return []
        if isinstance(answer, Status) or answer.nodes is not None:
            return None
        return self._plainly(answer, _left(found))

    def _plainly(self, check: Filtering, left: Mask) -> Rejections:
        by_status: dict[Status, Mask] = {}
        for row in np.flatnonzero(left):
            info = self._table.infos[row]
            if info is not None and (status := check.filter(info)) is not None:
                by_status.setdefault(status, np.zeros(len(left), np.bool_))[row] = True
        return [(mask, status) for status, mask in by_status.items()]

    def _spread_filter(self, plugin: PodTopologySpread, pod: PodInfo) -> SpreadFilter | None:
        key = self._spread_key(plugin, pod, HARD)
        if key is None:
            return None
        return self._kept.get(("spread", key), lambda: SpreadFilter(pod, plugin.constraints(pod, HARD), self._table))

    def _spread_key(self, plugin: PodTopologySpread, pod: PodInfo, when: str) -> Hashable | None:
        """Equal for pods with the same constraints about the same pods and nodes; None: no constraints."""
        specs = pod.spec.get("topologySpreadConstraints") or ()
        if specs:
            if not any(spec.get("whenUnsatisfiable", HARD) == when for spec in specs):
                return None
            values = tuple(pod.labels.get(key) for spec in specs for key in spec.get("matchLabelKeys") or ())
            what: Hashable = (orjson.dumps(specs), values)
        else:
            what = plugin.constraints(pod, when)
            if not what:
                return None
        return pod.namespace, what, _node_policies(pod)

    def _affinity_rejections(self, pod: PodInfo) -> Rejections:
        found: Rejections = []
        labels_of = self._cache.namespace_labels
        terms = pod.affinity
        if terms is not None and (terms.required or terms.required_anti):
            key = ("own terms", pod.namespace, _affinity_text(pod))
            found += self._kept.get(key, lambda: OwnTerms(pod, self._table, labels_of)).rejections(pod)
        if self._cache.has_anti_affinity():
            key = ("kept away", pod.namespace, _label_text(pod))
            found += self._kept.get(key, lambda: KeptAway(pod, self._table, labels_of)).rejections()
        return found

    def _rivalled(self, attempt: Attempt) -> dict[int, Callable[[], Status | None]]:
        """Nodes that are kept for other pods, to which this one must give way."""
        found: dict[int, Callable[[], Status | None]] = {}
        for name in self._cache.nominated_nodes() if self._cache.nominations() else ():
            row, info = self._table.row(name), self._cache.node(name)
            if row is not None and info is not None and attempt.rivals(name):
                found[row] = partial(attempt.check, info)
        return found

    # Scores.

    def _scored_later(self, pod: PodInfo) -> bool:
        return any(self._has_opinion(plugin, pod) for plugin, _ in self._later_scores)

    def _has_opinion(self, plugin: Score, pod: PodInfo) -> bool:
        if isinstance(plugin, PodTopologySpread):
            return self._spread_key(plugin, pod, SOFT) is not None
        if isinstance(plugin, InterPodAffinity):
            return self._preferences(plugin, pod) is not None
        return True

    def _totals(self, pod: PodInfo, local: LocalState, feasible: Mask) -> Numbers:
        totals = np.where(feasible, local.scores, -1)
        if not feasible.any():
            return totals
        for each in local.relative:
            if not each.differs:
                continue
            highest = int(each.raw[feasible].max())
            if highest:
                scaled = each.raw * MAX_SCORE // highest
                totals += each.weight * (MAX_SCORE - scaled if each.plugin.reverse else scaled)
        for plugin, weight in self._later_scores:
            scores = self._later_score(plugin, pod, feasible)
            if scores is not None:
                totals += weight * scores
        return np.where(feasible, totals, -1)

    def _later_score(self, plugin: Score, pod: PodInfo, feasible: Mask) -> Numbers | None:
        if isinstance(plugin, PodTopologySpread):
            key = self._spread_key(plugin, pod, SOFT)
            if key is None:
                return None
            make = lambda: SpreadScore(pod, plugin.constraints(pod, SOFT), self._table, strict=plugin.strict(pod))
            return self._kept.get(("spread score", key), make).scores(feasible)
        if isinstance(plugin, InterPodAffinity):
            preferences = self._preferences(plugin, pod)
            return preferences.scores(feasible) if preferences is not None else None
        rows = np.flatnonzero(feasible)
        infos = [info for row in rows if (info := self._table.infos[row]) is not None]
        scores = plugin.score(pod, self._cache, infos)
        if scores is None:
            return None
        found = np.zeros(len(feasible), np.int64)
        found[rows] = scores
        return found

    def _preferences(self, plugin: InterPodAffinity, pod: PodInfo) -> Preferences | None:
        """None where nobody prefers anything about the pod."""
        if (pod.affinity is None and not self._cache.has_affinity()) or plugin.ignores_others(pod):
            return None
        key = ("preferences", pod.namespace, _label_text(pod), _affinity_text(pod))
        labels_of, weight = self._cache.namespace_labels, plugin.hard_weight
        make = lambda: Preferences(pod, self._table, labels_of, required_weight=weight)
        state = self._kept.get(key, make)
        return state if state.refresh() else None


def _left(found: Found) -> Mask:
    """Rows that are not ruled out yet."""
    left: Mask = found.local.marks == FITS
    for rows, _ in found.rejections:
        left &= ~rows
    return left


def _label_text(pod: PodInfo) -> Hashable:
    return frozenset(pod.labels.items())


def _affinity_text(pod: PodInfo) -> Hashable:
    affinity = pod.spec.get("affinity") or {}
    return orjson.dumps((affinity.get("podAffinity"), affinity.get("podAntiAffinity"))) if affinity else b""


def _node_policies(pod: PodInfo) -> Hashable:
    """What decides which nodes count for a pod's constraints."""
    spec = pod.spec
    affinity = (spec.get("affinity") or {}).get("nodeAffinity")
    return orjson.dumps((spec.get("nodeSelector"), affinity, spec.get("tolerations")))
