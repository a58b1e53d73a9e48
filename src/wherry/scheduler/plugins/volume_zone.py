"""Volumes with labels of a zone or region are for nodes there. Source: pkg/scheduler/framework/plugins/volumezone."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import REGION, ZONE, NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable
from wherry.scheduler.plugins.volume_binding import has_claims, names_claim
from wherry.scheduler.storage.view import Storage

REJECTED = unresolvable("VolumeZone", "node(s) had no available volume zone")
_BEFORE = {"failure-domain.beta.kubernetes.io/zone": ZONE, "failure-domain.beta.kubernetes.io/region": REGION}
_KEYS = (ZONE, REGION, *_BEFORE)
_DELIMITER = "__"


class _Check(Filtering):
    def __init__(self, wanted: list[tuple[str, frozenset[str]]]) -> None:
        self._wanted = wanted

    def filter(self, node: NodeInfo) -> Status | None:
        """A node that says nothing of where it is will do."""
        if not any(key in node.labels for key in _KEYS):
            return None
        return None if all(_place(node.labels, key) in values for key, values in self._wanted) else REJECTED


def _place(labels: Mapping[str, str], key: str) -> str | None:
    """Old and new names of a label mean the same."""
    found = labels.get(key)
    if found is None:
        other = _BEFORE.get(key) or next(old for old, new in _BEFORE.items() if new == key)
        found = labels.get(other)
    return found


class VolumeZone(Filter):
    name = "VolumeZone"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.events = {
            ClusterEvent.NODE_ADD: has_claims,
            ClusterEvent.NODE_LABEL: has_claims,
            ClusterEvent.CLAIM: names_claim,
            ClusterEvent.VOLUME: has_claims,
            ClusterEvent.STORAGE_CLASS: has_claims,
        }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        if not pod.claims:
            return None
        wanted: list[tuple[str, frozenset[str]]] = []
        for name, own in pod.claims:
            claim = self._storage.claims.get(pod.namespace, name)
            if claim is None and own:
                continue  # VolumeBinding says so
            if claim is None:
                return unresolvable(self.name, f'persistentvolumeclaim "{name}" not found')
            if (volume := self._storage.volume_of(claim)) is not None:
                wanted += _zones(volume)
        return _Check(wanted) if wanted else None


def _zones(volume: Object) -> list[tuple[str, frozenset[str]]]:
    labels = volume["metadata"].get("labels") or {}
    return [(key, frozenset(labels[key].split(_DELIMITER))) for key in _KEYS if key in labels]
