"""`channel.k8s.io`: several streams over the messages of one WebSocket, each message led by its channel's number.

0 stdin, 1 stdout, 2 stderr, 3 error, 4 resize. With v5, `255, n` from the client closes channel n. In the base64
variants a message is text: the channel as a digit, then base64. Up to v3 the error channel carries plain text, from v4
on a `Status`. Source: k8s.io/apimachinery/pkg/util/remotecommand, k8s.io/streaming wsstream.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import orjson

from wherry.api.types import Object
from wherry.node.server.remote import Event, Input, InputEnd, Size, StreamOptions

if TYPE_CHECKING:
    from wherry.wire.websocket import WebSocket

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
SUBPROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
_NUMBERS = {"stdout": STDOUT, "stderr": STDERR}


class ChannelRemote:
    """A `Remote` over a WebSocket whose handshake chose one of `SUBPROTOCOLS`, or none, which is the oldest."""

    def __init__(self, socket: WebSocket, options: StreamOptions) -> None:
        self._socket = socket
        self._base64 = "base64" in socket.subprotocol
        self._speaks_status = socket.subprotocol.startswith(("v4", "v5"))
        self._closes_channels = socket.subprotocol.startswith("v5")
        self._wanted = {STDOUT: options.stdout, STDERR: options.stderr}

    async def greet(self) -> None:
        """An empty message on the lowest channel that the client reads: the command is connected."""
        await self._send(next((channel for channel, wanted in self._wanted.items() if wanted), ERROR), b"")

    async def receive(self) -> Event | None:
        while (message := await self._socket.receive()) is not None:
            event = self._event(*self._decode(message))
            if event is not None:
                return event
        return None

    def _decode(self, message: bytes | str) -> tuple[int, bytes]:
        if not self._base64:
            data = message.encode() if isinstance(message, str) else message
            return (data[0], data[1:]) if data else (-1, b"")
        text = message if isinstance(message, str) else message.decode("latin-1")
        try:
            return int(text[:1]), base64.b64decode(text[1:])
        except (ValueError, binascii.Error):
            return -1, b""

    def _event(self, channel: int, data: bytes) -> Event | None:
        if channel == STDIN:
            return Input(data) if data else None
        if channel == RESIZE:
            return parse_size(data)
        if channel == CLOSE and self._closes_channels and data[:1] == bytes((STDIN,)):
            return InputEnd()
        return None

    async def send(self, stream: str, data: bytes) -> None:
        channel = _NUMBERS[stream]
        if self._wanted[channel]:
            await self._send(channel, data)

    async def send_status(self, status: Object) -> None:
        if self._speaks_status:
            await self._send(ERROR, orjson.dumps(status))
        elif status["status"] != "Success":
            await self._send(ERROR, str(status["message"]).encode())

    async def _send(self, channel: int, data: bytes) -> None:
        if self._base64:
            await self._socket.send(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send(bytes((channel,)) + data)

    async def close(self) -> None:
        await self._socket.close()


def parse_size(data: bytes) -> Size | None:
    """`{"Width": 80, "Height": 24}`; None for anything else."""
    try:
        size: dict[str, Any] = orjson.loads(data)
        return Size(int(size["Width"]), int(size["Height"]))
    except (ValueError, KeyError, TypeError):
        return None
