"""Nodes by their labels and names: `nodeSelector`, required and preferred node affinity.

The configuration may add an affinity of its own, which holds for every pod besides the pod's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.api.types import Object
from wherry.scheduler.framework import node_selection
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, NodeTest, RelativeScore
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable

REJECTED = unresolvable("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
ENFORCED = unresolvable("NodeAffinity", "node(s) didn't match scheduler-enforced node affinity")
CONFLICT = unresolvable("NodeAffinity", "pod affinity terms conflict")


class _Check(Filtering):
    def __init__(
        self, added: node_selection.Test | None, test: node_selection.Test | None, nodes: frozenset[str] | None
    ) -> None:
        self._added = added
        self._test = test
        self.nodes = nodes

    def filter(self, node: NodeInfo) -> Status | None:
        if self._added is not None and not self._added(node):
            return ENFORCED
        return None if self._test is None or self._test(node) else REJECTED


class NodeAffinity(Filter, RelativeScore):
    """`added` is a NodeAffinity (required and preferred) for all pods of the profile."""

    name = "NodeAffinity"

    def __init__(self, added: Mapping[str, Any] | None = None) -> None:
        self.added: Mapping[str, Any] = {"affinity": {"nodeAffinity": added}} if added else {}
        self._added = node_selection.required(self.added)
        self._added_preferred = node_selection.preferred(self.added)
        self.events = {
            ClusterEvent.NODE_ADD: self._begins_to_match,
            ClusterEvent.NODE_LABEL: self._begins_to_match,
        }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        test = node_selection.required(pod.spec)
        if test is None and self._added is None:
            return None
        nodes = node_selection.named_nodes(pod.spec)
        if nodes is not None and not nodes:
            return CONFLICT
        return _Check(self._added, test, nodes)

    def raw_score(self, pod: PodInfo, cluster: Cluster) -> NodeTest | None:
        """The weights of the preferred terms that match."""
        preferences = (*node_selection.preferred(pod.spec), *self._added_preferred)
        if not preferences:
            return None
        return lambda node: sum(each.weight for each in preferences if each.test(node))

    def _begins_to_match(self, pod: PodInfo, old: Object | None, new: Object | None) -> bool:
        return new is not None and self._matches(pod, new) and (old is None or not self._matches(pod, old))

    def _matches(self, pod: PodInfo, node: Object) -> bool:
        info = NodeInfo(node["metadata"]["name"])
        info.labels = node["metadata"].get("labels") or {}
        tests = (self._added, node_selection.required(pod.spec))
        return all(test is None or test(info) for test in tests)
