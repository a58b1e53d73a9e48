"""A byte stream in memory: what is written on one side is read on the other."""

from __future__ import annotations

import asyncio


class MemoryPipe:
    """A `ByteStream` end that the owner feeds; `feed_eof` lets readers see the end.

    Writers wait while more than `limit` bytes are unread, so a slow reader holds back a fast writer.
    """

    def __init__(self, *, limit: int = 1 << 18) -> None:
        self._data = bytearray()
        self._ended = False
        self._limit = limit
        self._changed = asyncio.Event()

    async def read(self, limit: int = 65536) -> bytes:
        while not self._data and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        chunk = bytes(self._data[:limit])
        del self._data[:limit]
        self._changed.set()
        return chunk

    async def write(self, data: bytes) -> None:
        while len(self._data) > self._limit and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        self.feed(data)

    def feed(self, data: bytes) -> None:
        """Add without waiting; dropped after the end."""
        if not self._ended:
            self._data += data
            self._changed.set()

    async def write_eof(self) -> None:
        self.feed_eof()

    def feed_eof(self) -> None:
        self._ended = True
        self._changed.set()

    def close(self) -> None:
        self.feed_eof()
