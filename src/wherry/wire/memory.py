"""Two connected `ByteStream`s in memory: a connection without a socket, for callers in the same process and for tests."""

from __future__ import annotations

import asyncio
from collections import deque

from wherry.wire.errors import PeerClosed

HIGH_WATER = 256 * 1024


class _Lane:
    """One direction: bytes that were written and not yet read."""

    __slots__ = ("changed", "closed", "ended", "pieces", "size")

    def __init__(self) -> None:
        self.pieces: deque[bytes] = deque()
        self.size = 0
        self.ended = False
        """The writer has said that nothing more comes."""
        self.closed = False
        """The reader is gone."""
        self.changed = asyncio.Event()

    def notify(self) -> None:
        self.changed.set()

    async def wait(self) -> None:
        self.changed.clear()
        await self.changed.wait()


class MemoryStream:
    """One end. Writing waits above `HIGH_WATER` unread bytes."""

    __slots__ = ("_in", "_out")

    def __init__(self, incoming: _Lane, outgoing: _Lane) -> None:
        self._in = incoming
        self._out = outgoing

    async def read(self, limit: int = 65536) -> bytes:
        lane = self._in
        while not lane.pieces:
            if lane.ended or lane.closed:
                return b""
            await lane.wait()
        piece = lane.pieces.popleft()
        if len(piece) > limit:
            lane.pieces.appendleft(piece[limit:])
            piece = piece[:limit]
        lane.size -= len(piece)
        lane.notify()
        return piece

    async def write(self, data: bytes) -> None:
        lane = self._out
        if lane.ended or lane.closed:
            raise PeerClosed("the stream is closed")
        if data:
            lane.pieces.append(bytes(data))
            lane.size += len(data)
            lane.notify()
        while lane.size > HIGH_WATER and not lane.closed:
            await lane.wait()

    async def write_eof(self) -> None:
        self._out.ended = True
        self._out.notify()

    def close(self) -> None:
        self._in.closed = True
        self._in.notify()
        self._out.ended = True
        self._out.notify()


def pipe() -> tuple[MemoryStream, MemoryStream]:
    """What is written into one comes out of the other."""
    one, two = _Lane(), _Lane()
    return MemoryStream(one, two), MemoryStream(two, one)
