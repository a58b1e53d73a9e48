"""One pod's search for a node, while it lasts."""

from __future__ import annotations

from collections.abc import Callable

from wherry.scheduler.framework.diagnosis import Diagnosis
from wherry.scheduler.framework.framework import Prepared
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status


class Attempt:
    """`prepare` gives the pod's plain checks, when first needed; `Status` where PreFilter has ruled out every node."""

    __slots__ = ("_prepare", "_prepared", "cluster", "diagnosis", "pod")

    def __init__(
        self, pod: PodInfo, cluster: Cluster, prepare: Callable[[], Prepared | Status], diagnosis: Diagnosis
    ) -> None:
        self.pod = pod
        self.cluster = cluster
        self.diagnosis = diagnosis
        self._prepare = prepare
        self._prepared: Prepared | Status | None = None

    @property
    def prepared(self) -> Prepared | Status:
        if self._prepared is None:
            self._prepared = self._prepare()
        return self._prepared

    def check(self, node: NodeInfo) -> Status | None:
        """Whether the pod fits, also if the pods come that are nominated for the node and no less important.

        Both with and without them: a pod that needs one of them near must not rely on its coming.
        """
        prepared = self.prepared
        if isinstance(prepared, Status):
            return prepared
        rivals = self.rivals(node.name)
        if rivals and (status := self._check_with(prepared, rivals, node)) is not None:
            return status
        return prepared.check(node)

    def rivals(self, node: str) -> list[PodInfo]:
        """Pods that wait for the node and must be given way to."""
        nominated = self.cluster.nominated(node)
        if not nominated:
            return []
        mine = self.pod
        return [each for each in nominated if each.priority >= mine.priority and each.uid != mine.uid]

    def _check_with(self, prepared: Prepared, rivals: list[PodInfo], node: NodeInfo) -> Status | None:
        for rival in rivals:
            prepared.add_pod(rival, node)
        try:
            return prepared.check(node)
        finally:
            for rival in rivals:
                prepared.remove_pod(rival, node)
