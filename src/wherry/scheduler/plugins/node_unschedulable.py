"""Cordoned nodes take no pods, except those that tolerate it."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, always
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable
from wherry.scheduler.framework.tolerations import tolerated

_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
REJECTED = unresolvable("NodeUnschedulable", "node(s) were unschedulable")


def _uncordoned(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    if new is None or (new.get("spec") or {}).get("unschedulable"):
        return False
    return old is None or bool((old.get("spec") or {}).get("unschedulable"))


class NodeUnschedulable(Filter, Filtering):
    name = "NodeUnschedulable"
    events = {
        ClusterEvent.NODE_ADD: _uncordoned,
        ClusterEvent.NODE_TAINT: _uncordoned,
        ClusterEvent.TARGET_TOLERATION: always,
    }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | None:
        return None if tolerated(_TAINT, pod.spec.get("tolerations") or ()) else self

    def filter(self, node: NodeInfo) -> Status | None:
        return REJECTED if node.unschedulable else None
