"""Which nodes do for pods of one shape, and their scores, as far as they depend on the node alone.

Computed for all nodes once; afterwards only nodes that have changed are done again, few of them by the plain forms,
many by the vector forms. Pods of one shape differ in nothing that any of these plugins looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, NodeScore, NodeTest, RelativeScore
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status
from wherry.scheduler.plugins.image_locality import pod_images
from wherry.scheduler.vectors.forms import FILTERS, SCORES
from wherry.scheduler.vectors.table import NodeTable, Numbers

FEW_ROWS = 48
"""Up to so many changed nodes the plain forms are quicker."""

Marks = npt.NDArray[np.int16]
FITS, ABSENT = 0, -1


def shape_of(pod: PodInfo, cluster: Cluster) -> object:
    """Equal for pods that all local plugins treat alike."""
    spec = pod.spec
    rest = [
        spec.get("nodeSelector"),
        (spec.get("affinity") or {}).get("nodeAffinity"),
        spec.get("tolerations"),
        spec.get("nodeName"),
    ]
    images = tuple(image for image in pod_images(pod) if cluster.image_spread(image))
    return (
        tuple(sorted(pod.requests.items())),
        pod.nonzero_cpu,
        pod.nonzero_memory,
        pod.ports,
        orjson.dumps(rest),
        # What an image is worth depends on how many images the pod has, and how many nodes have it.
        (images, len(tuple(pod_images(pod))), cluster.images_version()) if images else (),
    )


@dataclass(slots=True)
class Relative:
    """A score that is brought to scale only among the nodes that are left."""

    plugin: RelativeScore
    weight: int
    one: NodeTest
    raw: Numbers
    differs: bool = False
    """Whether any row is not 0; otherwise there is no opinion."""


class LocalState:
    """`marks` has 0 for rows that fit, -1 for rows that are no nodes, else the number of a status.

    `scores` is the weighted sum of absolute scores, -1 where the pod does not fit.
    """

    def __init__(
        self,
        pod: PodInfo,
        filters: Sequence[tuple[Filter, Filtering]],
        scores: Sequence[tuple[NodeScore | RelativeScore, int]],
        cluster: Cluster,
        table: NodeTable,
    ) -> None:
        self._pod = pod
        self._cluster = cluster
        self._table = table
        self._filters = filters
        self._tests = tuple(check.filter for _, check in filters)
        self._absolute: list[tuple[NodeScore, int, NodeTest]] = []
        self.relative: list[Relative] = []
        for plugin, weight in scores:
            self._add_score(plugin, weight)
        self.statuses: list[Status | None] = [None]
        self._numbers: dict[Status, int] = {}
        self.marks: Marks = np.zeros(0, np.int16)
        self.scores: Numbers = np.zeros(0, np.int64)
        self.position = -1

    def _add_score(self, plugin: NodeScore | RelativeScore, weight: int) -> None:
        if isinstance(plugin, NodeScore):
            if (absolute := plugin.node_score(self._pod, self._cluster)) is not None:
                self._absolute.append((plugin, weight, absolute))
        elif (raw := plugin.raw_score(self._pod, self._cluster)) is not None:
            self.relative.append(Relative(plugin, weight, raw, np.zeros(0, np.int64)))

    def refresh(self) -> None:
        """Bring all rows up to date."""
        table = self._table
        changed = table.changed.since(self.position) if self.position >= 0 else None
        self.position = table.changed.end
        rows = set(changed) if changed is not None else None
        if rows is None or len(rows) > FEW_ROWS or len(self.marks) < table.size:
            table.sync_numbers()
            self._compute()
        else:
            for row in rows:
                self._redo(row, table.infos[row])

    def number(self, status: Status) -> int:
        found = self._numbers.get(status)
        if found is None:
            found = self._numbers[status] = len(self.statuses)
            self.statuses.append(status)
        return found

    def _compute(self) -> None:
        table = self._table
        self.marks = np.where(table.there(), FITS, ABSENT).astype(np.int16)
        for plugin, check in self._filters:
            for rows, status in FILTERS[type(plugin)](plugin, check, self._pod, table):
                self.marks[rows & (self.marks == FITS)] = self.number(status)
        total = np.zeros(table.size, np.int64)
        for scoring, weight, _ in self._absolute:
            total += weight * self._vector(scoring)
        for each in self.relative:
            each.raw = np.where(self.marks == ABSENT, 0, self._vector(each.plugin))
            each.differs = bool(each.raw.any())
        self.scores = np.where(self.marks == FITS, total, -1)

    def _vector(self, plugin: NodeScore | RelativeScore) -> Numbers:
        return SCORES[type(plugin)](plugin, self._pod, self._cluster, self._table)

    def _redo(self, row: int, info: NodeInfo | None) -> None:
        """One node by the plain forms."""
        if info is None:
            self.marks[row], self.scores[row] = ABSENT, -1
            return
        mark = FITS
        for test in self._tests:
            if (status := test(info)) is not None:
                mark = self.number(status)
                break
        self.marks[row] = mark
        self.scores[row] = sum(weight * one(info) for _, weight, one in self._absolute) if mark == FITS else -1
        for each in self.relative:
            raw = each.raw[row] = each.one(info)
            each.differs = each.differs or raw != 0
