"""A claim that one pod alone may use (ReadWriteOncePod) is used by one pod alone.

Source: pkg/scheduler/framework/plugins/volumerestrictions; disks of the clouds, that are in a pod's spec, are not looked at.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable, unschedulable
from wherry.scheduler.plugins.volume_binding import names_claim
from wherry.scheduler.storage.view import Storage

_NAME = "VolumeRestrictions"
IN_USE = unschedulable(
    _NAME, "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
)


class _Check(Filtering):
    def __init__(self, namespace: str, claims: frozenset[str], users: int) -> None:
        self._namespace = namespace
        self._claims = claims
        self._users = users

    def filter(self, node: NodeInfo) -> Status | None:
        return IN_USE if self._users > 0 else None

    def add_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        self._users += self.shared(pod)

    def remove_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        self._users -= self.shared(pod)

    def shared(self, pod: PodInfo) -> int:
        """How many of the claims that pod uses too."""
        if pod.namespace != self._namespace:
            return 0
        return sum(name in self._claims for name, _ in pod.claims)

    def count(self, cluster: Cluster) -> None:
        """On which node does not matter: nobody else may have the claim anywhere."""
        self._users = sum(self.shared(pod) for node in cluster.nodes() for pod in node.pods.values() if pod.claims)


class VolumeRestrictions(Filter):
    name = _NAME

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.events = {ClusterEvent.POD_DELETE: _shares_claim, ClusterEvent.CLAIM: names_claim}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        if not pod.claims:
            return None
        alone: set[str] = set()
        for name, own in pod.claims:
            if own:
                continue  # nobody else uses it
            claim = self._storage.claims.get(pod.namespace, name)
            if claim is None:
                return unresolvable(_NAME, f'persistentvolumeclaim "{name}" not found')
            if "ReadWriteOncePod" in (claim["spec"].get("accessModes") or ()):
                alone.add(name)
        if not alone:
            return None
        check = _Check(pod.namespace, frozenset(alone), 0)
        check.count(cluster)
        return check


def _shares_claim(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    if old is None or old["metadata"].get("namespace") != pod.namespace:
        return False
    gone = {name for name, _ in PodInfo(old).claims}
    return any(name in gone for name, _ in pod.claims)
