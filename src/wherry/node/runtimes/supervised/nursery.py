"""The agent's side of the process that forks shims (`wherry.node.runtimes.shim.nursery`)."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import wherry
from wherry.node.runtimes.port import RuntimeFailure

_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from wherry.node.runtimes.shim.nursery import main; main()"


def isolated_python(program: str, *arguments: str) -> list[str]:
    """A command line for this interpreter without site packages and environment: starts fast, stays small.

    `sys.argv[1]` of the program is the folder that holds the package.
    """
    return [sys.executable, "-I", "-S", "-c", program, str(Path(wherry.__file__).parents[1]), *arguments]


class Nursery:
    """Starts shims. Requests go one after another; each takes about a millisecond."""

    def __init__(self, log_path: Path) -> None:
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._turn = asyncio.Lock()

    def open(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs, self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                isolated_python(_PROGRAM),
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                env={},
                cwd="/",
                start_new_session=True,
            )
        ours.setblocking(False)
        self._socket = ours

    async def spawn(self, directory: Path) -> socket.socket:
        """Fork a shim for that directory; gives the agent's end of its control connection.

        Raises `RuntimeFailure` when the nursery does not work, even after it was started anew.
        """
        async with self._turn:
            for attempt in (1, 2):
                try:
                    return await self._request(directory)
                except (OSError, EOFError) as error:
                    if attempt == 2:
                        raise RuntimeFailure(f"cannot start a shim: {error}; see {self._log_path}") from error
                    self.close()
                    self.open()
        raise AssertionError("unreachable")

    async def _request(self, directory: Path) -> socket.socket:
        if self._socket is None:
            raise EOFError("not open")
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                message = os.fsencode(directory) + b"\n"
                sent = socket.send_fds(self._socket, [message], [theirs.fileno()])
                await loop.sock_sendall(self._socket, message[sent:])
                if not await loop.sock_recv(self._socket, 1):
                    raise EOFError("the shim server has ended")
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        return ours

    def close(self) -> None:
        """Shims stay; the nursery ends when its socket closes."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.wait(timeout=5)
            self._process = None
