"""A node as plugins see it: its object, the pods on it, and sums that are kept with every change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.api.types import Object
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.requests import Amounts, amounts

ZONE, REGION, HOSTNAME = "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "kubernetes.io/hostname"


class NodeInfo:
    """One node. `node` is None while pods name a node that the cluster does not know (yet, or any more)."""

    __slots__ = (
        "affinity_pods",
        "allocatable",
        "anti_affinity_pods",
        "hard_taints",
        "images",
        "labels",
        "name",
        "node",
        "nonzero_cpu",
        "nonzero_memory",
        "pod_limit",
        "pods",
        "ports",
        "requested",
        "soft_taints",
        "unschedulable",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.node: Object | None = None
        self.labels: Mapping[str, str] = {}
        self.allocatable: Amounts = {}
        self.pod_limit = 0
        self.unschedulable = False
        self.hard_taints: tuple[Object, ...] = ()
        """NoSchedule and NoExecute."""
        self.soft_taints: tuple[Object, ...] = ()
        """PreferNoSchedule."""
        self.images: Mapping[str, int] = {}
        """Every name of every image on the node, and the image's bytes."""
        self.pods: dict[str, PodInfo] = {}
        """By uid."""
        self.affinity_pods: dict[str, PodInfo] = {}
        """Those of `pods` that say something about other pods."""
        self.anti_affinity_pods: dict[str, PodInfo] = {}
        """Those that must not be with certain other pods."""
        self.requested: Amounts = {}
        self.nonzero_cpu = 0
        self.nonzero_memory = 0
        self.ports: dict[tuple[str, int], list[str]] = {}
        """Protocol and port of the node, and the addresses at which pods hold it."""

    def set_node(self, node: Object) -> None:
        """Take a new state of the node's object."""
        old, self.node = self.node, node
        status, spec = node.get("status") or {}, node.get("spec") or {}
        self.labels = node["metadata"].get("labels") or {}
        before = (old or {}).get("status") or {}
        if old is None or before.get("allocatable") != status.get("allocatable"):
            self.allocatable = amounts(status.get("allocatable"))
            self.pod_limit = self.allocatable.get("pods", 0)
        if old is None or before.get("images") != status.get("images"):
            self.images = _images(status)
        taints = spec.get("taints") or ()
        self.hard_taints = tuple(taint for taint in taints if taint.get("effect") in ("NoSchedule", "NoExecute"))
        self.soft_taints = tuple(taint for taint in taints if taint.get("effect") == "PreferNoSchedule")
        self.unschedulable = bool(spec.get("unschedulable"))

    def add_pod(self, pod: PodInfo) -> None:
        self.pods[pod.uid] = pod
        if pod.affinity is not None:
            self.affinity_pods[pod.uid] = pod
            if pod.affinity.required_anti:
                self.anti_affinity_pods[pod.uid] = pod
        requested = self.requested
        for name, value in pod.requests.items():
            requested[name] = requested.get(name, 0) + value
        self.nonzero_cpu += pod.nonzero_cpu
        self.nonzero_memory += pod.nonzero_memory
        for address, protocol, port in pod.ports:
            self.ports.setdefault((protocol, port), []).append(address)

    def remove_pod(self, uid: str) -> PodInfo:
        """Raises `KeyError` for a pod that is not here."""
        pod = self.pods.pop(uid)
        self.affinity_pods.pop(uid, None)
        self.anti_affinity_pods.pop(uid, None)
        for name, value in pod.requests.items():
            self.requested[name] -= value
        self.nonzero_cpu -= pod.nonzero_cpu
        self.nonzero_memory -= pod.nonzero_memory
        for address, protocol, port in pod.ports:
            held = self.ports[protocol, port]
            held.remove(address)
            if not held:
                del self.ports[protocol, port]
        return pod

    def __repr__(self) -> str:
        return f"NodeInfo({self.name}, {len(self.pods)} pods)"


def _images(status: Mapping[str, Any]) -> dict[str, int]:
    return {
        name: image.get("sizeBytes") or 0 for image in status.get("images") or () for name in image.get("names") or ()
    }
