"""A cluster in which changes can be tried: nodes and pods as plugins see them, put back exactly after each try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from wherry.api.types import Object
from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_name import NodeName
from wherry.scheduler.plugins.node_ports import NodePorts
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.scheduler.plugins.node_unschedulable import NodeUnschedulable
from wherry.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from wherry.scheduler.plugins.pod_topology_spread import PodTopologySpread
from wherry.scheduler.plugins.taint_toleration import TaintToleration
from wherry.scheduler.plugins.volume_binding import VolumeBinding
from wherry.scheduler.plugins.volume_restrictions import VolumeRestrictions
from wherry.scheduler.plugins.volume_zone import VolumeZone
from wherry.scheduler.storage.view import Storage

_OVER = ("Succeeded", "Failed")


class World:
    """Nodes, and the pods that hold something on them; `namespaces` has labels by name.

    `storage` is needed only for pods with claims.
    """

    def __init__(
        self,
        nodes: Sequence[Object],
        pods: Sequence[Object],
        namespaces: Mapping[str, Mapping[str, str]],
        storage: Storage | None = None,
    ) -> None:
        stored = storage or Storage()
        self.cache = Cache(namespace_labels=lambda name: namespaces.get(name, {}))
        self.spread = PodTopologySpread()
        self.framework = Framework(
            [
                NodeUnschedulable(),
                NodeName(),
                TaintToleration(),
                NodeAffinity(),
                NodePorts(),
                NodeResourcesFit(),
                VolumeRestrictions(stored),
                NodeVolumeLimits(stored),
                VolumeBinding(stored),
                VolumeZone(stored),
                self.spread,
                InterPodAffinity(),
            ]
        )
        for node in nodes:
            self.cache.set_node(node)
        for pod in pods:
            if pod["spec"].get("nodeName") and (pod.get("status") or {}).get("phase") not in _OVER:
                self.cache.set_pod(pod)

    def said(self, pod: PodInfo) -> Iterator[tuple[NodeInfo, list[Status]]]:
        """Per node, every no of every plugin; the scheduler itself stops at the first."""
        answers = [plugin.pre_filter(pod, self.cache) for plugin in self.framework.filters]
        everywhere = [answer for answer in answers if isinstance(answer, Status)]
        checks = [answer for answer in answers if answer is not None and not isinstance(answer, Status)]
        for node in self.cache.nodes():
            found = (check.filter(node) for check in checks)
            yield node, [*everywhere, *(status for status in found if status is not None)]

    def fits(self, pod: PodInfo, node: str) -> bool:
        info = self.cache.node(node)
        prepared = self.framework.prepare(pod, self.cache)
        return info is not None and not isinstance(prepared, Status) and prepared.check(info) is None

    @contextmanager
    def with_node(self, node: Object) -> Iterator[None]:
        """As if a node were there, or were different."""
        name = node["metadata"]["name"]
        before = self.cache.node(name)
        old = before.node if before is not None else None
        self.cache.set_node(node)
        try:
            yield
        finally:
            if old is None:
                self.cache.remove_node(name)
            else:
                self.cache.set_node(old)

    @contextmanager
    def without_pods(self, pods: Sequence[PodInfo]) -> Iterator[None]:
        """As if these pods were gone."""
        for pod in pods:
            self.cache.remove_pod(pod.uid)
        try:
            yield
        finally:
            for pod in pods:
                self.cache.set_pod(pod.obj)
