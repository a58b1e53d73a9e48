from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wherry.base.tasks import cancel_and_wait
from wherry.wire.errors import UpgradeRefused
from wherry.wire.spdy_session import SpdySession
from wherry.wire.spdy_stream import SpdyStream
from wherry.wire.websocket import WebSocketStream
from wherry.wire.websocket_handshake import connect_websocket

from .conftest import UID, Node

TUNNEL = "SPDY/3.1+portforward.k8s.io"


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    """A program in the pod: answers in capital letters, and ends when its input ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data.upper())
        writer.write(b".")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def open_pair(session: SpdySession, port: int, number: int) -> tuple[SpdyStream, SpdyStream]:
    headers = {"port": str(port), "requestid": str(number)}
    error = await session.open({"streamtype": "error", **headers})
    await error.write_eof()
    return await session.open({"streamtype": "data", **headers}), error


async def read_all(stream: SpdyStream) -> bytes:
    result = b""
    async with asyncio.timeout(5):
        while data := await stream.read():
            result += data
    return result


async def forwarded(node: Node, session: SpdySession, port: int) -> None:
    pairs = [await open_pair(session, port, number) for number in range(3)]
    for data, error in pairs:
        await data.write(b"hello" * 50_000)
        await data.write_eof()
        assert await read_all(data) == b"HELLO" * 50_000 + b"."
        assert await read_all(error) == b""
    assert node.network.connected == [("127.0.0.1", port, UID)] * 3


async def test_in_a_websocket(node: Node, echo_port: int) -> None:
    socket = await connect_websocket(node.client, node.origin, "/portForward/default/web", subprotocols=[TUNNEL])
    session = SpdySession(WebSocketStream(socket), server=False)
    running = asyncio.create_task(session.run())
    await forwarded(node, session, echo_port)
    await cancel_and_wait(running)


async def test_on_its_own(node: Node, echo_port: int) -> None:
    headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", "portforward.k8s.io")]
    upgraded = await node.client.upgrade(node.origin, "POST", "/portForward/default/web", headers=headers)
    session = SpdySession(upgraded.stream, server=False)
    running = asyncio.create_task(session.run())
    await forwarded(node, session, echo_port)
    await cancel_and_wait(running)


async def test_a_port_where_nobody_listens_and_mapped_ports(node: Node, echo_port: int) -> None:
    node.network.port_map = {80: echo_port, 81: 1}
    socket = await connect_websocket(node.client, node.origin, "/portForward/default/web", subprotocols=[TUNNEL])
    session = SpdySession(WebSocketStream(socket), server=False)
    running = asyncio.create_task(session.run())
    data, error = await open_pair(session, 81, 0)
    text = (await read_all(error)).decode()
    assert text.startswith("error forwarding port 81 to pod web_default, uid uid-1: cannot connect")
    assert await read_all(data) == b""
    data, _ = await open_pair(session, 80, 1)
    await data.write(b"a")
    await data.write_eof()
    assert await read_all(data) == b"A."
    await cancel_and_wait(running)


async def test_refusals(node: Node) -> None:
    for target, why in (("/portForward/default/none", "pod does not exist"),):
        with pytest.raises(UpgradeRefused, match=why):
            await connect_websocket(node.client, node.origin, target, subprotocols=[TUNNEL])
    node.pods.items[0]["status"]["phase"] = "Succeeded"
    with pytest.raises(UpgradeRefused, match="Current status=Succeeded"):
        await connect_websocket(node.client, node.origin, "/portForward/default/web", subprotocols=[TUNNEL])
