"""A command in a container over `v5.channel.k8s.io`: channels of one WebSocket joined to this process's own streams.

Source: k8s.io/client-go/tools/remotecommand; KEP-4006.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import orjson

from wherry.base.tasks import cancel_and_wait
from wherry.cli.errors import Refused
from wherry.cli.pods.terminal import Input, Terminal
from wherry.client.transport import WebSocket

SUBPROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STDERR, _ERROR, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255


class ExecSession:
    """Runs until the command ends. `source` is None without standard input, `terminal` None without a terminal."""

    def __init__(self, socket: WebSocket, *, source: Input | None, terminal: Terminal | None) -> None:
        self._socket = socket
        self._source = source
        self._terminal = terminal

    async def run(self) -> int:
        """The command's exit code. Raises `Refused` where it could not be run, or the link broke."""
        tasks = []
        if self._source is not None:
            tasks.append(asyncio.ensure_future(self._send_input(self._source)))
        if self._terminal is not None:
            tasks.append(asyncio.ensure_future(self._send_sizes(self._terminal)))
        try:
            status = await self._receive()
        finally:
            await cancel_and_wait(*tasks)
            await self._socket.close()
        if status is None:
            raise Refused("the connection ended before the command did")
        return exit_code(status)

    async def _receive(self) -> dict[str, Any] | None:
        """Write what the command prints; its status comes last."""
        sinks = {_STDOUT: sys.stdout.buffer, _STDERR: sys.stderr.buffer}
        while (message := await self._socket.receive()) is not None:
            data = message.encode() if isinstance(message, str) else message
            if not data:
                continue
            if sink := sinks.get(data[0]):
                sink.write(data[1:])
                sink.flush()
            elif data[0] == _ERROR and len(data) > 1:
                status: dict[str, Any] = orjson.loads(data[1:])
                return status
        return None

    async def _send_input(self, source: Input) -> None:
        try:
            while data := await source.read():
                await self._socket.send(bytes((_STDIN,)) + data)
            if self._socket.subprotocol == SUBPROTOCOLS[0]:
                await self._socket.send(bytes((_CLOSE, _STDIN)))
        except ConnectionError:
            pass  # the command has ended; its status is still to be read

    async def _send_sizes(self, terminal: Terminal) -> None:
        try:
            async for width, height in terminal.sizes():
                await self._socket.send(bytes((_RESIZE,)) + orjson.dumps({"Width": width, "Height": height}))
        except ConnectionError:
            pass


def exit_code(status: dict[str, Any]) -> int:
    """What the command's `Status` says. Raises `Refused` where the command did not run to its end."""
    if status.get("status") == "Success":
        return 0
    if status.get("reason") == "NonZeroExitCode":
        for cause in (status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
    raise Refused(status.get("message") or "the command could not be run")
