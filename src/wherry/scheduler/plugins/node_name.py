"""A pod that names its node goes there or nowhere."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable

REJECTED = unresolvable("NodeName", "node(s) didn't match the requested node name")


def _is_it(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return new is not None and new["metadata"]["name"] == pod.spec.get("nodeName")


class _Check(Filtering):
    def __init__(self, name: str) -> None:
        self._name = name

    def filter(self, node: NodeInfo) -> Status | None:
        return None if node.name == self._name else REJECTED


class NodeName(Filter):
    name = "NodeName"
    events = {ClusterEvent.NODE_ADD: _is_it}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | None:
        wanted = pod.spec.get("nodeName")
        return _Check(wanted) if wanted else None
