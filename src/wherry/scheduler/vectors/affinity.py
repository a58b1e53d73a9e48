"""Inter-pod affinity over all nodes at once; the plain forms are `inter_pod_affinity` and `affinity_score`.

Four sums per domain, each kept between pods of one shape: pods that are wanted near, pods to keep away from, running
pods that keep this one away, and the weights of everybody's preferences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wherry.scheduler.framework.affinity_terms import NamespaceLabels, PodAffinity, Term
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.scoring import MAX_SCORE
from wherry.scheduler.plugins.inter_pod_affinity import NOT_NEAR, TOO_NEAR, UNWANTED
from wherry.scheduler.vectors.forms import Rejections
from wherry.scheduler.vectors.sums import (
    Contribution,
    DomainSums,
    all_pods,
    pods_with_affinity,
    pods_with_anti_affinity,
)
from wherry.scheduler.vectors.table import Mask, NodeTable, Numbers

NO_TERMS = PodAffinity()


def _codes(table: NodeTable, key: str) -> np.ndarray[Any, Any]:
    return table.label(key).array[: table.size]


def _in_domain(sums: DomainSums, key: str, table: NodeTable) -> Mask:
    """Rows whose domain has any."""
    # The last one is for nodes without the label.
    return np.append(sums.of(key) > 0, False)[_codes(table, key)]


class OwnTerms:
    """What a pod requires of others: with these terms in this namespace."""

    def __init__(self, pod: PodInfo, table: NodeTable, labels_of: NamespaceLabels) -> None:
        terms = pod.affinity or NO_TERMS
        self._table = table
        self._labels_of = labels_of
        self._required, self._anti = terms.required, terms.required_anti
        self._near = DomainSums(table, self._counts_near) if self._required else None
        self._far = DomainSums(table, self._counts_far) if self._anti else None

    def _matches(self, term: Term, pod: PodInfo) -> bool:
        return term.matches(pod.namespace, pod.labels, self._labels_of)

    def _counts_near(self, other: PodInfo) -> Iterator[Contribution]:
        """A pod must meet all terms to count for any."""
        if all(self._matches(term, other) for term in self._required):
            for term in self._required:
                yield term.topology_key, 1

    def _counts_far(self, other: PodInfo) -> Iterator[Contribution]:
        for term in self._anti:
            if self._matches(term, other):
                yield term.topology_key, 1

    def rejections(self, pod: PodInfo) -> Rejections:
        found: Rejections = []
        if self._near is not None:
            self._near.refresh()
            found.append((~self._is_near(self._near, pod), NOT_NEAR))
        if self._far is not None:
            self._far.refresh()
            for key in dict.fromkeys(term.topology_key for term in self._anti):
                found.append((_in_domain(self._far, key, self._table), TOO_NEAR))
        return found

    def _is_near(self, sums: DomainSums, pod: PodInfo) -> Mask:
        """All terms met; or no such pod anywhere, but the pod is one itself: the first of a group may start."""
        keys = tuple(dict.fromkeys(term.topology_key for term in self._required))
        labelled = near = np.ones(self._table.size, np.bool_)
        for key in keys:
            labelled = labelled & (_codes(self._table, key) >= 0)
            near = near & _in_domain(sums, key, self._table)
        nobody = not any(sums.of(key).any() for key in keys)
        starts = nobody and all(self._matches(term, pod) for term in self._required)
        return labelled if starts else near


class KeptAway:
    """Which domains the required anti-affinity of running pods forbids to pods of one namespace and labels."""

    def __init__(self, pod: PodInfo, table: NodeTable, labels_of: NamespaceLabels) -> None:
        self._pod = pod
        self._table = table
        self._labels_of = labels_of
        self._sums = DomainSums(table, self._counts, source=pods_with_anti_affinity)

    def _counts(self, other: PodInfo) -> Iterator[Contribution]:
        if other.affinity is not None:
            for term in other.affinity.required_anti:
                if term.matches(self._pod.namespace, self._pod.labels, self._labels_of):
                    yield term.topology_key, 1

    def rejections(self) -> Rejections:
        self._sums.refresh()
        return [(_in_domain(self._sums, key, self._table), UNWANTED) for key in list(self._sums.topologies())]


class Preferences:
    """What everybody prefers about pods with these labels, namespace and terms."""

    def __init__(self, pod: PodInfo, table: NodeTable, labels_of: NamespaceLabels, *, required_weight: int) -> None:
        self._pod = pod
        self._table = table
        self._labels_of = labels_of
        self._required_weight = required_weight
        self._own = pod.affinity or NO_TERMS
        everywhere = bool(self._own.preferred or self._own.preferred_anti)
        self._sums = DomainSums(table, self._counts, source=all_pods if everywhere else pods_with_affinity)

    def _counts(self, other: PodInfo) -> Iterator[Contribution]:
        yield from self._met(self._own.preferred, other, 1)
        yield from self._met(self._own.preferred_anti, other, -1)
        if other.affinity is not None:
            yield from self._met(other.affinity.required, self._pod, self._required_weight)
            yield from self._met(other.affinity.preferred, self._pod, 1)
            yield from self._met(other.affinity.preferred_anti, self._pod, -1)

    def _met(self, terms: Sequence[Term], target: PodInfo, factor: int) -> Iterator[Contribution]:
        for term in terms:
            if factor and term.matches(target.namespace, target.labels, self._labels_of):
                yield term.topology_key, factor * (term.weight or 1)

    def refresh(self) -> bool:
        """Whether anybody has a preference."""
        self._sums.refresh()
        return any(True for _ in self._sums.topologies())

    def scores(self, feasible: Mask) -> Numbers | None:
        """0 to 100 for each row that is feasible, after `refresh`; None where all are alike."""
        total = np.zeros(self._table.size, np.int64)
        for key in list(self._sums.topologies()):
            total += np.append(self._sums.of(key), 0)[_codes(self._table, key)]
        known = total[feasible]
        lowest, highest = int(known.min()), int(known.max())
        if highest == lowest:
            return None
        return (MAX_SCORE * ((total - lowest) / (highest - lowest))).astype(np.int64)
