"""Ports of the node itself: each address, protocol and port can be held once; 0.0.0.0 is every address."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, always
from wherry.scheduler.framework.pod_info import ALL_ADDRESSES, HostPort, PodInfo, host_ports
from wherry.scheduler.framework.status import Status, unschedulable

REJECTED = unschedulable("NodePorts", "node(s) didn't have free ports for the requested pod ports")


def _collide(address: str, held: Iterable[str]) -> bool:
    return any(other == address or ALL_ADDRESSES in (address, other) for other in held)


def _frees_one(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    if old is None:
        return False
    freed = host_ports(old["spec"])
    return any(
        (protocol, port) == (other_protocol, other_port) and _collide(address, (other,))
        for address, protocol, port in pod.ports
        for other, other_protocol, other_port in freed
    )


class _Check(Filtering):
    def __init__(self, ports: tuple[HostPort, ...]) -> None:
        self._ports = ports

    def filter(self, node: NodeInfo) -> Status | None:
        for address, protocol, port in self._ports:
            held = node.ports.get((protocol, port))
            if held and _collide(address, held):
                return REJECTED
        return None


class NodePorts(Filter):
    name = "NodePorts"
    events = {ClusterEvent.POD_DELETE: _frees_one, ClusterEvent.NODE_ADD: always}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | None:
        return _Check(pod.ports) if pod.ports else None
