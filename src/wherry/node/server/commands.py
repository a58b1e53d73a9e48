"""`/exec/...` and `/attach/...`: a process' streams over WebSocket or SPDY."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.node.runtimes.port import Runtime, RuntimeFailure, Streams
from wherry.node.server import containers, statuses
from wherry.node.server.channels import SUBPROTOCOLS, ChannelRemote
from wherry.node.server.errors import Refused
from wherry.node.server.parameters import Query, flag
from wherry.node.server.port import PodLookup
from wherry.node.server.process_session import ProcessSession
from wherry.node.server.remote import Remote, StreamOptions
from wherry.node.server.spdy_remote import PROTOCOLS, SpdyRemote
from wherry.wire.messages import ByteStream, Reply, Request, Upgrade
from wherry.wire.websocket_handshake import accept_websocket, tokens, wants_websocket

if TYPE_CHECKING:
    from wherry.wire.websocket import WebSocket

StartStreams = Callable[[], Awaitable[Streams]]
SPDY_UPGRADE = "SPDY/3.1"


class Commands:
    """Exec and attach."""

    def __init__(self, *, pods: PodLookup, runtime: Runtime, clock: Clock, log: Logger) -> None:
        self._pods = pods
        self._runtime = runtime
        self._clock = clock
        self._log = log

    def exec(self, request: Request, namespace: str, pod_name: str, container: str) -> Reply:
        """Raises `Refused`."""
        pod = self._pod(namespace, pod_name)
        query = request.query()
        command = query.get("command", [])
        found = containers.running(self._runtime.containers(), pod["metadata"]["uid"], container)
        if found is None:
            raise Refused(500, f'container not found ("{container}")')
        if not command:
            raise Refused(400, "no command was given")
        options = stream_options(query)

        async def start() -> Streams:
            return await self._runtime.exec(found.id, command, tty=options.tty, stdin=options.stdin)

        return self._serve(request, options, start, "executing command in container")

    def attach(self, request: Request, namespace: str, pod_name: str, container: str) -> Reply:
        """Raises `Refused`."""
        pod = self._pod(namespace, pod_name)
        found = containers.running(self._runtime.containers(), pod["metadata"]["uid"], container)
        if found is None:
            raise Refused(500, f"container {container} not found in pod {pod_name}_{namespace}")
        # Whether there is a terminal was decided when the container was made.
        tty = bool((containers.spec_of(pod, container) or {}).get("tty"))
        options = stream_options(request.query(), tty=tty)

        async def start() -> Streams:
            return await self._runtime.attach(found.id, stdin=options.stdin)

        return self._serve(request, options, start, "attaching to container")

    def _pod(self, namespace: str, name: str) -> Object:
        pod = self._pods.pod(namespace, name)
        if pod is None:
            raise Refused(404, "pod does not exist")
        return pod

    def _serve(self, request: Request, options: StreamOptions, start: StartStreams, what: str) -> Reply:
        if wants_websocket(request):

            async def over_websocket(socket: WebSocket) -> None:
                remote = ChannelRemote(socket, options)
                await remote.greet()
                await self._join(remote, start, what)

            return accept_websocket(request, over_websocket, subprotocols=SUBPROTOCOLS)
        return self._serve_spdy(request, options, start, what)

    def _serve_spdy(self, request: Request, options: StreamOptions, start: StartStreams, what: str) -> Reply:
        protocol = accept_spdy(request, PROTOCOLS)

        async def takeover(stream: ByteStream) -> None:
            remote = SpdyRemote(stream, options, protocol=protocol, clock=self._clock)
            try:
                await remote.open()
                await self._join(remote, start, what)
            except TimeoutError:
                self._log.warning("the client did not open its streams in time", path=request.path)
            finally:
                await remote.stop()

        return Upgrade(takeover, [("Upgrade", SPDY_UPGRADE), ("X-Stream-Protocol-Version", protocol)])

    async def _join(self, remote: Remote, start: StartStreams, what: str) -> None:
        try:
            streams = await start()
        except RuntimeFailure as failure:
            await remote.send_status(statuses.failed(what, failure))
        else:
            await ProcessSession(streams, remote, clock=self._clock).run()
        await remote.close()


def stream_options(query: Query, *, tty: bool | None = None) -> StreamOptions:
    """From the kubelet's parameters (`input=1`) or the API's (`stdin=true`). Raises `Refused` (400) for none at all."""
    stdin = flag(query, "input") or flag(query, "stdin")
    stdout = flag(query, "output") or flag(query, "stdout")
    stderr = flag(query, "error") or flag(query, "stderr")
    if not (stdin or stdout or stderr):
        raise Refused(400, "you must specify at least 1 of stdin, stdout, stderr")
    terminal = flag(query, "tty") if tty is None else tty
    return StreamOptions(stdin=stdin, stdout=stdout, stderr=stderr and not terminal, tty=terminal)


def accept_spdy(request: Request, protocols: tuple[str, ...]) -> str:
    """The stream protocol for a SPDY upgrade. Raises `Refused` where that is not what is asked for."""
    if "spdy/3.1" not in [token.lower() for token in tokens(request.headers, "upgrade")]:
        raise Refused(400, "unable to upgrade: the request asks for neither WebSocket nor SPDY/3.1")
    offered = tokens(request.headers, "x-stream-protocol-version")
    if not offered:
        return protocols[-1]
    chosen = next((protocol for protocol in offered if protocol in protocols), None)
    if chosen is None:
        raise Refused(403, f"unable to upgrade: unable to negotiate protocol: client supports {offered}, "
                           f"server accepts {list(protocols)}")  # fmt: skip
    return chosen
