"""What a `Client` needs below it: requests with a whole answer, streamed answers, and WebSockets.

Drivers: `http_transport.HttpTransport` over TLS, `in_process.InProcessTransport` for an API server in the same process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from wherry.client.feed import Feed
from wherry.wire.messages import Response


class StreamedAnswer(Protocol):
    """An answer whose head has come and whose body is still coming.

    The caller owns it and must `aclose` it; that may be done twice, and at any time. Iterating raises `ConnectionError`
    where the connection broke before the end.
    """

    status: int
    content_type: str

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class WebSocket(Protocol):
    """A WebSocket after its handshake. `subprotocol` is what the server chose, empty for none."""

    @property
    def subprotocol(self) -> str: ...

    async def send(self, data: bytes | str) -> None:
        """Send one message: binary for bytes, text for str. Raises `ConnectionError` when gone."""

    async def receive(self) -> bytes | str | None:
        """The next whole message; None once the peer has closed."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a status code; may be called twice."""


class Transport(Protocol):
    """The way to one API server, with the caller's identity in it. `target` is a path with its query.

    Every method raises `ConnectionError` (or `TimeoutError`) where the server cannot be reached. Cancelling any of them
    gives up the request; whether the server acted on it is then unknown.
    """

    async def request(self, method: str, target: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """One request and its whole answer, whatever its status."""

    async def open_stream(self, method: str, target: str, *, headers: Mapping[str, str]) -> StreamedAnswer:
        """One request whose answer is read piece by piece."""

    async def open_websocket(
        self, target: str, *, headers: Mapping[str, str], subprotocols: Sequence[str]
    ) -> WebSocket:
        """A WebSocket. Raises a `StatusError` where the server answers with something else than an upgrade."""

    async def aclose(self) -> None:
        """Drop all connections."""


@runtime_checkable
class SharingTransport(Protocol):
    """What a transport within the server's process can do besides."""

    async def open_feed(self, target: str, *, headers: Mapping[str, str]) -> Feed:
        """A watch as a feed of shared objects. Raises a `StatusError` where the server refuses."""
