"""One pod's search for a node, while it lasts."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.scheduler.framework.diagnosis import Diagnosis
from wherry.scheduler.framework.framework import Prepared
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status


@dataclass(frozen=True, slots=True)
class Attempt:
    """`prepared` is None where PreFilter has ruled out every node."""

    pod: PodInfo
    cluster: Cluster
    prepared: Prepared | None
    diagnosis: Diagnosis

    def check(self, node: NodeInfo) -> Status | None:
        """Whether the pod fits, also if the pods come that are nominated for the node and no less important.

        Both with and without them: a pod that needs one of them near must not rely on its coming.
        """
        prepared = self.prepared
        if prepared is None:
            return self.diagnosis.pre_filter
        rivals = [each for each in self.cluster.nominated(node.name) if self._yields_to(each)]
        if rivals and (status := self._check_with(prepared, rivals, node)) is not None:
            return status
        return prepared.check(node)

    def _yields_to(self, other: PodInfo) -> bool:
        return other.priority >= self.pod.priority and other.uid != self.pod.uid

    def _check_with(self, prepared: Prepared, rivals: list[PodInfo], node: NodeInfo) -> Status | None:
        for rival in rivals:
            prepared.add_pod(rival, node)
        try:
            return prepared.check(node)
        finally:
            for rival in rivals:
                prepared.remove_pod(rival, node)
