"""The HTTP/1.1 client: a pool of kept-alive connections per origin.

What always holds: a connection carries one request at a time and returns to the pool only after its whole answer; a
request is sent again at most once, only if it is safe to repeat and only if the pooled connection turned out to be dead.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from wherry.base.clock import Clock, RealClock
from wherry.wire.client_connection import ClientConnection, ResponseStream, request_head
from wherry.wire.dial import Origin, connect
from wherry.wire.errors import PeerClosed, TimedOut, UpgradeRefused
from wherry.wire.messages import ByteStream, Headers, Response
from wherry.wire.response_parser import as_dict

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An upgraded connection: the 101's headers, and the stream, which is the caller's."""

    headers: dict[str, str]
    header_list: Headers
    stream: ByteStream


class HttpClient:
    """Requests to any number of origins. Close it with `aclose`."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        connect_timeout: float = 10.0,
        idle_timeout: float = 60.0,
        idle_per_origin: int = 32,
    ) -> None:
        self._clock = clock or RealClock()
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._idle_per_origin = idle_per_origin
        self._idle: defaultdict[Origin, list[ClientConnection]] = defaultdict(list)
        self._closed = False

    async def request(
        self,
        origin: Origin,
        method: str,
        target: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Response:
        """One request and its whole answer, whatever its status.

        Raises `ConnectFailed`, `PeerClosed`, `ProtocolError`, and `TimedOut` when `timeout` seconds pass before the end.
        """
        async with self._within(timeout):
            stream = await self._open(origin, method, target, headers, body)
            try:
                content = await stream.read_all()
            finally:
                await stream.aclose()
        return Response(stream.status, content, stream.content_type, stream.header_list)

    async def stream(
        self,
        origin: Origin,
        method: str,
        target: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        timeout: float | None = None,
    ) -> ResponseStream:
        """One request, and its answer piece by piece; `timeout` is for the head. The caller closes it."""
        async with self._within(timeout):
            return await self._open(origin, method, target, headers, body)

    async def upgrade(
        self,
        origin: Origin,
        method: str,
        target: str,
        *,
        headers: Headers,
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Upgraded:
        """Ask for an upgrade (`headers` say to what). Raises `UpgradeRefused` for any answer but 101."""
        async with self._within(timeout):
            connection = await self._connect(origin)
            try:
                await connection.send(method, request_head(method, target, origin.authority, headers, len(body)), body)
                await connection.read_head()
                if not connection.parser.upgraded:
                    await self._refused(connection)
            except BaseException:
                connection.close()
                raise
        parser = connection.parser
        return Upgraded(as_dict(parser.headers), tuple(parser.headers), connection.take_stream())

    async def _refused(self, connection: ClientConnection) -> None:
        stream = ResponseStream(connection, ClientConnection.close)
        raise UpgradeRefused(stream.status, stream.headers, await stream.read_all())

    async def aclose(self) -> None:
        """Close what is idle; what is in use closes when its answer is complete."""
        self._closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _open(self, origin: Origin, method: str, target: str, headers: Headers, body: bytes) -> ResponseStream:
        head = request_head(method, target, origin.authority, headers, len(body))
        connection = self._take(origin) or await self._connect(origin)
        while True:
            try:
                await connection.send(method, head, body)
                await connection.read_head()
            except PeerClosed:
                connection.close()
                if connection.fresh or method not in _SAFE:
                    raise
                connection = await self._connect(origin)
            except BaseException:
                connection.close()
                raise
            else:
                connection.fresh = False
                return ResponseStream(connection, lambda used: self._give_back(origin, used))

    def _within(self, seconds: float | None) -> AbstractAsyncContextManager[None]:
        return nullcontext() if seconds is None else _Translated(self._clock.timeout(seconds), seconds)

    async def _connect(self, origin: Origin) -> ClientConnection:
        async with self._within(self._connect_timeout):
            return ClientConnection(await connect(origin))

    def _take(self, origin: Origin) -> ClientConnection | None:
        idle = self._idle.get(origin)
        now = self._clock.monotonic()
        while idle:
            connection = idle.pop()
            if not connection.stale and now - connection.idle_since < self._idle_timeout:
                return connection
            connection.close()
        return None

    def _give_back(self, origin: Origin, connection: ClientConnection) -> None:
        parser = connection.parser
        idle = self._idle[origin]
        reusable = parser.complete and parser.keep_alive and not parser.upgraded and not parser.pieces
        if self._closed or not reusable or len(idle) >= self._idle_per_origin:
            connection.close()
            return
        connection.idle_since = self._clock.monotonic()
        idle.append(connection)


class _Translated(AbstractAsyncContextManager[None]):
    """The clock's timeout with our own error."""

    def __init__(self, inner: AbstractAsyncContextManager[None], seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    async def __aenter__(self) -> None:
        await self._inner.__aenter__()

    async def __aexit__(self, *failure: object) -> bool | None:
        try:
            return await self._inner.__aexit__(*failure)  # type: ignore[arg-type]
        except TimedOut:
            raise
        except TimeoutError as error:
            raise TimedOut(f"no answer within {self._seconds:g} seconds") from error
