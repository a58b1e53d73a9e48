"""`ByteStream` over an asyncio transport: what an upgraded connection, and any plain TCP or TLS connection, is.

The reader may be slow: above `HIGH_WATER` unread bytes the transport stops reading, so memory stays bounded at both ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

from wherry.wire.errors import PeerClosed
from wherry.wire.flow import Flow

HIGH_WATER = 256 * 1024


class TransportStream:
    """The stream; whoever owns the protocol calls `feed`, `feed_eof` and the flow's methods."""

    __slots__ = ("_buffer", "_eof", "_flow", "_paused", "_size", "_transport", "_waiter")

    def __init__(self, transport: asyncio.Transport, flow: Flow) -> None:
        self._transport = transport
        self._flow = flow
        self._buffer: deque[bytes] = deque()
        self._size = 0
        self._eof = False
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    # The protocol's side.

    def feed(self, data: bytes) -> None:
        self._buffer.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def feed_eof(self) -> None:
        """Nothing more will come: the peer half-closed, or is gone."""
        self._eof = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def ended(self) -> bool:
        """The peer will send nothing more, or is gone."""
        return self._eof

    # The user's side.

    async def read(self, limit: int = 65536) -> bytes:
        while not self._buffer and not self._eof:
            if self._waiter is not None:
                raise RuntimeError("two tasks read the same stream")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._take(limit) if self._buffer else b""

    def _take(self, limit: int) -> bytes:
        data = self._buffer.popleft()
        if len(data) > limit:
            self._buffer.appendleft(data[limit:])
            data = data[:limit]
        self._size -= len(data)
        if self._paused and self._size <= HIGH_WATER // 2 and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        if self._flow.lost or self._transport.is_closing():
            raise PeerClosed("the connection is closed")
        self._transport.write(data)
        if self._flow.paused:
            await self._flow.drain()

    async def write_eof(self) -> None:
        """Half-close. TLS cannot: there, what was written is still sent, then both directions end."""
        if self._flow.lost or self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def close(self) -> None:
        """Ends both directions after what was written has been sent; a later `read` gives what came, then `b""`."""
        self.feed_eof()
        if not self._transport.is_closing():
            self._transport.close()

    def abort(self) -> None:
        """End at once, with a reset where the transport has one."""
        self.feed_eof()
        self._transport.abort()


class StreamProtocol(asyncio.Protocol):
    """The asyncio protocol under a stream that starts as one (not as HTTP)."""

    def __init__(self) -> None:
        self._flow = Flow()
        self.stream: TransportStream | None = None
        self._secure = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._secure = transport.get_extra_info("ssl_object") is not None
        # Not isinstance: uvloop's transports are none of asyncio's.
        self.stream = TransportStream(cast(asyncio.Transport, transport), self._flow)

    def data_received(self, data: bytes) -> None:
        assert self.stream is not None
        self.stream.feed(data)

    def eof_received(self) -> bool:
        assert self.stream is not None
        self.stream.feed_eof()
        return not self._secure

    def connection_lost(self, exc: Exception | None) -> None:
        self._flow.lose()
        if self.stream is not None:
            self.stream.feed_eof()

    def pause_writing(self) -> None:
        self._flow.pause()

    def resume_writing(self) -> None:
        self._flow.resume()
