"""Nodes by their labels and names: `nodeSelector`, required and preferred node affinity."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.scheduler.framework import node_selection
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, Score
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.scoring import to_maximum
from wherry.scheduler.framework.status import Status, unresolvable

REJECTED = unresolvable("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
CONFLICT = unresolvable("NodeAffinity", "pod affinity terms conflict")


def _matches(pod: PodInfo, node: Object) -> bool:
    test = node_selection.required(pod.spec)
    info = NodeInfo(node["metadata"]["name"])
    info.labels = node["metadata"].get("labels") or {}
    return test is None or test(info)


def _begins_to_match(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return new is not None and _matches(pod, new) and (old is None or not _matches(pod, old))


class _Check(Filtering):
    def __init__(self, test: node_selection.Test, nodes: frozenset[str] | None) -> None:
        self._test = test
        self.nodes = nodes

    def filter(self, node: NodeInfo) -> Status | None:
        return None if self._test(node) else REJECTED


class NodeAffinity(Filter, Score):
    name = "NodeAffinity"
    events = {ClusterEvent.NODE_ADD: _begins_to_match, ClusterEvent.NODE_LABEL: _begins_to_match}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        test = node_selection.required(pod.spec)
        if test is None:
            return None
        nodes = node_selection.named_nodes(pod.spec)
        if nodes is not None and not nodes:
            return CONFLICT
        return _Check(test, nodes)

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """The weights of the preferred terms that match."""
        preferences = node_selection.preferred(pod.spec)
        if not preferences:
            return None
        return to_maximum([sum(each.weight for each in preferences if each.test(node)) for node in nodes])
