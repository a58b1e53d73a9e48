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


async def test_the_ports_of_the_query_on_channels(node: Node, echo_port: int) -> None:
    target = f"/portForward/default/web?port={echo_port},1"
    socket = await connect_websocket(node.client, node.origin, target, subprotocols=["v4.channel.k8s.io"], timeout=5)
    lower = echo_port.to_bytes(2, "little")
    first = [await socket.receive() for _ in range(4)]
    assert first == [b"\x00" + lower, b"\x01" + lower, b"\x02\x01\x00", b"\x03\x01\x00"]
    failure = await socket.receive()
    assert isinstance(failure, bytes)
    assert failure.startswith(b"\x03error forwarding port 1 to pod web_default, uid uid-1: cannot connect")
    for message in (b"", b"\x07x", b"\x00abc"):
        await socket.send(message)
    assert await socket.receive() == b"\x00ABC"
    await socket.close()


async def test_channels_in_base64_end_with_the_last_connection(node: Node) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = f"/portForward/default/web?ports={port}"
    socket = await connect_websocket(node.client, node.origin, target, subprotocols=["v4.base64.channel.k8s.io"])
    await socket.receive()
    await socket.receive()
    await socket.send("0" + "aGk=")
    assert await socket.receive() == "0aGk="
    assert await socket.receive() is None
    assert socket.close_code == 1000
    server.close()
    await server.wait_closed()


async def test_refusals(node: Node) -> None:
    with pytest.raises(UpgradeRefused, match="pod does not exist"):
        await connect_websocket(node.client, node.origin, "/portForward/default/none", subprotocols=[TUNNEL])
    for query, why in (("", 'query parameter "port" is required'), ("?port=x", 'unable to parse "x"')):
        target = f"/portForward/default/web{query}"
        with pytest.raises(UpgradeRefused, match=why):
            await connect_websocket(node.client, node.origin, target, subprotocols=["v4.channel.k8s.io"])
    node.pods.items[0]["status"]["phase"] = "Succeeded"
    with pytest.raises(UpgradeRefused, match="Current status=Succeeded"):
        await connect_websocket(node.client, node.origin, "/portForward/default/web", subprotocols=[TUNNEL])
