"""Topology spread over all nodes at once; the plain forms are `pod_topology_spread` and `spread_score`.

The counts of pods per domain are kept between pods that have the same constraints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wherry.scheduler.framework.node_info import HOSTNAME
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.scoring import MAX_SCORE
from wherry.scheduler.framework.spread_constraint import Constraint
from wherry.scheduler.plugins.pod_topology_spread import NO_LABEL, REJECTED
from wherry.scheduler.vectors import selection
from wherry.scheduler.vectors.forms import Rejections
from wherry.scheduler.vectors.sums import DomainSums, RowSums
from wherry.scheduler.vectors.table import Mask, NodeTable, Numbers

_Spec = Mapping[str, Any]


def counts_pod(constraint: Constraint, namespace: str) -> Callable[[PodInfo], bool]:
    """Whether a pod on a node is one of those that a constraint counts."""
    if constraint.selector.everything:
        return lambda pod: False
    matches = constraint.selector.matches
    return lambda pod: pod.namespace == namespace and matches(pod.labels) and not pod.leaving


class _Counted:
    """One constraint: which rows count, and the sums of their domains."""

    def __init__(self, constraint: Constraint, pod: PodInfo, keys: Sequence[str], table: NodeTable) -> None:
        self.constraint = constraint
        self._keys = keys
        self._spec: _Spec = pod.spec
        self._table = table
        self._versions = (-1, -1)
        self.eligible: Mask = np.zeros(0, np.bool_)
        self.domains: Mask = np.zeros(0, np.bool_)
        """Topology values that an eligible row has."""
        self.unlabelled: Mask | None = None
        """Rows without the topology; None where all have it."""
        self.column = table.label(constraint.topology_key)
        counts, key = counts_pod(constraint, pod.namespace), constraint.topology_key
        self._domains = DomainSums(table, lambda other: ((key, 1),) if counts(other) else ())

    def refresh(self) -> None:
        table, recount = self._table, False
        versions = (table.nodes_version, table.taints_version)
        if versions != self._versions:
            recount = self.constraint.honor_taints and versions[1] != self._versions[1]
            self.eligible = self._eligible()
            found = self.codes[self.eligible & (self.codes >= 0)]
            self.domains = np.bincount(found, minlength=len(self.column.values)) > 0
            lacking = (self.codes < 0) & table.there()
            self.unlabelled = lacking if lacking.any() else None
            self._versions = versions
        self._domains.refresh(self.eligible, recount=recount)

    @property
    def sums(self) -> Numbers:
        return self._domains.of(self.constraint.topology_key)

    @property
    def codes(self) -> np.ndarray[Any, Any]:
        return self.column.array[: self._table.size]

    def _eligible(self) -> Mask:
        """Nodes that have all of the pod's topologies, and count for it by its policies."""
        table = self._table
        found = table.there()
        for key in self._keys:
            found = found & (table.label(key).array[: table.size] >= 0)
        if self.constraint.honor_affinity and (chosen := selection.selected(self._spec, table)) is not None:
            found = found & chosen
        if self.constraint.honor_taints:
            found = found & selection.tolerated(self._spec.get("tolerations") or (), table)
        return found


class SpreadFilter:
    """DoNotSchedule, for pods of one shape."""

    def __init__(self, pod: PodInfo, constraints: Sequence[Constraint], table: NodeTable) -> None:
        keys = tuple(constraint.topology_key for constraint in constraints)
        self._counted = [_Counted(constraint, pod, keys, table) for constraint in constraints]

    def rejections(self, pod: PodInfo) -> Rejections:
        found: Rejections = []
        for counted in self._counted:
            counted.refresh()
            if counted.unlabelled is not None:
                found.append((counted.unlabelled, NO_LABEL))
            constraint = counted.constraint
            allowed = constraint.max_skew + _lowest(counted) - int(constraint.selector.matches(pod.labels))
            # The last one is for nodes without the label.
            crowded = np.append(counted.sums > allowed, False)
            if crowded.any():
                found.append((crowded[counted.codes], REJECTED))
        return found


def _lowest(counted: _Counted) -> int:
    """The smallest count of all domains; with fewer domains than wanted, the missing ones count as empty."""
    sums = counted.sums[counted.domains]
    return int(sums.min()) if len(sums) >= counted.constraint.min_domains else 0


class SpreadScore:
    """ScheduleAnyway, for pods of one shape. `strict`: only nodes that have all topologies take part."""

    def __init__(self, pod: PodInfo, constraints: Sequence[Constraint], table: NodeTable, *, strict: bool) -> None:
        self._table = table
        self._strict = strict
        self._keys = tuple(constraint.topology_key for constraint in constraints)
        self._counted = [_Counted(constraint, pod, self._keys if strict else (), table) for constraint in constraints]
        self._rows: dict[int, RowSums] = {
            i: RowSums(table, counts_pod(constraint, pod.namespace))
            for i, constraint in enumerate(constraints)
            if constraint.topology_key == HOSTNAME
        }

    def scores(self, feasible: Mask) -> Numbers:
        """0 to 100 for each row that is feasible."""
        table = self._table
        taking_part = feasible.copy()
        if self._strict:
            for key in self._keys:
                taking_part &= table.label(key).array[: table.size] >= 0
        total = np.zeros(table.size)
        for i, counted in enumerate(self._counted):
            total += self._crowding(i, counted, taking_part)
        return _normalized((total + 0.5).astype(np.int64), taking_part)

    def _crowding(self, i: int, counted: _Counted, taking_part: Mask) -> np.ndarray[Any, Any]:
        codes, skew = counted.codes, counted.constraint.max_skew - 1
        if i in self._rows:
            self._rows[i].refresh()
            weight = math.log(int(np.count_nonzero(taking_part)) + 2)
            crowd = self._rows[i].array * weight + skew
        else:
            counted.refresh()
            domains = np.bincount(codes[taking_part] + 1, minlength=1)
            weight = math.log(int(np.count_nonzero(domains)) + 2)
            crowd = np.append(counted.sums * weight + skew, 0.0)[codes]
        return np.where(codes >= 0, crowd, 0.0)


def _normalized(raw: Numbers, taking_part: Mask) -> Numbers:
    known = raw[taking_part]
    highest = int(known.max()) if len(known) else 0
    lowest = int(known.min()) if len(known) else 0
    if not highest:
        return np.where(taking_part, MAX_SCORE, 0)
    return np.where(taking_part, MAX_SCORE * (highest + lowest - raw) // highest, 0)
