"""Which endpoint the next connection goes to. No I/O.

Round robin, except for clients with affinity, who go where they went last time, for as long as it is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from wherry.api.pod_network import PORT_MAP
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.network.services.model import Endpoint

_MOST_CLIENTS = 65_536

PortMap = Callable[[str], Mapping[int, int]]
"""By the name of a pod of the Service's namespace."""


def port_map_of(pod: Object | None) -> Mapping[int, int]:
    """What the annotation says; nothing where it says nothing that can be read."""
    annotations = (pod or {}).get("metadata", {}).get("annotations") or {}
    try:
        found = json.loads(annotations.get(PORT_MAP, "{}"))
        return {int(port): int(real) for port, real in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


class Targets:
    """The endpoints of one listener."""

    def __init__(self, clock: Clock, port_map: PortMap | None = None) -> None:
        self._clock = clock
        self._port_map = port_map
        self._endpoints: tuple[Endpoint, ...] = ()
        self._next = 0
        self._affinity_seconds = 0
        self._clients: dict[str, tuple[Endpoint, float]] = {}

    def update(self, endpoints: tuple[Endpoint, ...], affinity_seconds: int) -> None:
        self._endpoints = endpoints
        self._affinity_seconds = affinity_seconds
        if not affinity_seconds:
            self._clients.clear()

    def __contains__(self, endpoint: Endpoint) -> bool:
        return endpoint in self._endpoints

    def order(self, client: str) -> Iterator[Endpoint]:
        """Every endpoint once, the one to try first first."""
        remembered = self._remembered(client)
        if remembered is not None:
            yield remembered
        endpoints = self._endpoints
        start, self._next = self._next, self._next + 1
        for offset in range(len(endpoints)):
            endpoint = endpoints[(start + offset) % len(endpoints)]
            if endpoint != remembered:
                yield endpoint

    def went(self, client: str, endpoint: Endpoint) -> None:
        """The client is there now."""
        if not self._affinity_seconds:
            return
        self._clients.pop(client, None)
        while len(self._clients) >= _MOST_CLIENTS:
            del self._clients[next(iter(self._clients))]
        self._clients[client] = (endpoint, self._clock.monotonic())

    def where(self, endpoint: Endpoint) -> tuple[str, int]:
        """The address and port that the endpoint's process listens at."""
        if self._port_map is None or not endpoint.pod:
            return endpoint.address, endpoint.port
        return endpoint.address, self._port_map(endpoint.pod).get(endpoint.port, endpoint.port)

    def _remembered(self, client: str) -> Endpoint | None:
        found = self._clients.get(client)
        if found is None:
            return None
        endpoint, since = found
        if endpoint in self._endpoints and self._clock.monotonic() - since < self._affinity_seconds:
            return endpoint
        del self._clients[client]
        return None
