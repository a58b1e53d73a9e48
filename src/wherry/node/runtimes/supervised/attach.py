"""Attached streams: the shim's frames as byte streams."""

from __future__ import annotations

import asyncio
import socket

from wherry.node.runtimes.pipe import MemoryPipe
from wherry.node.runtimes.shim import records
from wherry.node.runtimes.shim.records import frame, take_frames
from wherry.wire.messages import ByteStream

_STDIN_CHUNK = 1 << 16


class _Stdin:
    """The writing side towards the container's standard input."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def read(self, limit: int = 65536) -> bytes:
        return b""

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), _STDIN_CHUNK):
            self._writer.write(frame(records.TO_SHIM_DATA, data[start : start + _STDIN_CHUNK]))
        await self._writer.drain()

    async def write_eof(self) -> None:
        self._writer.write(frame(records.TO_SHIM_EOF))
        await self._writer.drain()

    def close(self) -> None:
        if not self._writer.is_closing():
            self._writer.write(frame(records.TO_SHIM_EOF))


class AttachedStreams:
    """A `Streams` over one attach connection. Closing it leaves the container alone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, tty: bool, stdin: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._out = MemoryPipe()
        self._err = None if tty else MemoryPipe()
        self.stdin: ByteStream | None = _Stdin(writer) if stdin else None
        self.stdout: ByteStream = self._out
        self.stderr: ByteStream | None = self._err
        self._code = 137
        self._pump = asyncio.ensure_future(self._run())

    @classmethod
    async def over(cls, sock: socket.socket, *, tty: bool, stdin: bool) -> AttachedStreams:
        reader, writer = await asyncio.open_unix_connection(sock=sock)
        writer.write(b"attach %d\n" % stdin)
        return cls(reader, writer, tty=tty, stdin=stdin)

    async def _run(self) -> None:
        """Sort the frames until the shim says the end. A slow reader holds us, and so the shim, back."""
        buffer = bytearray()
        try:
            while chunk := await self._reader.read(1 << 16):
                buffer += chunk
                for kind, payload in take_frames(buffer):
                    if kind == records.ENDED:
                        self._code = int(payload)
                    else:
                        await (self._err if kind == records.STDERR and self._err else self._out).write(payload)
        except (OSError, ValueError):
            pass
        finally:
            self._writer.close()
            for stream in (self._out, self._err):
                if stream is not None:
                    stream.feed_eof()

    def resize(self, columns: int, rows: int) -> None:
        if self.stderr is None and not self._writer.is_closing():
            self._writer.write(frame(records.TO_SHIM_RESIZE, b"%d %d" % (columns, rows)))

    async def wait(self) -> int:
        await asyncio.shield(self._pump)
        return self._code

    async def close(self) -> None:
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
