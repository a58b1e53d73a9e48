"""The opening handshake of WebSockets (RFC 6455, section 4), for both ends.

What makes frames is imported when the first WebSocket opens: many programs that may serve one never do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from wherry.wire.client import HttpClient
from wherry.wire.close_codes import GOING_AWAY, INTERNAL_ERROR, MESSAGE_LIMIT
from wherry.wire.dial import Origin
from wherry.wire.errors import ProtocolError
from wherry.wire.messages import ByteStream, Headers, Request, Response, Upgrade

if TYPE_CHECKING:
    from wherry.wire.websocket import WebSocket

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

WebSocketHandler = Callable[["WebSocket"], Awaitable[None]]


def accept_value(key: str) -> str:
    """`Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def tokens(headers: dict[str, str], name: str) -> list[str]:
    """The comma-separated values of a header."""
    return [token.strip() for token in headers.get(name, "").split(",") if token.strip()]


def wants_websocket(request: Request) -> bool:
    """Whether the request asks for an upgrade to WebSocket (perhaps a malformed one)."""
    asked = request.headers.get("upgrade", "").lower() == "websocket"
    return asked and "upgrade" in [token.lower() for token in tokens(request.headers, "connection")]


def accept_websocket(
    request: Request,
    handler: WebSocketHandler,
    *,
    subprotocols: Sequence[str] = (),
    message_limit: int = MESSAGE_LIMIT,
) -> Upgrade | Response:
    """Answer a handshake. `handler` owns the WebSocket while it runs; it is closed when that returns or fails.

    Of the subprotocols that the client offers, the first that is in `subprotocols` is chosen; where both name some and
    have none in common, the handshake fails. A bad handshake is a 400 that says why.
    """
    if (why := _fault(request)) is not None:
        return _refuse(why)
    offered = tokens(request.headers, "sec-websocket-protocol")
    chosen = next((name for name in offered if name in subprotocols), "")
    if offered and subprotocols and not chosen:
        return _refuse(f"none of the offered subprotocols is supported; use one of: {', '.join(subprotocols)}")

    async def takeover(stream: ByteStream) -> None:
        from wherry.wire.websocket import WebSocket

        socket = WebSocket(stream, client=False, subprotocol=chosen, message_limit=message_limit)
        await _serve(socket, handler)

    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_value(request.headers["sec-websocket-key"])),
    ]
    if chosen:
        headers.append(("Sec-WebSocket-Protocol", chosen))
    return Upgrade(takeover, headers)


async def _serve(socket: WebSocket, handler: WebSocketHandler) -> None:
    try:
        await handler(socket)
    except ConnectionError:
        socket.abort()
    except Exception:
        await socket.close(INTERNAL_ERROR, "internal error")
        raise
    except BaseException:  # cancelled: the server shuts down, or the peer is gone
        await socket.start_close(GOING_AWAY)
        raise
    else:
        await socket.close()


def _fault(request: Request) -> str | None:
    headers = request.headers
    if request.method != "GET":
        return "a WebSocket handshake must use GET"
    if not wants_websocket(request):
        return "not a WebSocket handshake: the headers Connection: Upgrade and Upgrade: websocket are needed"
    if headers.get("sec-websocket-version") != "13":
        return "unsupported WebSocket version: only 13 is spoken"
    if not _valid_key(headers.get("sec-websocket-key", "")):
        return "Sec-WebSocket-Key must be 16 bytes in base64"
    return None


def _valid_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def _refuse(why: str) -> Response:
    return Response(400, f"{why}\n".encode(), "text/plain; charset=utf-8", [("Sec-WebSocket-Version", "13")])


def handshake_headers(subprotocols: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What a client sends; each call has a key of its own."""
    headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
    ]
    if subprotocols:
        headers.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    return headers


async def connect_websocket(
    client: HttpClient,
    origin: Origin,
    target: str,
    *,
    headers: Headers = (),
    subprotocols: Sequence[str] = (),
    message_limit: int = MESSAGE_LIMIT,
    timeout: float | None = None,
) -> WebSocket:
    """Open a WebSocket. Raises what `HttpClient.upgrade` does, and `ProtocolError` for a wrong handshake."""
    from wherry.wire.websocket import WebSocket

    ours = handshake_headers(subprotocols)
    upgraded = await client.upgrade(origin, "GET", target, headers=[*headers, *ours], timeout=timeout)
    try:
        chosen = check_answer(ours, upgraded.headers, subprotocols)
    except ProtocolError:
        upgraded.stream.close()
        raise
    return WebSocket(upgraded.stream, client=True, subprotocol=chosen, message_limit=message_limit)


def check_answer(sent: Headers, answer: dict[str, str], subprotocols: Sequence[str]) -> str:
    """The subprotocol that a 101's headers choose. Raises `ProtocolError` where they do not fit what was sent."""
    key = dict(sent)["Sec-WebSocket-Key"]
    if answer.get("upgrade", "").lower() != "websocket" or answer.get("sec-websocket-accept") != accept_value(key):
        raise ProtocolError("the server's WebSocket handshake is wrong")
    chosen = answer.get("sec-websocket-protocol", "")
    if chosen and chosen not in subprotocols:
        raise ProtocolError(f"the server chose the subprotocol {chosen!r}, which was not offered")
    return chosen
