"""Changes in the cluster that can make room for a pod that found none, and how to read them from two states.

Source: pkg/scheduler/framework/events.go; KEP-4247 (queueing hints).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from wherry.api.types import Object
from wherry.scheduler.requests import pod_requests


class ClusterEvent(Enum):
    """What happened; the values are upstream's labels of metrics."""

    NODE_ADD = "NodeAdd"
    NODE_DELETE = "NodeDelete"
    NODE_ALLOCATABLE = "NodeAllocatableChange"
    NODE_LABEL = "NodeLabelChange"
    NODE_TAINT = "NodeTaintChange"
    POD_ADD = "AssignedPodAdd"
    POD_LABEL = "AssignedPodLabelChange"
    POD_SCALE_DOWN = "AssignedPodScaleDown"
    POD_DELETE = "AssignedPodDelete"
    TARGET_LABEL = "UnscheduledPodLabelChange"
    TARGET_SCALE_DOWN = "UnscheduledPodScaleDown"
    TARGET_TOLERATION = "UnscheduledPodTolerationChange"
    TARGET_UNGATED = "UnscheduledPodSchedulingGatesEliminated"
    NAMESPACE = "NamespaceLabelChange"
    CLAIM = "PvcChange"
    VOLUME = "PvChange"
    STORAGE_CLASS = "StorageClassChange"
    CSI_NODE = "CSINodeChange"
    DEVICE_CLAIM = "ResourceClaimChange"
    DEVICE_SLICE = "ResourceSliceChange"
    DEVICE_CLASS = "DeviceClassChange"
    TARGET_CLAIMS = "UnscheduledPodGeneratedResourceClaim"


def node_changes(old: Object, new: Object) -> Iterator[ClusterEvent]:
    """What of a node's update matters to pods that wait."""
    before, after = old.get("status") or {}, new.get("status") or {}
    if before.get("allocatable") != after.get("allocatable"):
        yield ClusterEvent.NODE_ALLOCATABLE
    if old["metadata"].get("labels") != new["metadata"].get("labels"):
        yield ClusterEvent.NODE_LABEL
    if _keeps_off(old) != _keeps_off(new):
        yield ClusterEvent.NODE_TAINT


def _keeps_off(node: Object) -> tuple[Any, bool]:
    spec: Mapping[str, Any] = node.get("spec") or {}
    return spec.get("taints") or [], bool(spec.get("unschedulable"))


def target_changes(old: Object, new: Object) -> Iterator[ClusterEvent]:
    """What of the waiting pod's own update may make it fit."""
    if old["metadata"].get("labels") != new["metadata"].get("labels"):
        yield ClusterEvent.TARGET_LABEL
    if old["spec"].get("tolerations") != new["spec"].get("tolerations"):
        yield ClusterEvent.TARGET_TOLERATION
    if old["spec"].get("schedulingGates") and not new["spec"].get("schedulingGates"):
        yield ClusterEvent.TARGET_UNGATED
    if _claim_statuses(old) != _claim_statuses(new):
        yield ClusterEvent.TARGET_CLAIMS
    if needs_less(old, new):
        yield ClusterEvent.TARGET_SCALE_DOWN


def _claim_statuses(pod: Object) -> Any:
    return (pod.get("status") or {}).get("resourceClaimStatuses")


def needs_less(old: Object, new: Object) -> bool:
    """Whether any request of the pod has shrunk."""
    after = pod_requests(new)
    return any(after.get(name, 0) < amount for name, amount in pod_requests(old).items())
