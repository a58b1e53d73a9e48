"""The agent's control connection to one shim: status lines in, commands out."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from wherry.node.runtimes.shim.records import SOCKET_FILE, Exited, Running, parse_status

Status = Running | Exited


class Control(asyncio.Protocol):
    """`on_status` is called for each status, `on_lost` once when the connection ends, for whatever reason."""

    def __init__(self, on_status: Callable[[Status], None], on_lost: Callable[[], None]) -> None:
        self._on_status = on_status
        self._on_lost = on_lost
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._token = 0

    @classmethod
    async def over(
        cls, sock: socket.socket, on_status: Callable[[Status], None], on_lost: Callable[[], None]
    ) -> Control:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_unix_connection(lambda: cls(on_status, on_lost), sock=sock)
        return protocol

    async def command(self, text: str) -> bool:
        """Send a command and wait until the shim has done it; False when the shim is gone."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._token += 1
        done = asyncio.get_running_loop().create_future()
        self._waiting[str(self._token)] = done
        self._transport.write(f"{self._token} {text}\n".encode())
        try:
            await done
        except ConnectionError:
            return False
        return True

    def ask_status(self) -> None:
        """The first line on a connection that the agent opened itself."""
        if self._transport is not None:
            self._transport.write(b"watch\n")

    def close(self) -> None:
        """Let go without a word to `on_lost`."""
        self._on_lost = lambda: None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are none of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if text.startswith("done "):
                future = self._waiting.pop(text[5:], None)
                if future is not None and not future.done():
                    future.set_result(None)
            elif (status := parse_status(text)) is not None:
                self._on_status(status)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError())
        self._waiting.clear()
        self._on_lost()


def connect(directory: Path) -> socket.socket:
    """Connect to the shim of a container. Raises `OSError` when nobody listens.

    Addresses of Unix sockets hold about a hundred bytes, paths more: so go by way of something short.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if sys.platform == "linux":
            folder = os.open(directory, os.O_PATH | os.O_DIRECTORY)
            try:
                sock.connect(f"/proc/self/fd/{folder}/{SOCKET_FILE}")
            finally:
                os.close(folder)
        else:
            with tempfile.TemporaryDirectory(dir="/tmp") as folder_name:
                link = Path(folder_name) / "d"
                link.symlink_to(directory)
                sock.connect(str(link / SOCKET_FILE))
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock
