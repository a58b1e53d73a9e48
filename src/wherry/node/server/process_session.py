"""A process' standard streams joined with a remote client, from the first byte to the exit status."""

from __future__ import annotations

import asyncio
from typing import Any

from wherry.base.clock import Clock
from wherry.base.tasks import cancel_and_wait
from wherry.node.runtimes.port import Streams
from wherry.node.server import statuses
from wherry.node.server.remote import Input, InputEnd, Remote, Size
from wherry.wire.messages import ByteStream

_PIECE = 32 * 1024
_QUIET_SECONDS = 2.0
"""After the process has ended, its children may hold its output open: wait no longer than this for silence."""


class ProcessSession:
    """Owns the streams: they are closed at the end, which kills an exec'd process whose client has gone away."""

    def __init__(self, streams: Streams, remote: Remote, *, clock: Clock) -> None:
        self._streams = streams
        self._remote = remote
        self._clock = clock
        self._sent = 0

    async def run(self) -> None:
        """Until the process has ended and everything is sent, or the client is gone."""
        outputs = [asyncio.ensure_future(self._output("stdout", self._streams.stdout))]
        if self._streams.stderr is not None:
            outputs.append(asyncio.ensure_future(self._output("stderr", self._streams.stderr)))
        inputs = asyncio.ensure_future(self._inputs())
        ended = asyncio.ensure_future(self._streams.wait())
        tasks: list[asyncio.Task[Any]] = [*outputs, inputs, ended]
        try:
            await asyncio.wait((inputs, ended), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await self._drain(outputs)
                await self._remote.send_status(statuses.exited(ended.result()))
        finally:
            await cancel_and_wait(*tasks)
            await self._streams.close()

    async def _output(self, name: str, stream: ByteStream) -> None:
        try:
            while data := await stream.read(_PIECE):
                await self._remote.send(name, data)
                self._sent += len(data)
        except ConnectionError:
            pass  # the client is gone: the inputs see it too

    async def _drain(self, outputs: list[asyncio.Task[None]]) -> None:
        before = -1
        while before != self._sent:
            before = self._sent
            quiet = asyncio.ensure_future(self._clock.sleep(_QUIET_SECONDS))
            rest = asyncio.ensure_future(asyncio.wait(outputs))
            try:
                await asyncio.wait((quiet, rest), return_when=asyncio.FIRST_COMPLETED)
            finally:
                quiet.cancel()
                rest.cancel()
            if all(output.done() for output in outputs):
                return

    async def _inputs(self) -> None:
        """Ends when the client is gone."""
        stdin = self._streams.stdin
        while (event := await self._remote.receive()) is not None:
            match event:
                case Size(columns, rows):
                    self._streams.resize(columns, rows)
                case Input(data) if stdin is not None:
                    stdin = await self._write(stdin, data)
                case InputEnd() if stdin is not None:
                    await stdin.write_eof()
                    stdin = None

    async def _write(self, stdin: ByteStream, data: bytes) -> ByteStream | None:
        try:
            await stdin.write(data)
        except OSError:  # also a broken pipe: the process has closed its input, its output goes on
            return None
        return stdin
