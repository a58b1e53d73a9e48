"""From what informers tell to the cache and the queue.

A pod is one of three things to the scheduler: on a node (counts there), waiting for a node (if it names this
scheduler), or over (Succeeded and Failed pods hold nothing any more).
"""

from __future__ import annotations

from collections.abc import Container

from wherry.api.types import Object
from wherry.client.informer import SharedInformers
from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.cluster_event import ClusterEvent, needs_less, node_changes
from wherry.scheduler.framework.pod_info import PodInfo, scheduler_name
from wherry.scheduler.queue import SchedulingQueue
from wherry.scheduler.storage import devices
from wherry.scheduler.storage.view import CLAIMS, CLASSES, CSI_NODES, VOLUMES

_STORAGE = {
    CLAIMS: ClusterEvent.CLAIM,
    VOLUMES: ClusterEvent.VOLUME,
    CLASSES: ClusterEvent.STORAGE_CLASS,
    CSI_NODES: ClusterEvent.CSI_NODE,
    devices.CLAIMS: ClusterEvent.DEVICE_CLAIM,
    devices.SLICES: ClusterEvent.DEVICE_SLICE,
    devices.CLASSES: ClusterEvent.DEVICE_CLASS,
}
_OVER = ("Succeeded", "Failed")


def _is_over(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in _OVER


def _uid(pod: Object) -> str:
    return pod["metadata"].get("uid") or ""


def _nominated(pod: Object) -> str:
    return (pod.get("status") or {}).get("nominatedNodeName") or ""


class Handlers:
    """Keeps cache and queue true. `names` are the profiles', as pods give them in `spec.schedulerName`."""

    def __init__(self, *, cache: Cache, queue: SchedulingQueue, names: Container[str]) -> None:
        self._cache = cache
        self._queue = queue
        self._names = names

    def attach(self, informers: SharedInformers) -> None:
        informers.informer("nodes").add_handler(self.node_added, self.node_changed, self.node_removed)
        informers.informer("pods").add_handler(self.pod_added, self.pod_changed, self.pod_removed)
        informers.informer("namespaces").add_handler(
            self.namespace_came_or_went, self.namespace_changed, self.namespace_came_or_went
        )

    def attach_storage(self, informers: SharedInformers) -> None:
        """Claims, volumes and devices that come and change may help pods that wait for them; claims that go free devices."""
        for resource, event in _STORAGE.items():
            self._follow(informers, resource, event)

    def _follow(self, informers: SharedInformers, resource: str, event: ClusterEvent) -> None:
        def added(obj: Object) -> None:
            self._queue.notify(event, None, obj)

        def changed(old: Object, new: Object) -> None:
            self._queue.notify(event, old, new)

        def gone(obj: Object) -> None:
            self._queue.notify(event, obj, None)

        informers.informer(resource).add_handler(added, changed, gone)

    def node_added(self, node: Object) -> None:
        self._cache.set_node(node)
        self._queue.notify(ClusterEvent.NODE_ADD, None, node)

    def node_changed(self, old: Object, new: Object) -> None:
        self._cache.set_node(new)
        for event in node_changes(old, new):
            self._queue.notify(event, old, new)

    def node_removed(self, node: Object) -> None:
        self._cache.remove_node(node["metadata"]["name"])
        self._queue.notify(ClusterEvent.NODE_DELETE, node, None)

    def namespace_came_or_went(self, namespace: Object) -> None:
        self._cache.namespaces_version += 1

    def namespace_changed(self, old: Object, new: Object) -> None:
        if old["metadata"].get("labels") != new["metadata"].get("labels"):
            self._cache.namespaces_version += 1
            self._queue.notify(ClusterEvent.NAMESPACE, old, new)

    def pod_added(self, pod: Object) -> None:
        if _is_over(pod):
            return
        if pod["spec"].get("nodeName"):
            self._place(None, pod)
        elif self._is_ours(pod):
            self._nominate({}, pod)
            self._queue.add(pod)

    def pod_changed(self, old: Object, new: Object) -> None:
        if _is_over(new):
            self.pod_removed(new)
        elif new["spec"].get("nodeName"):
            self._place(old, new)
        elif self._is_ours(new) and not self._cache.is_assumed(_uid(new)):
            self._nominate(old, new)
            self._queue.update(old, new)

    def pod_removed(self, pod: Object) -> None:
        uid = _uid(pod)
        self._queue.remove(uid)
        self._cache.withdraw(uid)
        if self._cache.holds(uid):
            self._cache.remove_pod(uid)
            self._queue.notify(ClusterEvent.POD_DELETE, pod, None)

    def _nominate(self, old: Object, new: Object) -> None:
        """Nominations may be made by others too, and are found again after a restart."""
        before, after = _nominated(old), _nominated(new)
        if after and after != before:
            self._cache.nominate(PodInfo(new), after)
        elif before and not after:
            self._cache.withdraw(_uid(new))

    def _is_ours(self, pod: Object) -> bool:
        return scheduler_name(pod) in self._names

    def _place(self, old: Object | None, new: Object) -> None:
        """The pod is on a node; whether it was bound here or by somebody else."""
        self._queue.remove(_uid(new))
        self._cache.withdraw(_uid(new))
        if self._cache.set_pod(new):
            self._queue.notify(ClusterEvent.POD_ADD, None, new)
        if old is None or not old["spec"].get("nodeName"):
            return
        if old["metadata"].get("labels") != new["metadata"].get("labels"):
            self._queue.notify(ClusterEvent.POD_LABEL, old, new)
        if old["metadata"].get("generation") != new["metadata"].get("generation") and needs_less(old, new):
            self._queue.notify(ClusterEvent.POD_SCALE_DOWN, old, new)
