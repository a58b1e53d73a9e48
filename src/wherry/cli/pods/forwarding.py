"""Local ports that lead into a pod: SPDY streams over a WebSocket, a pair for each connection.

Source: KEP-4006; k8s.io/client-go/tools/portforward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import cast

from wherry.base.tasks import cancel_and_wait
from wherry.cli.errors import Refused
from wherry.cli.pods.ports import Forward
from wherry.client.client import Client
from wherry.wire.bytestream import StreamProtocol, TransportStream
from wherry.wire.spdy_session import SpdySession
from wherry.wire.spdy_stream import SpdyStream
from wherry.wire.splice import splice
from wherry.wire.websocket import WebSocket, WebSocketStream

SUBPROTOCOL = "SPDY/3.1+portforward.k8s.io"

Say = Callable[[str], None]


class Forwarder:
    """One session with a pod. `say` and `complain` print lines for people."""

    def __init__(self, session: SpdySession, *, say: Say, complain: Say) -> None:
        self._session = session
        self._say = say
        self._complain = complain
        self._identifiers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    @classmethod
    async def open(cls, client: Client, path: str, *, say: Say, complain: Say) -> Forwarder:
        """Connect. Raises `StatusError`."""
        socket = cast(WebSocket, await client.websocket(path, subprotocols=(SUBPROTOCOL,)))
        return cls(SpdySession(WebSocketStream(socket), server=False), say=say, complain=complain)

    async def listen(self, forward: Forward, addresses: Sequence[str]) -> bool:
        """Take connections at every address where that is possible; False where it is at none."""
        local, failures = forward.local, []
        for address in addresses:
            try:
                local = await self._listen(address, local, forward.remote)
            except OSError as error:
                failures.append(f"listen {address}:{local}: {error.strerror or error}")
        if len(failures) == len(addresses):
            self._complain(f"Unable to listen on port {forward.local}: {', '.join(failures)}")
            return False
        return True

    async def _listen(self, address: str, local: int, remote: int) -> int:
        def accept() -> asyncio.Protocol:
            return _Accepted(lambda stream: self._start(stream, port, remote))

        server = await asyncio.get_running_loop().create_server(accept, address, local)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        shown = f"[{address}]" if ":" in address else address
        self._say(f"Forwarding from {shown}:{port} -> {remote}")
        return port

    def _start(self, stream: TransportStream, local: int, remote: int) -> None:
        task = asyncio.ensure_future(self._connect(stream, local, remote))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, stream: TransportStream, local: int, remote: int) -> None:
        self._say(f"Handling connection for {local}")
        headers = {"port": str(remote), "requestid": str(next(self._identifiers))}
        try:
            error = await self._session.open({"streamtype": "error", **headers})
            await error.write_eof()
            data = await self._session.open({"streamtype": "data", **headers})
        except ConnectionError:
            stream.close()
            return
        watching = asyncio.ensure_future(self._report(error, local, remote))
        try:
            await splice(stream, data)
            await watching
        except ConnectionError:
            pass  # one of the ends has gone: the connection is over
        finally:
            await cancel_and_wait(watching)

    async def _report(self, error: SpdyStream, local: int, remote: int) -> None:
        """Tell what the node says about this connection, if anything."""
        said = b""
        try:
            while piece := await error.read():
                said += piece
        except ConnectionError:
            return
        if said:
            self._complain(f"an error occurred forwarding {local} -> {remote}: {said.decode(errors='replace')}")

    async def run(self) -> None:
        """Until the connection to the pod is lost. Raises `Refused` then."""
        try:
            await self._session.run()
        finally:
            for server in self._servers:
                server.close()
            await cancel_and_wait(*self._tasks)
            await self._session.close()
        raise Refused("lost connection to pod")


class _Accepted(StreamProtocol):
    """Gives its stream away as soon as the connection is there."""

    def __init__(self, on_stream: Callable[[TransportStream], None]) -> None:
        super().__init__()
        self._on_stream = on_stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.stream is not None:
            self._on_stream(self.stream)
