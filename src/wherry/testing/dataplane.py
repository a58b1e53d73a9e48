"""A dataplane that carries nothing, but knows where a connection would go."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Collection, Sequence

from wherry.network.services.dataplane import DataplaneFailure, Services
from wherry.network.services.model import Endpoint, Key, ServicePort


class FakeDataplane:
    """Resolves what the real ones would carry. `failures` makes that many calls of `apply` fail."""

    def __init__(self, node_addresses: Sequence[str] = ("192.168.0.1",)) -> None:
        self.services: dict[Key, tuple[ServicePort, ...]] = {}
        self.applied: list[Collection[Key] | None] = []
        self.failures = 0
        self.closed = False
        self._node_addresses = node_addresses
        self._turn = itertools.count()
        self._clients: dict[tuple[Key, str, str], Endpoint] = {}

    async def apply(self, services: Services, changed: Collection[Key] | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise DataplaneFailure("told to fail")
        self.services = dict(services)
        self.applied.append(changed)

    async def close(self) -> None:
        self.closed = True

    def resolve(self, address: str, port: int, protocol: str = "TCP", *, client: str = "10.0.0.1") -> Endpoint:
        """Where the next connection goes. Raises `ConnectionRefusedError`."""
        for found in itertools.chain.from_iterable(self.services.values()):
            if found.protocol != protocol:
                continue
            inside = port == found.port and address in found.cluster_ips
            by_node = port == found.node_port != 0 and address in self._node_addresses
            if inside or by_node or (port == found.port and address in found.outside_ips):
                endpoints = found.internal_endpoints if inside else found.external_endpoints
                if endpoints:
                    return self._choose(found, endpoints, client)
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    def _choose(self, port: ServicePort, endpoints: Sequence[Endpoint], client: str) -> Endpoint:
        key = (port.service, port.name, client)
        remembered = self._clients.get(key)
        if port.affinity_seconds and remembered in endpoints and remembered is not None:
            return remembered
        chosen = endpoints[next(self._turn) % len(endpoints)]
        self._clients[key] = chosen
        return chosen
