from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.wire.bytestream import TransportStream
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin, connect
from wherry.wire.errors import ConnectFailed, PeerClosed, ProtocolError, TimedOut, UpgradeRefused
from wherry.wire.messages import BodyWriter, ByteStream, Request, Response, StreamResponse, Upgrade
from wherry.wire.server import Server
from wherry.wire.tls import client_context, server_context

from .certificates import Authority
from .conftest import Start

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.aclose()


@pytest.fixture
async def scripted() -> AsyncIterator[Callable[[Script], Awaitable[Origin]]]:
    """A server that answers with bytes given by the test."""
    servers: list[asyncio.Server] = []

    async def make(script: Script) -> Origin:
        servers.append(await asyncio.start_server(script, "127.0.0.1", 0))
        return Origin(host="127.0.0.1", port=servers[-1].sockets[0].getsockname()[1])

    yield make
    for server in servers:
        server.close()
        await server.wait_closed()


def origin_of(server: Server) -> Origin:
    return Origin(host="127.0.0.1", port=server.port)


async def test_requests_share_a_connection(start: Start, client: HttpClient) -> None:
    ports: set[int] = set()

    def handler(request: Request) -> Response:
        ports.add(request.peer.port)
        return Response(201, request.method.encode() + request.body, "text/plain", [("X-A", request.headers["x-b"])])

    origin = origin_of(await start(handler))
    for method, body in (("POST", b"abc"), ("GET", b""), ("HEAD", b""), ("PUT", b"x" * 100_000), ("DELETE", b"")):
        response = await client.request(origin, method, "/a?b=c", headers=[("X-B", "v")], body=body)
        assert response.status == 201
        assert response.content_type == "text/plain"
        assert response.body == (b"" if method == "HEAD" else method.encode() + body)
        assert ("X-A", "v") in response.headers
    assert len(ports) == 1


async def test_a_stream_comes_piece_by_piece(start: Start, client: HttpClient) -> None:
    more = asyncio.Event()

    async def produce(body: BodyWriter) -> None:
        await body.write(b"first")
        await more.wait()
        await body.write(b"second")

    origin = origin_of(await start(lambda r: StreamResponse(produce)))
    stream = await client.stream(origin, "GET", "/")
    assert await stream.read() == b"first"
    more.set()
    assert await stream.read_all() == b"second"
    await stream.aclose()
    await stream.aclose()
    assert (await client.request(origin, "GET", "/")).body == b"firstsecond"


async def test_answers_until_close_and_interim_answers(client: HttpClient, scripted) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nC: d\r\n\r\nuntil ")
        await writer.drain()
        writer.write(b"the end")
        writer.close()

    response = await client.request(await scripted(script), "GET", "/")
    assert response.body == b"until the end"
    assert list(response.headers) == [("C", "d")]


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", PeerClosed),
        (b"HTTP/1.1 200 OK\r\nContent-Le", PeerClosed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", PeerClosed),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", PeerClosed),
        (b"SMTP ready\r\n", ProtocolError),
    ],
)
async def test_broken_answers(client: HttpClient, scripted, sent: bytes, error: type[Exception]) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.close()

    with pytest.raises(error):
        await client.request(await scripted(script), "GET", "/")


async def test_only_safe_requests_are_sent_again(client: HttpClient, scripted) -> None:  # type: ignore[no-untyped-def]
    answered = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer once, promise to keep the connection, and drop it at the next request."""
        nonlocal answered
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        answered += 1
        await reader.read(1)
        writer.close()

    origin = await scripted(script)
    assert (await client.request(origin, "GET", "/")).body == b"x"
    assert (await client.request(origin, "GET", "/")).body == b"x"
    assert answered == 2
    with pytest.raises(PeerClosed):
        await client.request(origin, "POST", "/")
    assert answered == 2


async def test_timeouts_and_refused_connections(start: Start, client: HttpClient) -> None:
    async def never(request: Request) -> Response:
        await asyncio.Event().wait()
        return Response()

    clock = FakeClock()
    server = await start(never)
    async with asyncio.timeout(5):
        slow = HttpClient(clock=clock)
        request = asyncio.create_task(slow.request(origin_of(server), "GET", "/", timeout=3))
        await asyncio.sleep(0.02)
        await clock.advance(3.1)
        with pytest.raises(TimedOut, match="within 3 seconds"):
            await request
    port = server.port
    await server.close(grace_seconds=0)
    with pytest.raises(ConnectFailed, match=f"cannot connect to 127.0.0.1:{port}"):
        await client.request(Origin(host="127.0.0.1", port=port), "GET", "/")
    with pytest.raises(ValueError, match="request target"):
        await client.request(Origin(host="127.0.0.1", port=port), "GET", "/a b")


async def test_upgrade(start: Start, client: HttpClient) -> None:
    async def takeover(stream: ByteStream) -> None:
        await stream.write(b"hello ")
        while data := await stream.read():
            await stream.write(data.upper())

    def handler(request: Request) -> Response | Upgrade:
        if request.path == "/no":
            return Response(403, b"not for you")
        return Upgrade(takeover, [("Upgrade", "shout"), ("X", "y")])

    origin = origin_of(await start(handler))
    headers = [("Connection", "Upgrade"), ("Upgrade", "shout")]
    upgraded = await client.upgrade(origin, "GET", "/yes", headers=headers)
    assert upgraded.headers["x"] == "y"
    await upgraded.stream.write(b"abc")
    received = b""
    while len(received) < 9:
        received += await upgraded.stream.read(4)
    assert received == b"hello ABC"
    upgraded.stream.close()
    with pytest.raises(UpgradeRefused, match="status 403: not for you"):
        await client.upgrade(origin, "GET", "/no", headers=headers)


async def test_tls_with_client_certificate(start: Start, client: HttpClient, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = server_context(*authority.issue("server"), client_ca=authority.file)
    seen: list[object] = []

    def handler(request: Request) -> Response:
        seen.append(request.peer.certificate)
        return Response(200, b"x" * 300_000)

    server = await start(handler, tls=context)
    certificate, key = authority.issue("alice", "team")
    known = client_context(ca=authority.file, certificate=certificate, key=key)
    for tls in (known, client_context(ca=authority.file.read_text())):
        response = await client.request(Origin(host="127.0.0.1", port=server.port, tls=tls), "GET", "/")
        assert len(response.body) == 300_000
    assert seen[0]["subject"] == ((("organizationName", "team"),), (("commonName", "alice"),))  # type: ignore[index]
    assert seen[1] is None
    with pytest.raises(ConnectFailed, match="certificate not trusted"):
        await client.request(Origin(host="127.0.0.1", port=server.port, tls=client_context()), "GET", "/")
    # The same through a stream that somebody else opened, with TLS on top of it.
    opened: list[ByteStream] = []

    async def dial() -> ByteStream:
        opened.append(await connect(Origin(host="127.0.0.1", port=server.port)))
        return opened[-1]

    for tls in (known, client_context()):
        through = Origin(host="pod", port=443, tls=tls, server_name="localhost", dial=dial)
        if tls is known:
            assert len((await client.request(through, "GET", "/")).body) == 300_000
        else:
            with pytest.raises(ConnectFailed, match="TLS handshake with localhost failed"):
                await client.request(through, "GET", "/")
    assert all(isinstance(stream, TransportStream) for stream in opened)
