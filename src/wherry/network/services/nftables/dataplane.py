"""Puts the rules in force in a node's namespace, as small a script as possible each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from wherry.api.pod_network import NetworkFailure
from wherry.base.log import Logger
from wherry.network.nodes.commands import nft
from wherry.network.services.dataplane import DataplaneFailure, Services
from wherry.network.services.model import Key, ServicePort
from wherry.network.services.nftables.frame import frame
from wherry.network.services.nftables.rules import compile_port
from wherry.network.services.nftables.ruleset import Ruleset, changes, merged
from wherry.network.services.nftables.tracking import Spot, forget_stale

TABLE = "ip wherry-services"

_log = Logger("network")


def datagram_goals(ports: Iterable[ServicePort], node_addresses: Sequence[str]) -> dict[Spot, set[Spot]]:
    """Where datagrams to each of these ports' addresses may go."""
    goals: dict[Spot, set[Spot]] = {}
    for port in ports:
        if port.protocol != "UDP":
            continue
        endpoints = {(e.address, e.port) for e in (*port.cluster_endpoints, *port.local_endpoints)}
        for address in (*port.cluster_ips, *port.outside_ips):
            goals[address, port.port] = endpoints
        if port.node_port:
            goals.update({(address, port.node_port): endpoints for address in node_addresses})
    return goals


class NftablesDataplane:
    """The `Dataplane` of nodes with a network namespace of their own."""

    def __init__(
        self,
        *,
        namespace: Callable[[], Path],
        node_addresses: Sequence[str],
        pod_cidr: str,
        service_cidr: str = "",
        table: str = TABLE,
    ) -> None:
        """`pod_cidr` is the whole cluster's: who comes from elsewhere is masqueraded. With `service_cidr` (one network or
        several, with commas), packets to addresses in it that no Service has are dropped instead of sent out into the world."""
        self._namespace = namespace
        self._pod_cidr = pod_cidr
        self._table = table
        self._frame = frame(table, node_addresses=node_addresses, service_cidr=service_cidr)
        self._node_addresses = node_addresses
        self._parts: dict[Key, Ruleset] = {}
        self._datagram_spots: dict[Key, set[Spot]] = {}
        self._in_force: Ruleset | None = None

    async def apply(self, services: Services, changed: Collection[Key] | None = None) -> None:
        if changed is None:
            changed, self._in_force = {*services, *self._parts}, None
        for key in changed:
            self._compile(key, services)
        wanted = merged(self._parts[key] for key in sorted(self._parts))
        script = changes(self._table, self._in_force or Ruleset(), wanted)
        if self._in_force is None:
            script = self._frame + script
        if script:
            await self._run(script)
        self._in_force = wanted
        await self._correct_datagrams({key: services.get(key, ()) for key in changed})

    async def close(self) -> None:
        """Nothing to let go of: the rules live in the kernel."""

    def _compile(self, key: Key, services: Services) -> None:
        ports = services.get(key, ())
        if ports:
            self._parts[key] = merged(compile_port(port, pod_cidr=self._pod_cidr) for port in ports)
        else:
            self._parts.pop(key, None)

    async def _correct_datagrams(self, changed: Services) -> None:
        """Make the kernel forget the ways of datagrams that lead to endpoints which are gone."""
        goals: dict[Spot, set[Spot]] = {}
        for key, ports in changed.items():
            now = datagram_goals(ports, self._node_addresses)
            goals.update({spot: set() for spot in self._datagram_spots.pop(key, ())})
            goals.update(now)
            if now:
                self._datagram_spots[key] = set(now)
        if not goals:
            return
        try:
            await asyncio.to_thread(forget_stale, self._namespace(), goals)
        except OSError as error:
            _log.warning("UDP clients may be sent to endpoints that are gone, for a while", error=str(error))

    async def _run(self, script: str) -> None:
        try:
            await nft(script, namespace=self._namespace())
        except NetworkFailure as error:
            # Nothing is known of what stands in the kernel now (somebody may have removed the table): start again.
            self._in_force = None
            raise DataplaneFailure(str(error)) from error
