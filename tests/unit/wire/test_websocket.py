from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.errors import PeerClosed, ProtocolError, UpgradeRefused
from wherry.wire.memory import pipe
from wherry.wire.messages import Reply, Request, Response, Upgrade
from wherry.wire.websocket import WebSocket, WebSocketStream
from wherry.wire.websocket_handshake import (
    WebSocketHandler,
    accept_value,
    accept_websocket,
    check_answer,
    connect_websocket,
    handshake_headers,
)

from .conftest import Start


def pair(limit: int = 1000) -> tuple[WebSocket, WebSocket]:
    one, other = pipe()
    return WebSocket(one, client=True), WebSocket(other, client=False, message_limit=limit)


async def test_messages_of_both_kinds_and_a_close() -> None:
    client, server = pair()
    await client.send(b"bytes")
    await client.send("text ☃")
    await client.send(b"")
    assert await server.receive() == b"bytes"
    assert await server.receive() == "text ☃"
    assert await server.receive() == b""
    closing = asyncio.create_task(client.close(4001, "enough"))
    assert await server.receive() is None
    assert (server.close_code, server.close_reason) == (4001, "enough")
    await closing
    assert await server.receive() is None
    with pytest.raises(PeerClosed):
        await server.send(b"x")


async def test_fragments_and_pings_between_them() -> None:
    raw, stream = pipe()
    server = WebSocket(stream, client=False)
    mask = bytes(4)
    await raw.write(b"\x02\x83" + mask + b"abc" + b"\x89\x81" + mask + b"p")
    for byte in b"\x80\x82" + mask + b"de":  # frames cut into single bytes
        await raw.write(bytes([byte]))
    assert await server.receive() == b"abcde"
    assert await raw.read() == b"\x8a\x01p"


async def test_large_messages_wait_for_the_reader() -> None:
    client, server = pair(limit=2_000_000)
    data = bytes(range(256)) * 6000
    sending = asyncio.create_task(client.send(data))
    await asyncio.sleep(0)
    assert not sending.done()
    assert await server.receive() == data
    await sending


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x82\x03abc", 1002),  # not masked
        (b"\x83\x83" + bytes(4) + b"abc", 1002),  # unknown opcode
        (b"\x81\x81" + bytes(4) + b"\xff", 1007),  # not UTF-8
        (b"\x82\xfe\x04\x00" + bytes(4 + 1024), 1009),  # above the limit
    ],
)
async def test_a_peer_that_breaks_the_protocol_is_told(sent: bytes, code: int) -> None:
    raw, stream = pipe()
    server = WebSocket(stream, client=False, message_limit=1000)
    await raw.write(sent)
    assert await server.receive() is None
    assert server.close_code == code
    answer = await raw.read()
    assert answer[0] == 0x88
    assert int.from_bytes(answer[2:4], "big") == code


async def test_a_broken_connection_ends_the_messages() -> None:
    raw, stream = pipe()
    server = WebSocket(stream, client=False)
    raw.close()
    assert await server.receive() is None
    assert server.close_code == 1006


async def test_close_while_somebody_receives() -> None:
    client, server = pair()
    receiving = asyncio.create_task(server.receive())
    await asyncio.sleep(0)
    closing = asyncio.create_task(server.close())
    assert await client.receive() is None
    await closing
    assert await receiving is None


async def test_as_a_byte_stream() -> None:
    client, server = pair()
    stream = WebSocketStream(server)
    await client.send(b"abcdef")
    await client.send(b"")
    await client.send(b"gh")
    assert await stream.read(4) == b"abcd"
    assert await stream.read(4) == b"ef"
    assert await stream.read() == b"gh"
    await stream.write(b"back")
    assert await client.receive() == b"back"
    stream.close()
    assert await client.receive() is None


def test_the_key_of_the_rfc() -> None:
    assert accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


GOOD = dict(handshake_headers(["b", "c"]))


async def nothing(socket: WebSocket) -> None:
    return None


