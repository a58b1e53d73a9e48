"""Room for what the pod asks for; of the nodes with room, the one with the most left (LeastAllocated)."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent, needs_less
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import MAX_SCORE, Cluster, Filter, Filtering, Score, always
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Code, Status, unschedulable
from wherry.scheduler.requests import amounts

NAME = "NodeResourcesFit"
TOO_MANY = "Too many pods"
_TOO_MANY = unschedulable(NAME, TOO_MANY)
_FIRST = ("cpu", "memory", "ephemeral-storage")


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


class _Check(Filtering):
    def __init__(self, pod: PodInfo) -> None:
        order = sorted(pod.requests, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
        self._wanted = tuple((name, pod.requests[name]) for name in order)

    def filter(self, node: NodeInfo) -> Status | None:
        allocatable, requested = node.allocatable, node.requested
        if len(node.pods) < node.pod_limit:
            for name, amount in self._wanted:
                if amount > allocatable.get(name, 0) - requested.get(name, 0):
                    break
            else:
                return None
        elif not self._wanted:
            return _TOO_MANY
        return self._explain(node)

    def _explain(self, node: NodeInfo) -> Status:
        """More than the whole node has cannot be helped by removing pods."""
        reasons = [TOO_MANY] if len(node.pods) >= node.pod_limit else []
        code = Code.UNSCHEDULABLE
        for name, amount in self._wanted:
            whole = node.allocatable.get(name, 0)
            if amount > whole - node.requested.get(name, 0):
                reasons.append(f"Insufficient {name}")
            if amount > whole:
                code = Code.UNRESOLVABLE
        return Status(NAME, code, tuple(reasons))


class NodeResourcesFit(Filter, Score):
    name = NAME
    events = {
        ClusterEvent.POD_DELETE: _was_scheduled,
        ClusterEvent.POD_SCALE_DOWN: _gives_back,
        ClusterEvent.TARGET_SCALE_DOWN: always,
        ClusterEvent.NODE_ADD: _has_grown,
        ClusterEvent.NODE_ALLOCATABLE: _has_grown,
    }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering:
        return _Check(pod)

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> list[int]:
        """The free part of CPU and memory after the pod has come, on average."""
        return [least_allocated(pod, node) for node in nodes]


def least_allocated(pod: PodInfo, node: NodeInfo) -> int:
    total = weight = 0
    allocatable = node.allocatable
    for whole, used in (
        (allocatable.get("cpu", 0), node.nonzero_cpu + pod.nonzero_cpu),
        (allocatable.get("memory", 0), node.nonzero_memory + pod.nonzero_memory),
    ):
        if whole:
            weight += 1
            if used <= whole:
                total += (whole - used) * MAX_SCORE // whole
    return total // weight if weight else 0
