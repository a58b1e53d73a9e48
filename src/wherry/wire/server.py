"""The HTTP/1.1 server: listening sockets, the connections they brought, their timeouts, and an orderly end.

`serve` starts one; `Server.close` ends it. Each connection is a `ServerConnection`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ssl import SSLContext

from wherry.base.clock import Clock, RealClock
from wherry.base.tasks import cancel_and_wait
from wherry.wire.head import DateLine
from wherry.wire.listen import BACKLOG, keep_alive, listen
from wherry.wire.messages import Handler, Request, Response
from wherry.wire.server_connection import ServerConnection
from wherry.wire.server_options import ServerOptions, plain_error

_SWEEP_INTERVAL = 2.0


class Server:
    """A running server. Make it with `serve`."""

    def __init__(self, handler: Handler, *, options: ServerOptions, clock: Clock) -> None:
        self.handler = handler
        self.options = options
        self.clock = clock
        self.date = DateLine(clock)
        self.connections: set[ServerConnection] = set()
        self.closing = False
        self.draining = False
        """Each answer says `Connection: close`, so that clients go elsewhere by themselves."""
        self.unfinished = 0
        """Bytes of bodies that have begun and are not complete."""
        self.port = 0
        """The TCP port that it listens on; of several sockets, the first one's."""
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()

    def forget(self, connection: ServerConnection) -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        if self.closing and not self.connections:
            self._empty.set()

    def on_error(self, request: Request, error: Exception) -> Response:
        try:
            return self.options.on_error(request, error)
        except Exception as second:  # noqa: BLE001 - an error handler that fails must not tear down the server
            return plain_error(request, second)

    async def start(self, sockets: Sequence[socket.socket], tls: SSLContext | None) -> None:
        """Accept from these sockets, which are the server's from now on."""
        loop = asyncio.get_running_loop()
        for listening in sockets:
            keep_alive(listening)
            server = await loop.create_server(
                lambda: ServerConnection(self),
                sock=listening,
                ssl=tls,
                backlog=BACKLOG,
                ssl_handshake_timeout=self.options.head_timeout if tls else None,
            )
            self._servers.append(server)
        name = sockets[0].getsockname()
        self.port = name[1] if isinstance(name, tuple) else 0
        self._sweeper = loop.create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await self.clock.sleep(_SWEEP_INTERVAL)
            now = self.clock.monotonic()
            for connection in [c for c in self.connections if c.deadline <= now]:
                connection.expire()

    def drain(self) -> None:
        """Go on answering, but keep no connection longer than its next answer."""
        self.draining = True

    async def close(self, *, grace_seconds: float = 5.0) -> None:
        """Stop accepting, close what is idle, end streams, and give running requests `grace_seconds`.

        Returns when no connection is left; may be called again.
        """
        self.closing = self.draining = True
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.shut_down()
        try:
            async with self.clock.timeout(grace_seconds):
                await self._wait_empty()
        except TimeoutError:
            for connection in list(self.connections):
                connection.abort()
            await self._wait_empty()
        if self._sweeper is not None:
            await cancel_and_wait(self._sweeper)

    async def _wait_empty(self) -> None:
        if self.connections:
            await self._empty.wait()


async def serve(
    handler: Handler,
    *,
    hosts: Sequence[str] = ("127.0.0.1",),
    port: int = 0,
    sockets: Sequence[socket.socket] = (),
    tls: SSLContext | None = None,
    options: ServerOptions | None = None,
    clock: Clock | None = None,
) -> Server:
    """Serve HTTP/1.1 until `close`.

    `sockets` (bound and listening, possibly in another network namespace) take the place of `hosts` and `port`. With
    a TLS context that asks for client certificates, `Request.peer` carries a verified one. Raises `BindFailed`.
    """
    server = Server(handler, options=options or ServerOptions(), clock=clock or RealClock())
    await server.start(list(sockets) or listen(hosts, port), tls)
    return server
