"""What an HTTP handler gets and what it gives back.

A handler is `Callable[[Request], Reply | Awaitable[Reply]]`. One that can answer at once returns the `Response` itself,
not an awaitable: the server then writes it without making a task, which is what makes reads from memory fast.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is on the other end: the address, and the verified client certificate if one was shown."""

    address: str
    port: int
    certificate: Mapping[str, Any] | None = None
    """As `ssl.SSLSocket.getpeercert()` gives it; None without a verified certificate."""
    certificate_der: bytes | None = None


@dataclass(slots=True)
class Request:
    """One HTTP request with its whole body.

    `target` is the raw request target; `path` is its decoded path. Header names are lower case; of repeated headers the
    values are joined with `, `. `state` is for middleware to leave things for those behind it.
    """

    method: str
    target: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes = b""
    peer: Peer = Peer("", 0)
    state: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        peer: Peer | None = None,
    ) -> Request:
        """A request from its target, for tests and in-process callers."""
        path, _, query = target.partition("?")
        return cls(
            method,
            target,
            unquote(path),
            query,
            {name.lower(): value for name, value in (headers or {}).items()},
            body,
            peer or Peer("", 0),
        )

    def query(self) -> dict[str, list[str]]:
        """The query parameters, decoded; each call parses again."""
        result: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.raw_query, keep_blank_values=True):
            result.setdefault(name, []).append(value)
        return result


Headers = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Response:
    """A whole answer. `body` may be several pieces that are written one after another without joining them."""

    status: int = 200
    body: bytes | Sequence[bytes] = b""
    content_type: str = "application/json"
    headers: Headers = ()


class BodyWriter(Protocol):
    """Where a streaming answer goes."""

    async def write(self, data: bytes) -> None:
        """Send and wait until the peer's backlog is below the high-water mark. Raises `ConnectionError` when gone."""

    def write_nowait(self, data: bytes) -> int:
        """Send without waiting; gives the bytes that now wait in the buffer, for callers that bound it themselves."""

    async def wait_closed(self) -> None:
        """Return when the peer has gone away."""


@dataclass(slots=True)
class StreamResponse:
    """An answer of unknown length (chunked): `produce` writes it and returns when it is complete.

    It is cancelled when the peer goes away.
    """

    produce: Callable[[BodyWriter], Awaitable[None]]
    status: int = 200
    content_type: str = "application/json"
    headers: Headers = ()


class ByteStream(Protocol):
    """A raw, ordered, two-way stream of bytes."""

    async def read(self, limit: int = 65536) -> bytes:
        """At least one byte, or `b""` at the end."""

    async def write(self, data: bytes) -> None:
        """Send; waits while the peer is slow."""

    async def write_eof(self) -> None:
        """Say that nothing more will be written (half-close)."""

    def close(self) -> None:
        """Drop the stream in both directions."""


@dataclass(slots=True)
class Upgrade:
    """`101 Switching Protocols`, and the connection is then the handler's: `takeover` runs until it is done with it."""

    takeover: Callable[[ByteStream], Awaitable[None]]
    headers: Headers = ()


Reply = Response | StreamResponse | Upgrade
Handler = Callable[[Request], Reply | Awaitable[Reply]]
