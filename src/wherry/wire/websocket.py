"""WebSocket (RFC 6455) over a byte stream, either end. The frames are wsproto's; this adds the stream and whole messages.

Any number of tasks may send; one receives. Pings are answered while somebody receives, so always keep receiving. No
extension is offered or accepted. The handshakes are in `websocket_handshake`.
"""

from __future__ import annotations

import asyncio

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError

from wherry.wire.close_codes import ABNORMAL, MESSAGE_LIMIT, NORMAL, TOO_BIG
from wherry.wire.errors import PeerClosed
from wherry.wire.messages import ByteStream

_CLOSE_SECONDS = 2.0
"""How long to wait for the peer's half of the closing handshake."""


class WebSocket:
    """An open WebSocket, which owns its stream."""

    __slots__ = (
        "_assembling", "_closed", "_connection", "_limit", "_receiving", "_size", "_stream", "close_code",
        "close_reason", "subprotocol",
    )  # fmt: skip

    def __init__(
        self, stream: ByteStream, *, client: bool, subprotocol: str = "", message_limit: int = MESSAGE_LIMIT
    ) -> None:
        self._stream = stream
        self._connection = Connection(ConnectionType.CLIENT if client else ConnectionType.SERVER)
        self._limit = message_limit
        self._assembling: list[bytes | str] = []
        self._size = 0
        self._receiving = False
        self._closed = asyncio.Event()
        self.subprotocol = subprotocol
        """What both agreed on; empty for none."""
        self.close_code: int | None = None
        """The peer's close code once it has closed; 1005 for none given, 1006 when the connection broke."""
        self.close_reason = ""

    async def send(self, data: bytes | str) -> None:
        """Send one message, binary for bytes and text for str; waits while the peer is slow.

        Raises `PeerClosed` after either end has closed.
        """
        await self._send(BytesMessage(data) if isinstance(data, bytes) else TextMessage(data))

    async def ping(self, payload: bytes = b"") -> None:
        """Raises `PeerClosed`."""
        await self._send(Ping(payload))

    async def _send(self, event: Event) -> None:
        try:
            frame = self._connection.send(event)
        except LocalProtocolError:
            raise PeerClosed("the WebSocket is closed") from None
        await self._stream.write(bytes(frame))

    async def receive(self) -> bytes | str | None:
        """The next whole message; None once the peer has closed or is gone (`close_code` says how)."""
        if self._receiving:
            raise RuntimeError("two tasks receive from the same WebSocket")
        self._receiving = True
        try:
            while not self._closed.is_set():
                if (message := await self._take()) is not None:
                    return message
                await self._read_more()
            return None
        finally:
            self._receiving = False

    async def _read_more(self) -> None:
        try:
            data = await self._stream.read()
        except ConnectionError:
            data = b""
        if data:
            self._connection.receive_data(data)
        else:
            self._end(ABNORMAL, "the connection broke")

    async def _take(self) -> bytes | str | None:
        """A whole message, if what was read has one."""
        try:
            for event in self._connection.events():
                if isinstance(event, (BytesMessage, TextMessage)):
                    if (message := self._assemble(event)) is not None:
                        return message
                elif isinstance(event, Ping):
                    await self._send_quietly(event.response())
                elif isinstance(event, CloseConnection):
                    await self._peer_closes(event)
        except _TooBig:
            reason = f"message larger than {self._limit} bytes"
            await self.start_close(TOO_BIG, reason)
            self._end(TOO_BIG, reason)
        return None

    def _assemble(self, event: BytesMessage | TextMessage) -> bytes | str | None:
        data = event.data if isinstance(event.data, str) else bytes(event.data)
        if event.message_finished and not self._assembling:
            return self._checked(data)
        self._size += len(data)
        self._assembling.append(data)
        if self._size > self._limit:
            raise _TooBig
        if not event.message_finished:
            return None
        pieces, self._assembling, self._size = self._assembling, [], 0
        if isinstance(data, str):
            return "".join(piece for piece in pieces if isinstance(piece, str))
        return b"".join(piece for piece in pieces if isinstance(piece, bytes))

    def _checked(self, data: bytes | str) -> bytes | str:
        if len(data) > self._limit:
            raise _TooBig
        return data

    async def _peer_closes(self, event: CloseConnection) -> None:
        if self._connection.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.OPEN):
            # OPEN: it is wsproto that closes, because the peer broke the protocol; the code says how.
            await self._send_quietly(event.response())
        self._end(int(event.code), event.reason or "")

    async def _send_quietly(self, event: Pong | CloseConnection) -> None:
        try:
            await self._send(event)
        except ConnectionError:
            pass  # reading will notice

    def _end(self, code: int, reason: str) -> None:
        if self._closed.is_set():
            return
        self.close_code, self.close_reason = code, reason
        self._closed.set()
        self._stream.close()

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close with a status code and wait a moment for the peer to agree. May be called twice."""
        if self._closed.is_set():
            return
        await self.start_close(code, reason)
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._wait_closed()
        except TimeoutError:
            pass
        finally:
            self._end(code, reason)

    async def start_close(self, code: int = NORMAL, reason: str = "") -> None:
        """Say that this end closes, without waiting for the peer's answer."""
        await self._send_quietly(CloseConnection(code, reason))

    def abort(self) -> None:
        """Drop the connection, without saying anything."""
        self._end(ABNORMAL, "dropped")

    async def _wait_closed(self) -> None:
        if self._receiving:
            await self._closed.wait()
        while not self._closed.is_set():
            await self.receive()  # unread messages are dropped: closing with them unread could reset the connection


class _TooBig(Exception):
    pass


class WebSocketStream:
    """The binary messages of a WebSocket as one byte stream; how they are cut into messages carries no meaning."""

    __slots__ = ("_rest", "_socket")

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._rest = b""

    async def read(self, limit: int = 65536) -> bytes:
        while not self._rest:
            message = await self._socket.receive()
            if message is None:
                return b""
            self._rest = message.encode() if isinstance(message, str) else message
        data, self._rest = self._rest[:limit], self._rest[limit:]
        return data

    async def write(self, data: bytes) -> None:
        await self._socket.send(data)

    async def write_eof(self) -> None:
        """A WebSocket has no half-close: this starts its close."""
        await self._socket.close()

    def close(self) -> None:
        self._socket.abort()
