"""Health checks of load balancers that keep the caller's address: does this node serve a Service itself?

At each Service's `healthCheckNodePort` the node answers 200 while it has ready pods of the Service, else 503. Source:
pkg/proxy/healthcheck/service_health.go.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable

import orjson

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.informer import SharedInformers
from wherry.network.services.model import Key
from wherry.network.services.reading import is_proxied, service_of
from wherry.wire.messages import Request, Response
from wherry.wire.server import Server, serve

SETTLE_SECONDS = 0.1

_log = Logger("network")


def health_port(service: Object) -> int:
    """Where a Service's health is asked for; 0 for nowhere."""
    spec = service["spec"]
    wanted = spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"
    return int(spec.get("healthCheckNodePort") or 0) if wanted and is_proxied(service) else 0


def local_endpoints(slices: Iterable[Object], node: str) -> int:
    """How many ready endpoints are on a node; one of several slices counts once."""
    found = {
        (endpoint["addresses"][0], (endpoint.get("targetRef") or {}).get("name"))
        for slice_ in slices
        for endpoint in slice_.get("endpoints") or ()
        if endpoint.get("nodeName") == node and (endpoint.get("conditions") or {}).get("ready") is not False
    }
    return len(found)


def answer(key: Key, count: int) -> Response:
    body = {
        "service": {"namespace": key[0], "name": key[1]},
        "localEndpoints": count,
        "serviceProxyHealthy": True,
    }
    headers = [("X-Content-Type-Options", "nosniff"), ("X-Load-Balancing-Endpoint-Weight", str(count))]
    return Response(200 if count else 503, orjson.dumps(body), "application/json", headers)


class HealthChecks:
    """A component of one node. `listen` gives a socket at a port of the node's own addresses."""

    def __init__(
        self, *, informers: SharedInformers, node: str, listen: Callable[[int], socket.socket], clock: Clock
    ) -> None:
        self._services = informers.informer("services")
        self._slices = informers.informer("endpointslices.discovery.k8s.io")
        self._slices.add_index("service", lambda slice_: ("/".join(service_of(slice_)),))
        self._node = node
        self._listen = listen
        self._clock = clock
        self._servers: dict[Key, tuple[int, Server]] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        handler = self._services.add_handler(self._changed, lambda old, new: self._changed(new), self._changed)
        try:
            await self._services.wait_synced()
            await self._slices.wait_synced()
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._apply()
                await self._clock.sleep(SETTLE_SECONDS)
        finally:
            self._services.remove_handler(handler)
            for key in list(self._servers):
                await self._close(key)

    def _changed(self, service: Object) -> None:
        metadata = service["metadata"]
        if health_port(service) or (metadata["namespace"], metadata["name"]) in self._servers:
            self._wake.set()

    async def _apply(self) -> None:
        wanted: dict[Key, int] = {}
        for service in self._services.items():
            if port := health_port(service):
                wanted[service["metadata"]["namespace"], service["metadata"]["name"]] = port
        for key, (port, _) in list(self._servers.items()):
            if wanted.get(key) != port:
                await self._close(key)
        for key in wanted.keys() - self._servers.keys():
            await self._open(key, wanted[key])

    async def _open(self, key: Key, port: int) -> None:
        def handle(request: Request) -> Response:
            return answer(key, local_endpoints(self._slices.by_index("service", "/".join(key)), self._node))

        try:
            server = await serve(handle, sockets=[self._listen(port)], clock=self._clock)
        except OSError as error:
            _log.warning("nobody answers for a Service's health", service="/".join(key), port=port, error=str(error))
            return
        self._servers[key] = (port, server)

    async def _close(self, key: Key) -> None:
        _, server = self._servers.pop(key)
        await server.close(grace_seconds=0.5)
