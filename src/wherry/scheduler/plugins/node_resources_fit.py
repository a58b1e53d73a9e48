"""Room for what the pod asks for; of the nodes with room, the best by a strategy (LeastAllocated unless told)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent, needs_less
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, NodeScore, NodeTest, always
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Code, Status, unschedulable
from wherry.scheduler.plugins.resource_strategies import NATIVE, Strategy, node_score
from wherry.scheduler.requests import amounts

NAME = "NodeResourcesFit"
TOO_MANY = "Too many pods"
_TOO_MANY = unschedulable(NAME, TOO_MANY)


def _big_enough(pod: PodInfo, node: Object) -> bool:
    allocatable = amounts((node.get("status") or {}).get("allocatable"))
    return allocatable.get("pods", 0) > 0 and all(
        amount <= allocatable.get(name, 0) for name, amount in pod.requests.items()
    )


def _has_grown(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """A node that could hold the pod if it were empty, and has more of something that the pod needs than before."""
    if new is None or not _big_enough(pod, new):
        return False
    if old is None:
        return True
    before = amounts((old.get("status") or {}).get("allocatable"))
    after = amounts((new.get("status") or {}).get("allocatable"))
    return any(after.get(name, 0) > before.get(name, 0) for name in (*pod.requests, "pods"))


def _was_scheduled(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return old is not None and bool(old["spec"].get("nodeName"))


def _gives_back(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return old is not None and new is not None and needs_less(old, new)


class FitCheck(Filtering):
    def __init__(self, requests: Mapping[str, int]) -> None:
        order = sorted(requests, key=lambda name: (NATIVE.index(name) if name in NATIVE else len(NATIVE), name))
        self.wanted = tuple((name, requests[name]) for name in order)

    def filter(self, node: NodeInfo) -> Status | None:
        allocatable, requested = node.allocatable, node.requested
        if len(node.pods) < node.pod_limit:
            for name, amount in self.wanted:
                if amount > allocatable.get(name, 0) - requested.get(name, 0):
                    break
            else:
                return None
        elif not self.wanted:
            return _TOO_MANY
        return self.explain(node)

    def explain(self, node: NodeInfo) -> Status:
        """More than the whole node has cannot be helped by removing pods."""
        reasons = [TOO_MANY] if len(node.pods) >= node.pod_limit else []
        code = Code.UNSCHEDULABLE
        for name, amount in self.wanted:
            whole = node.allocatable.get(name, 0)
            if amount > whole - node.requested.get(name, 0):
                reasons.append(f"Insufficient {name}")
            if amount > whole:
                code = Code.UNRESOLVABLE
        return Status(NAME, code, tuple(reasons))


class NodeResourcesFit(Filter, NodeScore):
    """`ignored` are extended resources that somebody else looks after; `ignored_groups` all of a domain's."""

    name = NAME
    events = {
        ClusterEvent.POD_DELETE: _was_scheduled,
        ClusterEvent.POD_SCALE_DOWN: _gives_back,
        ClusterEvent.TARGET_SCALE_DOWN: always,
        ClusterEvent.NODE_ADD: _has_grown,
        ClusterEvent.NODE_ALLOCATABLE: _has_grown,
    }

    def __init__(
        self,
        strategy: Strategy = Strategy(),  # noqa: B008 - frozen
        *,
        ignored: Collection[str] = (),
        ignored_groups: Collection[str] = (),
    ) -> None:
        self.strategy = strategy
        self._ignored = frozenset(ignored)
        self._ignored_groups = frozenset(ignored_groups)

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering:
        if not self._ignored and not self._ignored_groups:
            return FitCheck(pod.requests)
        return FitCheck({name: value for name, value in pod.requests.items() if not self._ignores(name)})

    def node_score(self, pod: PodInfo, cluster: Cluster) -> NodeTest:
        return node_score(self.strategy, pod)

    def _ignores(self, name: str) -> bool:
        """Only extended resources, whose names have a domain, can be left to others."""
        return "/" in name and (name in self._ignored or name.partition("/")[0] in self._ignored_groups)
