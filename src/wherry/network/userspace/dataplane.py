"""Which addresses and ports this process listens at for Services, and where each leads.

A listener is there only while its port has endpoints, so that without any a connection is refused, as elsewhere. What
cannot be bound is told once, with the reason, and tried again whenever its Service changes.
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.network.services.dataplane import Services
from wherry.network.services.model import Endpoint, Key, ServicePort
from wherry.network.userspace.targets import Targets
from wherry.network.userspace.tcp import TcpListener
from wherry.network.userspace.udp import UdpListener

_log = Logger("network")

_LISTENERS: Mapping[str, type[TcpListener] | type[UdpListener]] = {"TCP": TcpListener, "UDP": UdpListener}


class Spot(NamedTuple):
    """Something to listen at."""

    protocol: str
    address: str
    port: int


class Wanted(NamedTuple):
    """What a spot leads to."""

    service: Key
    endpoints: tuple[Endpoint, ...]
    affinity_seconds: int


def spots(port: ServicePort, node_addresses: Sequence[str]) -> Iterator[tuple[Spot, Wanted]]:
    """Where a port is served in this process: its cluster IPs, and its node port at the node's addresses.

    External addresses are served only where they are in the loopback range: others are somebody else's.
    """
    if port.protocol not in _LISTENERS:
        return
    inside = Wanted(port.service, port.internal_endpoints, port.affinity_seconds)
    outside = Wanted(port.service, port.external_endpoints, port.affinity_seconds)
    if inside.endpoints:
        for address in port.cluster_ips:
            yield Spot(port.protocol, address, port.port), inside
    if not outside.endpoints:
        return
    for address in port.outside_ips:
        if ipaddress.ip_address(address).is_loopback:
            yield Spot(port.protocol, address, port.port), outside
    if port.node_port:
        for address in node_addresses:
            yield Spot(port.protocol, address, port.node_port), outside


class UserspaceDataplane:
    """The `Dataplane` of machines without privileges: connections pass through this process.

    `port_map` says for a pod (namespace, name) which ports its processes really listen at, where pods share an address.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        node_addresses: Sequence[str],
        port_map: Callable[[str, str], Mapping[int, int]] | None = None,
    ) -> None:
        self._clock = clock
        self._node_addresses = node_addresses
        self._port_map = port_map
        self._listeners: dict[Spot, TcpListener | UdpListener] = {}
        self._retired: list[TcpListener | UdpListener] = []
        self._refused: dict[Spot, Key] = {}

    @property
    def refused(self) -> Collection[Spot]:
        """What could not be had."""
        return self._refused.keys()

    async def apply(self, services: Services, changed: Collection[Key] | None = None) -> None:
        wanted: dict[Spot, Wanted] = {}
        for key in sorted(services):
            for port in services[key]:
                for spot, goal in spots(port, self._node_addresses):
                    wanted.setdefault(spot, goal)
        self._retired = [listener for listener in self._retired if listener.busy]
        for spot in [spot for spot in self._listeners if spot not in wanted]:
            # Connections that are open go on: their endpoints may well be there still, only not ready.
            listener = self._listeners.pop(spot)
            await listener.close(connections=False)
            self._retired.append(listener)
        for spot in [spot for spot in self._refused if spot not in wanted]:
            del self._refused[spot]
        for spot, goal in wanted.items():
            if changed is None or goal.service in changed or spot not in self._listeners:
                self._serve(spot, goal, again=changed is None or goal.service in changed)

    async def close(self) -> None:
        listeners = [*self._listeners.values(), *self._retired]
        self._listeners.clear()
        self._retired.clear()
        for listener in listeners:
            await listener.close()

    def _serve(self, spot: Spot, goal: Wanted, *, again: bool) -> None:
        listener = self._listeners.get(spot)
        if listener is None:
            if spot in self._refused and not again:
                return
            listener = self._open(spot, goal)
            if listener is None:
                return
        listener.targets.update(goal.endpoints, goal.affinity_seconds)

    def _open(self, spot: Spot, goal: Wanted) -> TcpListener | UdpListener | None:
        namespace, port_map = goal.service[0], self._port_map
        ports_of = (lambda pod: port_map(namespace, pod)) if port_map is not None else None
        listener = _LISTENERS[spot.protocol](targets=Targets(self._clock, ports_of), clock=self._clock)
        try:
            listener.open(spot.address, spot.port)
        except OSError as error:
            self._refuse(spot, goal, error)
            return None
        self._refused.pop(spot, None)
        self._listeners[spot] = listener
        return listener

    def _refuse(self, spot: Spot, goal: Wanted, error: OSError) -> None:
        if spot not in self._refused:
            _log.warning(
                "a Service cannot be served at one of its addresses",
                service="/".join(goal.service),
                address=f"{spot.address}:{spot.port}",
                protocol=spot.protocol,
                reason=_reason(error, spot),
            )
        self._refused[spot] = goal.service


def _reason(error: OSError, spot: Spot) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"ports below 1024 need root (or a lower net.ipv4.ip_unprivileged_port_start); {spot.port} is one"
    if error.errno == errno.EADDRINUSE:
        return "something else on this machine listens there"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this system has no such loopback address; a node port works"
    return error.strerror or str(error)
