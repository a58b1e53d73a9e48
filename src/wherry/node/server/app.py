"""The node's HTTP server as a component: who may enter, and which endpoint a path means.

Everything asked here is as powerful as the node itself, so nothing answers without authorization: `authorize` decides,
usually `only_names`, which lets in the API server by its client certificate.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from ssl import SSLContext
from urllib.parse import unquote

import orjson

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.node.network_port import PodNetwork
from wherry.node.runtimes.port import Runtime
from wherry.node.server import resource_metrics, summary
from wherry.node.server.commands import Commands
from wherry.node.server.errors import Refused
from wherry.node.server.forward import PortForward
from wherry.node.server.logs import Logs
from wherry.node.server.measurement import Meter
from wherry.node.server.port import PodLookup
from wherry.wire.messages import Reply, Request, Response
from wherry.wire.server import Server, serve

Authorize = Callable[[Request], bool]
Endpoint = Callable[..., Reply | Awaitable[Reply]]


def only_names(names: Collection[str]) -> Authorize:
    """Lets in those whose verified client certificate has one of these common names."""

    def authorize(request: Request) -> bool:
        certificate = request.peer.certificate
        if certificate is None:
            return False
        subject = [pair for part in certificate.get("subject", ()) for pair in part]
        return any(key == "commonName" and value in names for key, value in subject)

    return authorize


class NodeServer:
    """Serves the kubelet API. `run` until cancelled; `port` is known once `wait_listening` has returned."""

    def __init__(
        self,
        *,
        pods: PodLookup,
        runtime: Runtime,
        network: PodNetwork,
        authorize: Authorize,
        clock: Clock,
        tls: SSLContext | None,
        node_name: str = "",
        hosts: Sequence[str] = ("0.0.0.0",),
        port: int = 10250,
        sockets: Sequence[socket.socket] = (),
        log: Logger | None = None,
    ) -> None:
        log = log or Logger("node.server")
        commands = Commands(pods=pods, runtime=runtime, clock=clock, log=log)
        forward = PortForward(pods=pods, network=network, clock=clock, log=log)
        self._pods = pods
        self._node_name = node_name
        self._meter = Meter(pods=pods, runtime=runtime, clock=clock)
        self._authorize = authorize
        self._clock = clock
        self._tls = tls
        self._hosts = hosts
        self._port = port
        self._sockets = sockets
        self._server: Server | None = None
        self._listening = asyncio.Event()
        self._endpoints: dict[str, tuple[frozenset[int], Endpoint]] = {
            "containerLogs": (frozenset((3,)), Logs(pods=pods, runtime=runtime, clock=clock).handle),
            "exec": (frozenset((3, 4)), _without_uid(commands.exec)),
            "attach": (frozenset((3, 4)), _without_uid(commands.attach)),
            "portForward": (frozenset((2, 3)), lambda request, *path: forward.handle(request, *path[:2])),
            "pods": (frozenset((0,)), self._list_pods),
            "stats/summary": (frozenset((0,)), self._summary),
            "metrics/resource": (frozenset((0,)), self._resource_metrics),
            "healthz": (frozenset((0,)), lambda request: Response(200, b"ok", "text/plain; charset=utf-8")),
        }

    @property
    def port(self) -> int:
        """The port that it listens on; before that, the one it was given."""
        return self._server.port if self._server is not None else self._port

    async def wait_listening(self) -> None:
        await self._listening.wait()

    async def run(self) -> None:
        """Raises `wire.errors.BindFailed`."""
        self._server = await serve(
            self.handle,
            hosts=self._hosts,
            port=self._port,
            sockets=self._sockets,
            tls=self._tls,
            clock=self._clock,
        )
        self._listening.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._listening.clear()
            await self._server.close(grace_seconds=1.0)

    def handle(self, request: Request) -> Reply | Awaitable[Reply]:
        if not self._authorize(request):
            return Response(401, b"Unauthorized", "text/plain; charset=utf-8")
        # Split before decoding: a name cannot contain a slash, but what somebody sends can.
        name, *rest = [unquote(part) for part in request.target.partition("?")[0].strip("/").split("/")]
        if name in ("stats", "metrics") and rest:
            name, rest = f"{name}/{rest[0]}", rest[1:]
        lengths, endpoint = self._endpoints.get(name, (frozenset(), None))
        if endpoint is None or len(rest) not in lengths:
            return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
        try:
            return endpoint(request, *rest)
        except Refused as refused:
            return refused.response()

    async def _summary(self, request: Request) -> Response:
        return summary.response(await self._meter.measure(), self._node_name)

    async def _resource_metrics(self, request: Request) -> Response:
        return resource_metrics.response(await self._meter.measure())

    def _list_pods(self, request: Request) -> Response:
        pods = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": list(self._pods.pods())}
        return Response(200, orjson.dumps(pods))


def _without_uid(endpoint: Endpoint) -> Endpoint:
    """`/{namespace}/{pod}/{uid}/{container}` is `/{namespace}/{pod}/{container}` with a uid that nobody needs."""
    return lambda request, *path: endpoint(request, *path[:2], path[-1])
