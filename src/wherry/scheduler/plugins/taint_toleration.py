"""Nodes with taints that the pod does not tolerate: ruled out for NoSchedule and NoExecute, worse for PreferNoSchedule."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, NodeTest, RelativeScore, always
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable
from wherry.scheduler.framework.tolerations import Taint, Toleration, tolerated, untolerated

REJECTED = unresolvable("TaintToleration", "node(s) had untolerated taint(s)")
_HARD = ("NoSchedule", "NoExecute")


def _keeps_off(pod: PodInfo, node: Object) -> bool:
    taints = [taint for taint in (node.get("spec") or {}).get("taints") or () if taint.get("effect") in _HARD]
    return untolerated(taints, pod.spec.get("tolerations") or ()) is not None


def _lets_in(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return new is not None and not _keeps_off(pod, new) and (old is None or _keeps_off(pod, old))


class _Check(Filtering):
    def __init__(self, tolerations: Sequence[Toleration]) -> None:
        self._tolerations = tolerations

    def filter(self, node: NodeInfo) -> Status | None:
        if node.hard_taints and untolerated(node.hard_taints, self._tolerations) is not None:
            return REJECTED
        return None


class TaintToleration(Filter, RelativeScore):
    name = "TaintToleration"
    reverse = True
    events = {
        ClusterEvent.NODE_ADD: _lets_in,
        ClusterEvent.NODE_TAINT: _lets_in,
        ClusterEvent.TARGET_TOLERATION: always,
    }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering:
        return _Check(pod.spec.get("tolerations") or ())

    def raw_score(self, pod: PodInfo, cluster: Cluster) -> NodeTest:
        """Fewer soft taints that are not tolerated are better."""
        tolerations = soft_tolerations(pod)
        return lambda node: count_untolerated(node.soft_taints, tolerations)


def soft_tolerations(pod: PodInfo) -> Sequence[Toleration]:
    return [
        toleration
        for toleration in pod.spec.get("tolerations") or ()
        if toleration.get("effect") in (None, "", "PreferNoSchedule")
    ]


def count_untolerated(taints: Sequence[Taint], tolerations: Sequence[Toleration]) -> int:
    return sum(not tolerated(taint, tolerations) for taint in taints)
