"""One HTTP/1.1 connection of the client: a request, then its response, then perhaps another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from wherry.wire.errors import PeerClosed
from wherry.wire.head import header_lines
from wherry.wire.messages import ByteStream, Headers
from wherry.wire.response_parser import ResponseParser, as_dict

_BODY_METHODS = frozenset(("POST", "PUT", "PATCH"))
_JOIN_LIMIT = 65536


def request_head(method: str, target: str, authority: str, headers: Headers, body_size: int) -> bytes:
    """Raises `ValueError` where the target or a header would break out of its line."""
    if any(character <= " " for character in target) or not target:
        raise ValueError(f"not a request target: {target!r}")
    given = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1\r\n"]
    if "host" not in given:
        lines.append(f"Host: {authority}\r\n")
    if (body_size or method in _BODY_METHODS) and "content-length" not in given:
        lines.append(f"Content-Length: {body_size}\r\n")
    return "".join(lines).encode("latin-1") + header_lines(headers) + b"\r\n"


class ClientConnection:
    """Not for several requests at a time: the pool sees to that."""

    __slots__ = ("_stream", "fresh", "idle_since", "parser")

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.fresh = True
        """Has not answered a request yet."""
        self.idle_since = 0.0
        self.parser = ResponseParser()

    @property
    def stale(self) -> bool:
        """Known to be closed by the server."""
        return bool(getattr(self._stream, "ended", False))

    async def send(self, method: str, head: bytes, body: bytes) -> None:
        """Raises `PeerClosed`."""
        self.parser = ResponseParser(head_only=method == "HEAD")
        if len(body) <= _JOIN_LIMIT:
            await self._stream.write(head + body)
        else:
            await self._stream.write(head)
            await self._stream.write(body)

    async def read_head(self) -> None:
        """Until the parser has the head. Raises `PeerClosed`, `ProtocolError`."""
        parser = self.parser
        while not parser.head_complete:
            await self._read_more()

    async def _read_more(self) -> None:
        try:
            data = await self._stream.read()
        except ConnectionError as error:
            raise PeerClosed(f"the connection broke: {error}") from error
        if data:
            self.parser.feed(data)
        else:
            self.parser.feed_eof()

    async def read_piece(self) -> bytes:
        """The next piece of the body; `b""` at its end."""
        parser = self.parser
        while not parser.pieces:
            if parser.complete:
                return b""
            await self._read_more()
        return parser.pieces.popleft()

    def take_stream(self) -> ByteStream:
        """After an upgrade: the connection as a raw stream, with what has already been read in front."""
        return _Prefixed(self.parser.rest, self._stream) if self.parser.rest else self._stream

    def close(self) -> None:
        """At once: nothing that matters is under way, and a goodbye of TLS would outlive a short program's event loop."""
        end = getattr(self._stream, "abort", None) or self._stream.close
        end()


class _Prefixed:
    """A stream some of whose bytes were read too early."""

    __slots__ = ("_prefix", "_stream")

    def __init__(self, prefix: bytes, stream: ByteStream) -> None:
        self._prefix = prefix
        self._stream = stream

    async def read(self, limit: int = 65536) -> bytes:
        if self._prefix:
            data, self._prefix = self._prefix[:limit], self._prefix[limit:]
            return data
        return await self._stream.read(limit)

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def write_eof(self) -> None:
        await self._stream.write_eof()

    def close(self) -> None:
        self._stream.close()


class ResponseStream:
    """A response whose head has come: read its body piece by piece, then `aclose`.

    Iterating raises `PeerClosed` where the connection breaks before the end.
    """

    __slots__ = ("_connection", "_release", "content_type", "header_list", "headers", "status")

    def __init__(self, connection: ClientConnection, release: Callable[[ClientConnection], None]) -> None:
        parser = connection.parser
        self._connection: ClientConnection | None = connection
        self._release = release
        self.status = parser.status
        self.header_list: Headers = tuple(parser.headers)
        self.headers = as_dict(parser.headers)
        self.content_type = self.headers.get("content-type", "")

    async def read(self) -> bytes:
        """The next piece; `b""` at the end."""
        return await self._connection.read_piece() if self._connection is not None else b""

    async def read_all(self) -> bytes:
        return b"".join([piece async for piece in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece

    async def aclose(self) -> None:
        """Give the connection back when the body was read to its end, else close it. May be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._release(connection)
