"""Byte streams over file descriptors: pipes and terminals."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable


class DescriptorStream:
    """A `ByteStream` over a descriptor that it owns. A terminal whose other side is gone counts as ended."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()

    async def read(self, limit: int = 65536) -> bytes:
        while self._descriptor >= 0:
            try:
                return os.read(self._descriptor, limit)
            except BlockingIOError:
                await self._wait(self._loop.add_reader, self._loop.remove_reader)
            except OSError:
                return b""
        return b""

    async def write(self, data: bytes) -> None:
        """Raises `BrokenPipeError` when nobody reads any more."""
        view = memoryview(data)
        while view:
            if self._descriptor < 0:
                raise BrokenPipeError("the stream is closed")
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                await self._wait(self._loop.add_writer, self._loop.remove_writer)

    async def write_eof(self) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
            self._wake()

    _waiting: asyncio.Future[None] | None = None

    async def _wait(self, add: Callable[..., object], remove: Callable[[int], object]) -> None:
        future = self._loop.create_future()
        self._waiting = future
        descriptor = self._descriptor
        add(descriptor, self._wake)
        try:
            await future
        finally:
            if self._descriptor >= 0:
                remove(descriptor)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
