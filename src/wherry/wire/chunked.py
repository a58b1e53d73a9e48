"""`BodyWriter` of a streaming answer: chunked for HTTP/1.1, until the connection closes for HTTP/1.0."""

from __future__ import annotations

import asyncio

from wherry.wire.errors import PeerClosed
from wherry.wire.flow import Flow

LAST_CHUNK = b"0\r\n\r\n"


class StreamWriter:
    """Writes to one transport; the caller frames the end."""

    __slots__ = ("_chunked", "_flow", "_transport")

    def __init__(self, transport: asyncio.Transport, flow: Flow, *, chunked: bool) -> None:
        self._transport = transport
        self._flow = flow
        self._chunked = chunked

    def write_nowait(self, data: bytes) -> int:
        transport = self._transport
        if transport.is_closing():
            raise PeerClosed("the peer has closed the connection")
        if data:  # an empty chunk would end the body
            transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        return transport.get_write_buffer_size()

    async def write(self, data: bytes) -> None:
        self.write_nowait(data)
        if self._flow.paused:
            await self._flow.drain()

    async def wait_closed(self) -> None:
        await self._flow.wait_lost()
