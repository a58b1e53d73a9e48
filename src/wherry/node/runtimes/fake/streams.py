"""Standard streams of a command that only pretends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wherry.node.runtimes.fake.behaviour import ExecResult
from wherry.node.runtimes.pipe import MemoryPipe
from wherry.wire.messages import ByteStream


class FakeStreams:
    """A `Streams` over memory. `size` is the terminal's last size as (columns, rows)."""

    def __init__(self, *, tty: bool, stdin: bool) -> None:
        self._input = MemoryPipe() if stdin else None
        self._out = MemoryPipe()
        self._err = None if tty else MemoryPipe()
        self.stdin: ByteStream | None = self._input
        self.stdout: ByteStream = self._out
        self.stderr: ByteStream | None = self._err
        self.size: tuple[int, int] | None = None
        self.on_close: Callable[[], object] = lambda: None
        self._ended = asyncio.Event()
        self._code = 0

    def resize(self, columns: int, rows: int) -> None:
        self.size = (columns, rows)

    def say(self, stream: str, data: bytes) -> None:
        target = self._err if stream == "stderr" and self._err is not None else self._out
        target.feed(data)

    def end(self, code: int) -> None:
        """The process is over: readers see the end, `wait` returns."""
        if not self._ended.is_set():
            self._code = code
            self._ended.set()
            for stream in (self._out, self._err):
                if stream is not None:
                    stream.feed_eof()

    async def wait(self) -> int:
        await self._ended.wait()
        return self._code

    async def close(self) -> None:
        self.on_close()
        self.end(137)


async def play(streams: FakeStreams, result: ExecResult) -> None:
    """Run a pretended command to its end on these streams."""
    streams.say("stdout", result.stdout)
    streams.say("stderr", result.stderr)
    if result.echo and streams.stdin is not None:
        while chunk := await streams.stdin.read():
            streams.say("stdout", chunk)
    streams.end(result.exit_code)
