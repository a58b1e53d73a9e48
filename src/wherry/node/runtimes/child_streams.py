"""A child process of the agent with its streams: what `exec` gives back."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence

from wherry.node.runtimes.descriptors import DescriptorStream
from wherry.node.runtimes.shim import terminal
from wherry.wire.messages import ByteStream


class _TerminalInput:
    """Writing to a terminal; the end of input is Ctrl-D, as the terminal stays open for output."""

    def __init__(self, master: DescriptorStream) -> None:
        self._master = master

    async def read(self, limit: int = 65536) -> bytes:
        return b""

    async def write(self, data: bytes) -> None:
        await self._master.write(data)

    async def write_eof(self) -> None:
        await self._master.write(b"\x04")

    def close(self) -> None:
        """The output's owner closes the terminal."""


class ChildStreams:
    """A `Streams` over a child process. `kill` ends the command when the streams are closed before it is over."""

    def __init__(
        self,
        process: Process,
        *,
        stdin: ByteStream | None,
        stdout: DescriptorStream,
        stderr: DescriptorStream | None,
        terminal_master: int = -1,
        kill: Callable[[], None],
    ) -> None:
        self.stdin = stdin
        self.stdout: ByteStream = stdout
        self.stderr: ByteStream | None = stderr
        self._process = process
        self._master = terminal_master
        self._kill = kill

    def resize(self, columns: int, rows: int) -> None:
        if self._master >= 0 and self._process.returncode is None:
            terminal.resize(self._master, columns, rows)
            self._process.send_signal(signal.SIGWINCH)

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> int:
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    async def close(self) -> None:
        if self._process.returncode is None:
            self._kill()
        self._master = -1
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        await self._process.wait()


async def run_child(
    arguments: Sequence[str],
    *,
    tty: bool,
    stdin: bool,
    environment: dict[str, str],
    pass_fds: Sequence[int] = (),
    kill: Callable[[Process], None],
) -> ChildStreams:
    """Start a command in a session of its own. Raises `OSError`."""
    if tty:
        master, slave = os.openpty()
        ours, theirs = [master], [slave]
        standard = (slave, slave, slave)
    else:
        out, child_out = os.pipe()
        err, child_err = os.pipe()
        child_in, into = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), -1)
        ours, theirs = [out, err] + ([into] if stdin else []), [child_in, child_out, child_err]
        standard = (child_in, child_out, child_err)
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=standard[0],
            stdout=standard[1],
            stderr=standard[2],
            env=environment,
            pass_fds=pass_fds,
            start_new_session=True,
            cwd="/",
        )
    except BaseException:
        for descriptor in ours:
            os.close(descriptor)
        raise
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    streams = [DescriptorStream(descriptor) for descriptor in ours]
    if tty:
        return ChildStreams(
            process,
            stdin=_TerminalInput(streams[0]) if stdin else None,
            stdout=streams[0],
            stderr=None,
            terminal_master=master,
            kill=lambda: kill(process),
        )
    return ChildStreams(
        process,
        stdin=streams[2] if stdin else None,
        stdout=streams[0],
        stderr=streams[1],
        kill=lambda: kill(process),
    )
