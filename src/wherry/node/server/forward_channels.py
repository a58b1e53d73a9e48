"""Port-forward as client libraries other than Go's do it: `v4.channel.k8s.io`, a fixed list of ports in the query.

Port number i of the list has two channels: 2i for its bytes, 2i+1 for the text of a failure; each first carries the port
as two bytes, the lower one first. There is one connection per port, opened at once. Source: k8s.io/kubelet
streaming/portforward/websocket.go.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from wherry.base.tasks import cancel_and_wait
from wherry.node.server.errors import Refused
from wherry.node.server.parameters import Query
from wherry.wire.messages import ByteStream

if TYPE_CHECKING:
    from wherry.wire.websocket import WebSocket

SUBPROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")

Connect = Callable[[int], Awaitable[ByteStream]]
"""Opens a connection to a port of the pod. Raises `OSError`."""
Describe = Callable[[int, OSError], str]
"""Words the failure to forward to a port."""


def ports_of(query: Query) -> list[int]:
    """Raises `Refused` (400) without any, or for what is no port."""
    texts = [text for value in (*query.get("port", ()), *query.get("ports", ())) for text in value.split(",") if text]
    if not texts:
        raise Refused(400, 'query parameter "port" is required')
    for text in texts:
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise Refused(400, f'unable to parse "{text}" as a port')
    return [int(text) for text in texts]


class ChannelForwarding:
    """One client and its ports."""

    def __init__(self, socket: WebSocket, ports: Sequence[int], *, connect: Connect, describe: Describe) -> None:
        self._socket = socket
        self._ports = ports
        self._connect = connect
        self._describe = describe
        self._base64 = "base64" in socket.subprotocol
        self._open: dict[int, ByteStream] = {}

    async def run(self) -> None:
        """Until every connection has ended, or the client is gone."""
        for number, port in enumerate(self._ports):
            for channel in (2 * number, 2 * number + 1):
                await self._send(channel, port.to_bytes(2, "little"))
        connected = [asyncio.ensure_future(self._dial(number)) for number in range(len(self._ports))]
        tasks: list[asyncio.Task[None]] = []
        try:
            await asyncio.gather(*connected)
            inputs = asyncio.ensure_future(self._inputs())
            outputs = asyncio.ensure_future(self._outputs())
            tasks += (inputs, outputs)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(*tasks, *connected)
            for stream in self._open.values():
                stream.close()

    async def _dial(self, number: int) -> None:
        port = self._ports[number]
        try:
            self._open[number] = await self._connect(port)
        except OSError as error:
            await self._send(2 * number + 1, self._describe(port, error).encode())

    async def _outputs(self) -> None:
        await asyncio.gather(*(self._output(number, stream) for number, stream in self._open.items()))

    async def _output(self, number: int, stream: ByteStream) -> None:
        try:
            while data := await stream.read(32 * 1024):
                await self._send(2 * number, data)
        except ConnectionError:
            pass  # either end is gone: of the client's, the inputs know too

    async def _inputs(self) -> None:
        while (message := await self._socket.receive()) is not None:
            channel, data = self._decode(message)
            stream = self._open.get(channel // 2) if channel >= 0 and channel % 2 == 0 else None
            if stream is not None and data:
                try:
                    await stream.write(data)
                except ConnectionError:
                    pass  # its output ends, too

    async def _send(self, channel: int, data: bytes) -> None:
        if self._base64:
            await self._socket.send(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send(bytes((channel,)) + data)

    def _decode(self, message: bytes | str) -> tuple[int, bytes]:
        if not self._base64:
            data = message.encode() if isinstance(message, str) else message
            return (data[0], data[1:]) if data else (-1, b"")
        text = message if isinstance(message, str) else message.decode("latin-1")
        try:
            return int(text[:1]), base64.b64decode(text[1:])
        except (ValueError, binascii.Error):
            return -1, b""
