"""How many volumes of a CSI driver a node can have, as its CSINode says.

Source: pkg/scheduler/framework/plugins/nodevolumelimits.
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.policy.volumes import facts
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unschedulable
from wherry.scheduler.plugins.volume_binding import has_claims, names_claim
from wherry.scheduler.storage.view import Storage

TOO_MANY = unschedulable("NodeVolumeLimits", "node(s) exceed max volume count")

Attached = tuple[str, str]
"""A driver, and what it calls the volume."""


class _Check(Filtering):
    def __init__(self, wanted: frozenset[Attached], storage: Storage) -> None:
        self._wanted = wanted
        self._storage = storage

    def filter(self, node: NodeInfo) -> Status | None:
        limits = _limits(self._storage.csi_nodes.get("", node.name))
        if not limits:
            return None
        there = {each for pod in node.pods.values() if pod.claims for each in attached(pod, self._storage)}
        for driver in {driver for driver, _ in self._wanted - there}:
            count = sum(each[0] == driver for each in there | self._wanted)
            if driver in limits and count > limits[driver]:
                return TOO_MANY
        return None


def _limits(csi_node: Object | None) -> dict[str, int]:
    drivers: Iterable[Object] = ((csi_node or {}).get("spec") or {}).get("drivers") or ()
    counts = ((driver["name"], (driver.get("allocatable") or {}).get("count")) for driver in drivers)
    return {name: count for name, count in counts if count is not None}


def attached(pod: PodInfo, storage: Storage) -> set[Attached]:
    """The volumes of CSI drivers that a pod needs; one that is not made yet counts by its claim."""
    found: set[Attached] = set()
    for name, _ in pod.claims:
        claim = storage.claims.get(pod.namespace, name)
        if claim is None:
            continue
        volume = storage.volume_of(claim)
        if volume is not None:
            if (source := volume["spec"].get("csi")) is not None:
                found.add((source["driver"], source["volumeHandle"]))
        elif (class_ := storage.class_of(claim)) is not None:
            found.add((class_["provisioner"], f"{pod.namespace}/{name}"))
    return found


class NodeVolumeLimits(Filter):
    name = "NodeVolumeLimits"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.events = {
            ClusterEvent.NODE_ADD: has_claims,
            ClusterEvent.POD_DELETE: _frees_claim,
            ClusterEvent.CLAIM: names_claim,
            ClusterEvent.VOLUME: has_claims,
            ClusterEvent.CSI_NODE: has_claims,
        }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        if not pod.claims:
            return None
        wanted = attached(pod, self._storage)
        return _Check(frozenset(wanted), self._storage) if wanted else None


def _frees_claim(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return old is not None and bool(pod.claims) and any(True for _ in facts.claims_of(old))
