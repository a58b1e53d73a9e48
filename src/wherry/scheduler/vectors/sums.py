"""Numbers of pods per topology domain, kept current from pod to pod instead of counted anew.

A pod contributes to a domain by the labels of its node; what it contributes is a plain function of the pod. All pods are
counted once; then the log of pods that came and went is followed. Where nodes with pods change their domains, all is
counted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.vectors.table import Mask, NodeTable, Numbers

Contribution = tuple[str, int]
"""Topology key, and the amount that is added to the domain's sum."""


def all_pods(info: NodeInfo) -> Iterable[PodInfo]:
    return info.pods.values()


def pods_with_affinity(info: NodeInfo) -> Iterable[PodInfo]:
    return info.affinity_pods.values()


def pods_with_anti_affinity(info: NodeInfo) -> Iterable[PodInfo]:
    return info.anti_affinity_pods.values()


class DomainSums:
    """`contribute` says what a pod adds, wherever it runs. Only `source` pods of `eligible` rows (None: all) count."""

    def __init__(
        self,
        table: NodeTable,
        contribute: Callable[[PodInfo], Iterable[Contribution]],
        *,
        source: Callable[[NodeInfo], Iterable[PodInfo]] = all_pods,
    ) -> None:
        self._table = table
        self._contribute = contribute
        self._source = source
        self._sums: dict[str, Numbers] = {}
        self._eligible: Mask | None = None
        self._position = -1
        self._version = -1

    def topologies(self) -> Iterable[str]:
        return self._sums

    def refresh(self, eligible: Mask | None = None, *, recount: bool = False) -> None:
        """Bring the sums up to date. `recount` where other rows are eligible than before."""
        table = self._table
        self._eligible = eligible
        moves = None if recount or self._version != table.domains_version else table.moves.since(self._position)
        if moves is None:
            self._count_all()
        else:
            for row, pod, by in moves:
                self._add(row, pod, by)
        self._position, self._version = table.moves.end, table.domains_version

    def of(self, key: str) -> Numbers:
        """The sum of each domain of a topology, by the number of its value."""
        return self._sized(key, len(self._table.label(key).values))

    def _sized(self, key: str, size: int) -> Numbers:
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = np.zeros(size, np.int64)
        elif len(sums) < size:
            sums = self._sums[key] = np.concatenate((sums, np.zeros(size - len(sums), np.int64)))
        return sums

    def _count_all(self) -> None:
        self._sums = {}
        for row, info in self._table.present():
            for pod in self._source(info):
                self._add(row, pod, 1)

    def _add(self, row: int, pod: PodInfo, by: int) -> None:
        if self._eligible is not None and not self._eligible[row]:
            return
        for key, amount in self._contribute(pod):
            column = self._table.label(key)
            number = column.array[row]
            if number >= 0:
                self._sized(key, len(column.values))[number] += by * amount


class RowSums:
    """The same per node instead of per domain."""

    def __init__(self, table: NodeTable, counts: Callable[[PodInfo], int]) -> None:
        self._table = table
        self._counts = counts
        self._position = -1
        self._version = -1
        self.array: Numbers = np.zeros(0, np.int64)

    def refresh(self) -> None:
        table = self._table
        if len(self.array) < table.size:
            self.array = np.concatenate((self.array, np.zeros(table.size - len(self.array), np.int64)))
        moves = None if self._version != table.domains_version else table.moves.since(self._position)
        if moves is None:
            self.array = np.zeros(table.size, np.int64)
            moves = [(row, pod, 1) for row, info in table.present() for pod in info.pods.values()]
        for row, pod, by in moves:
            self.array[row] += by * self._counts(pod)
        self._position, self._version = table.moves.end, table.domains_version
