"""The nodes and the pods on them, those that are just being bound among them.

Assuming: as soon as a pod has been given a node it counts there, long before the API server has answered; the next pod
is scheduled meanwhile. The informer confirms it later, or `forget` takes it back.
What always holds: every pod is on at most one node, and a node's sums are those of its pods.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Protocol

from wherry.api.types import Object
from wherry.machinery.selectors import Labels
from wherry.scheduler.framework.node_info import REGION, ZONE, NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo, accounting

_NO_LABELS: Labels = {}


class Follower(Protocol):
    """Somebody who is told of every change, after it has been made."""

    def node_set(self, info: NodeInfo) -> None: ...

    def node_gone(self, info: NodeInfo) -> None: ...

    def pod_put(self, info: NodeInfo, pod: PodInfo) -> None: ...

    def pod_taken(self, info: NodeInfo, pod: PodInfo) -> None: ...


class Cache:
    """A `Cluster` for plugins; handlers and the scheduler change it."""

    def __init__(self, *, namespace_labels: Callable[[str], Labels] | None = None) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._order: list[NodeInfo] | None = None
        self._where: dict[str, NodeInfo] = {}
        self._assumed: set[str] = set()
        self._images: Counter[str] = Counter()
        self._affinity: dict[str, NodeInfo] = {}
        self._anti_affinity: dict[str, NodeInfo] = {}
        self._namespace_labels = namespace_labels
        self._nominations: dict[str, tuple[PodInfo, str]] = {}
        self._nominated: dict[str, dict[str, PodInfo]] = {}
        """The same by node, then by uid."""
        self._node_count = 0
        self._priorities: Counter[int] = Counter()
        self._images_version = 0
        self.follower: Follower | None = None
        self.namespaces_version = 0
        """Counts changes of namespaces' labels."""

    def follow(self, follower: Follower) -> None:
        """Tell one follower what is there, and from now on of every change."""
        self.follower = follower
        for info in self._nodes.values():
            if info.node is not None:
                follower.node_set(info)

    # What plugins read.

    def nodes(self) -> Sequence[NodeInfo]:
        """Every node, zone by zone in turn, so that neighbours in the list are not neighbours in the house."""
        if self._order is None:
            self._order = _interleaved([node for node in self._nodes.values() if node.node is not None])
        return self._order

    def node(self, name: str) -> NodeInfo | None:
        found = self._nodes.get(name)
        return found if found is not None and found.node is not None else None

    def node_count(self) -> int:
        return self._node_count

    def images_version(self) -> int:
        return self._images_version

    def nodes_with_affinity(self) -> Sequence[NodeInfo]:
        return [node for node in self._affinity.values() if node.node is not None]

    def nodes_with_anti_affinity(self) -> Sequence[NodeInfo]:
        return [node for node in self._anti_affinity.values() if node.node is not None]

    def lowest_priority(self) -> int | None:
        return min(self._priorities, default=None)

    def has_affinity(self) -> bool:
        return bool(self._affinity)

    def has_anti_affinity(self) -> bool:
        return bool(self._anti_affinity)

    def image_spread(self, image: str) -> int:
        return self._images[image]

    def namespace_labels(self, namespace: str) -> Labels:
        return self._namespace_labels(namespace) if self._namespace_labels is not None else _NO_LABELS

    def nominations(self) -> int:
        return len(self._nominations)

    def nominated(self, node: str) -> Sequence[PodInfo]:
        found = self._nominated.get(node)
        return tuple(found.values()) if found else ()

    def nominated_nodes(self) -> Sequence[str]:
        return tuple(self._nominated)

    def nominated_node(self, uid: str) -> str | None:
        found = self._nominations.get(uid)
        return found[1] if found is not None else None

    # Nominations.

    def nominate(self, pod: PodInfo, node: str) -> None:
        """The pod waits for a node to be cleared; one at a time."""
        self.withdraw(pod.uid)
        self._nominations[pod.uid] = (pod, node)
        self._nominated.setdefault(node, {})[pod.uid] = pod

    def withdraw(self, uid: str) -> None:
        found = self._nominations.pop(uid, None)
        if found is None:
            return
        pods = self._nominated[found[1]]
        del pods[uid]
        if not pods:
            del self._nominated[found[1]]

    # Nodes.

    def set_node(self, node: Object) -> None:
        name = node["metadata"]["name"]
        info = self._nodes.get(name)
        if info is None:
            info = self._nodes[name] = NodeInfo(name)
        zone, images = (_zone(info) if info.node is not None else None), info.images
        self._node_count += info.node is None
        self._images_version += info.node is None
        info.set_node(node)
        if zone != _zone(info):
            self._order = None
        if info.images is not images:
            self._images.subtract(images.keys())
            self._images.update(info.images.keys())
            self._images_version += 1
        if self.follower is not None:
            self.follower.node_set(info)

    def remove_node(self, name: str) -> None:
        """Pods that are still there keep their place until they go themselves."""
        info = self._nodes.get(name)
        if info is None:
            return
        self._images.subtract(info.images.keys())
        self._order = None
        self._node_count -= info.node is not None
        self._images_version += 1
        if self.follower is not None:
            self.follower.node_gone(info)
        info.node, info.images = None, {}
        self._drop_if_unused(info)

    # Pods.

    def is_assumed(self, uid: str) -> bool:
        return uid in self._assumed

    def holds(self, uid: str) -> bool:
        return uid in self._where

    def assume(self, pod: PodInfo, node: str) -> None:
        self.withdraw(pod.uid)
        self._put(pod, node)
        self._assumed.add(pod.uid)

    def forget(self, uid: str) -> None:
        """Binding failed. Does nothing for a pod that has been confirmed meanwhile."""
        if uid in self._assumed:
            self._take(uid)

    def set_pod(self, obj: Object) -> bool:
        """A pod that has a node, as the API server sees it. True if it was not known to have one, only assumed at most."""
        uid = obj["metadata"].get("uid") or ""
        where, node = self._where.get(uid), obj["spec"]["nodeName"]
        known = where is not None and uid not in self._assumed
        self._assumed.discard(uid)
        if where is not None and where.name == node:
            pod = where.pods[uid]
            if accounting(pod.obj) == accounting(obj):
                pod.obj = obj
                return not known
        self._put(PodInfo(obj), node)
        return not known

    def remove_pod(self, uid: str) -> None:
        if uid in self._where:
            self._take(uid)

    def _put(self, pod: PodInfo, node: str) -> None:
        if pod.uid in self._where:
            self._take(pod.uid)
        info = self._nodes.get(node)
        if info is None:
            info = self._nodes[node] = NodeInfo(node)
        info.add_pod(pod)
        self._where[pod.uid] = info
        self._priorities[pod.priority] += 1
        if pod.affinity is not None:
            self._note_affinity(info)
        if self.follower is not None:
            self.follower.pod_put(info, pod)

    def _take(self, uid: str) -> None:
        info = self._where.pop(uid)
        self._assumed.discard(uid)
        pod = info.remove_pod(uid)
        self._priorities[pod.priority] -= 1
        if not self._priorities[pod.priority]:
            del self._priorities[pod.priority]
        if pod.affinity is not None:
            self._note_affinity(info)
        if self.follower is not None:
            self.follower.pod_taken(info, pod)
        self._drop_if_unused(info)

    def _note_affinity(self, info: NodeInfo) -> None:
        for pods, index in ((info.affinity_pods, self._affinity), (info.anti_affinity_pods, self._anti_affinity)):
            if pods:
                index[info.name] = info
            else:
                index.pop(info.name, None)

    def _drop_if_unused(self, info: NodeInfo) -> None:
        if info.node is None and not info.pods:
            self._nodes.pop(info.name, None)


def _zone(info: NodeInfo) -> tuple[str, str]:
    return info.labels.get(REGION, ""), info.labels.get(ZONE, "")


def _interleaved(nodes: Sequence[NodeInfo]) -> list[NodeInfo]:
    zones: dict[tuple[str, str], list[NodeInfo]] = {}
    for node in nodes:
        zones.setdefault(_zone(node), []).append(node)
    if len(zones) == 1:
        return list(nodes)
    rounds = zip_longest(*zones.values())
    return [node for node in chain.from_iterable(rounds) if node is not None]