@pytest.mark.parametrize(
    ("method", "changes", "why"),
    [
        ("POST", {}, "must use GET"),
        ("GET", {"Upgrade": "h2c"}, "not a WebSocket handshake"),
        ("GET", {"Connection": "keep-alive"}, "not a WebSocket handshake"),
        ("GET", {"Sec-WebSocket-Version": "8"}, "only 13"),
        ("GET", {"Sec-WebSocket-Key": "abc"}, "16 bytes"),
        ("GET", {"Sec-WebSocket-Key": "YWJj"}, "16 bytes"),
        ("GET", {"Sec-WebSocket-Protocol": "x"}, "use one of: a, b"),
    ],
)
def test_bad_handshakes(method: str, changes: dict[str, str], why: str) -> None:
    request = Request.make(method, "/", headers={**GOOD, **changes})
    answer = accept_websocket(request, nothing, subprotocols=["a", "b"])
    assert isinstance(answer, Response)
    assert answer.status == 400
    assert isinstance(answer.body, bytes)
    assert why in answer.body.decode()


def test_the_subprotocol_is_the_clients_first_choice_that_is_known() -> None:
    def chosen(offered: str, known: list[str]) -> str | None:
        answer = accept_websocket(
            Request.make("GET", "/", headers={**GOOD, "Sec-WebSocket-Protocol": offered}), nothing, subprotocols=known
        )
        assert isinstance(answer, Upgrade)
        return dict(answer.headers).get("Sec-WebSocket-Protocol")

    assert chosen("c, b, a", ["a", "b"]) == "b"
    assert chosen("", ["a"]) is None
    assert chosen("x", []) is None


def test_the_client_checks_the_answer() -> None:
    answer = {"upgrade": "websocket", "sec-websocket-accept": accept_value(GOOD["Sec-WebSocket-Key"])}
    sent = list(GOOD.items())
    assert check_answer(sent, {**answer, "sec-websocket-protocol": "b"}, ["b"]) == "b"
    for wrong in ({"upgrade": "x"}, {"sec-websocket-accept": "x"}, {"sec-websocket-protocol": "z"}):
        with pytest.raises(ProtocolError):
            check_answer(sent, {**answer, **wrong}, ["b"])


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.aclose()


def serving(handler: WebSocketHandler) -> object:
    def handle(request: Request) -> Reply:
        return accept_websocket(request, handler, subprotocols=["echo"])

    return handle


async def test_over_a_socket(start: Start, client: HttpClient) -> None:
    async def echo(socket: WebSocket) -> None:
        while (message := await socket.receive()) is not None:
            await socket.send(message)
            if message == "end":
                return

    server = await start(serving(echo))
    socket = await connect_websocket(
        client, Origin(host="127.0.0.1", port=server.port), "/x?y=z", subprotocols=["no", "echo"]
    )
    assert socket.subprotocol == "echo"
    for message in (b"a", "b", b"c" * 3_000_000, "end"):
        await socket.send(message)
        assert await socket.receive() == message
    assert await socket.receive() is None
    assert socket.close_code == 1000
    with pytest.raises(UpgradeRefused, match="use one of: echo"):
        await connect_websocket(client, Origin(host="127.0.0.1", port=server.port), "/", subprotocols=["no"])


async def test_a_handler_that_fails_closes_with_1011_and_a_closing_server_with_1001(
    start: Start, client: HttpClient
) -> None:
    async def fail(socket: WebSocket) -> None:
        if await socket.receive() == "fail":
            raise KeyError("x")
        await socket.receive()

    server = await start(serving(fail))
    origin = Origin(host="127.0.0.1", port=server.port)
    socket = await connect_websocket(client, origin, "/")
    await socket.send("fail")
    assert await socket.receive() is None
    assert socket.close_code == 1011
    waiting = await connect_websocket(client, origin, "/")
    await waiting.send("wait")
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(server.close())
    assert await waiting.receive() is None
    assert waiting.close_code == 1001
    await asyncio.wait_for(closing, 5)
