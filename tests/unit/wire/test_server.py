from __future__ import annotations

import asyncio
import socket

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.wire.errors import AddressInUse, BindFailed
from wherry.wire.messages import BodyWriter, ByteStream, Request, Response, StreamResponse, Upgrade
from wherry.wire.server import serve
from wherry.wire.server_options import ServerOptions

from .conftest import Connect, Start

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"


def echo(request: Request) -> Response:
    return Response(200, f"{request.method} {request.path}?{request.raw_query} ".encode() + request.body, "text/plain")


async def test_keep_alive_and_the_parts_of_a_request(start: Start, connect: Connect) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return echo(request)

    raw = await connect(await start(handler))
    for _ in range(2):
        raw.send(b"POST /a%20b?c=%20 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\nxyz")
        head, body = await raw.response()
        assert body == b"POST /a b?c=%20 xyz"
        assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ")
    assert seen[0].headers["x-a"] == "1, 2"
    assert seen[0].target == "/a%20b?c=%20"
    assert seen[0].peer.address == "127.0.0.1"
    assert seen[0].peer.certificate is None


async def test_pipelined_answers_keep_their_order(start: Start, connect: Connect) -> None:
    async def slow(request: Request) -> Response:
        await asyncio.sleep(0)
        return echo(request)

    def handler(request: Request) -> Response:
        return slow(request) if request.path == "/slow" else echo(request)  # type: ignore[return-value]

    raw = await connect(await start(handler))
    raw.send(b"".join(b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n" % name for name in (b"slow", b"1", b"slow", b"2") * 20))
    for name in (b"slow", b"1", b"slow", b"2") * 20:
        assert (await raw.response())[1] == b"GET /%s? " % name


async def test_chunked_request_body(start: Start, connect: Connect) -> None:
    raw = await connect(await start(echo))
    raw.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    raw.send(b"2\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
    assert (await raw.response())[1] == b"POST /? abcde"


async def test_expect_continue(start: Start, connect: Connect) -> None:
    raw = await connect(await start(echo))
    raw.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert await raw.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    raw.send(b"ok")
    assert (await raw.response())[1] == b"POST /? ok"


async def test_head_has_the_length_and_no_body(start: Start, connect: Connect) -> None:
    raw = await connect(await start(lambda r: Response(200, b"four" if r.method == "HEAD" else b"2nd")))
    raw.send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b"Content-Length: 4\r\n" in await raw.until(b"\r\n\r\n")
    raw.send(GET)
    assert (await raw.response())[1] == b"2nd"


async def test_no_content_has_neither_length_nor_type(start: Start, connect: Connect) -> None:
    raw = await connect(await start(lambda r: Response(204)))
    raw.send(GET)
    head = (await raw.until(b"\r\n\r\n")).lower()
    assert b"content-length" not in head
    assert b"content-type" not in head


async def test_a_body_in_pieces_larger_than_one_write(start: Start, connect: Connect) -> None:
    pieces = [bytes([65 + i]) * 700_000 for i in range(5)]
    raw = await connect(await start(lambda r: Response(200, pieces)))
    raw.send(GET)
    assert (await raw.response())[1] == b"".join(pieces)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 3000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 3000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"a" * 101, b"413"),
        (b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", b"405"),
    ],
)
async def test_requests_that_are_refused(start: Start, connect: Connect, sent: bytes, status: bytes) -> None:
    server = await start(echo, options=ServerOptions(body_limit=100, head_limit=2000))
    raw = await connect(server)
    raw.send(GET + sent)
    assert (await raw.response())[0].startswith(b"HTTP/1.1 200 ")
    head, _ = await raw.response()
    assert head.startswith(b"HTTP/1.1 %s " % status)
    assert b"Connection: close\r\n" in head


async def test_a_handler_that_fails_is_a_500_and_the_connection_goes_on(start: Start, connect: Connect) -> None:
    failures: list[str] = []

    def on_error(request: Request, error: Exception) -> Response:
        failures.append(repr(error))
        return Response(500, b"oops")

    async def later() -> Response:
        raise KeyError("b")

    def handler(request: Request) -> Response:
        if request.path == "/async":
            return later()  # type: ignore[return-value]
        if request.path == "/header":
            return Response(200, b"", headers=[("A", "b\r\nEvil: 1")])
        raise KeyError("a")

    raw = await connect(await start(handler, options=ServerOptions(on_error=on_error)))
    for path in (b"/sync", b"/async", b"/header"):
        raw.send(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path)
        head, body = await raw.response()
        assert head.startswith(b"HTTP/1.1 500 ")
        assert body == b"oops"
    assert failures[:2] == ["KeyError('a')", "KeyError('b')"]
    assert "line breaks" in failures[2]


async def test_http10_and_connection_close(start: Start, connect: Connect) -> None:
    server = await start(echo)
    for sent in (b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"):
        raw = await connect(server)
        raw.send(sent)
        assert b"Connection: close\r\n" in (await raw.response())[0]
        assert await raw.rest() == b""
    raw = await connect(server)
    raw.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"Connection: keep-alive\r\n" in (await raw.response())[0]


async def test_a_half_closed_peer_still_gets_its_answer(start: Start, connect: Connect) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(0.01)
        return echo(request)

    raw = await connect(await start(handler))
    raw.send(GET)
    raw.writer.write_eof()
    assert (await raw.rest()).endswith(b"GET /x? ")


async def test_a_stream_is_chunked_and_the_connection_goes_on(start: Start, connect: Connect) -> None:
    async def produce(body: BodyWriter) -> None:
        await body.write(b"one")
        await body.write(b"")
        assert body.write_nowait(b"two" * 10) >= 0

    server = await start(lambda r: StreamResponse(produce, headers=[("A", "b")]))
    raw = await connect(server)
    for _ in range(2):
        raw.send(GET)
        assert b"A: b\r\nTransfer-Encoding: chunked\r\n\r\n" in await raw.until(b"\r\n\r\n")
        assert await raw.until(b"0\r\n\r\n") == b"3\r\none\r\n1e\r\n" + b"two" * 10 + b"\r\n0\r\n\r\n"
    old = await connect(server)
    old.send(b"GET / HTTP/1.0\r\n\r\n")
    assert (await old.rest()).endswith(b"\r\n\r\none" + b"two" * 10)


async def test_a_slow_reader_holds_the_producer_back(start: Start, connect: Connect) -> None:
    written = 0
    total = 64 * 1024 * 1024

    async def produce(body: BodyWriter) -> None:
        nonlocal written
        while written < total:
            await body.write(bytes(65536))
            written += 65536

    raw = await connect(await start(lambda r: StreamResponse(produce)))
    raw.send(GET)
    await raw.until(b"\r\n\r\n")
    await asyncio.sleep(0.05)
    before = written
    assert before < total
    await raw.reader.readexactly(16 * 1024 * 1024)
    assert written > before


async def test_the_handler_is_cancelled_when_the_peer_goes_away(start: Start, connect: Connect) -> None:
    ended = asyncio.Event()

    async def produce(body: BodyWriter) -> None:
        try:
            await body.write(b"hello")
            await asyncio.Event().wait()
        finally:
            ended.set()

    raw = await connect(await start(lambda r: StreamResponse(produce)))
    raw.send(GET)
    await raw.until(b"hello")
    await raw.close()
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_failing_stream_is_cut_short(start: Start, connect: Connect) -> None:
    async def produce(body: BodyWriter) -> None:
        await body.write(b"hello")
        raise KeyError("x")

    raw = await connect(await start(lambda r: StreamResponse(produce)))
    raw.send(GET)
    await raw.until(b"\r\n\r\n")
    try:
        assert not (await raw.rest()).endswith(b"0\r\n\r\n")
    except ConnectionError:
        pass


async def test_upgrade_gives_the_connection_away(start: Start, connect: Connect) -> None:
    async def takeover(stream: ByteStream) -> None:
        while data := await stream.read():
            await stream.write(data.upper())
        await stream.write(b"<end>")

    raw = await connect(await start(lambda r: Upgrade(takeover, [("Upgrade", "shout")])))
    raw.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nearly ")
    head = await raw.until(b"\r\n\r\n")
    assert head == b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: Upgrade\r\n\r\n"
    raw.send(b"late")
    await raw.until(b"LATE")
    raw.writer.write_eof()
    assert await raw.rest() == b"<end>"


async def test_an_upgrade_that_is_declined_leaves_http(start: Start, connect: Connect) -> None:
    async def later(request: Request) -> Response:
        await asyncio.sleep(0)
        return echo(request)

    def handler(request: Request) -> Response:
        return later(request) if request.path == "/later" else echo(request)  # type: ignore[return-value]

    raw = await connect(await start(handler))
    for path in (b"/", b"/later"):
        raw.send(b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" % path + GET)
        assert (await raw.response())[1] == b"GET %s? " % path
        assert (await raw.response())[1] == b"GET /x? "


async def test_timeouts(start: Start, connect: Connect) -> None:
    clock = FakeClock()
    server = await start(echo, clock=clock)
    silent, slow, idle, body = [await connect(server) for _ in range(4)]
    slow.send(b"GET / HTTP/1.1\r\nHo")
    idle.send(GET)
    body.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
    await idle.response()
    await asyncio.sleep(0.02)
    await clock.advance(40)
    assert await silent.rest() == b""
    assert (await slow.rest()).startswith(b"HTTP/1.1 408 ")
    idle.send(GET)
    await idle.response()
    await clock.advance(95)
    assert await idle.rest() == b""
    assert (await body.rest()).startswith(b"HTTP/1.1 408 ")


async def test_close_finishes_what_runs_and_ends_streams(connect: Connect) -> None:
    release = asyncio.Event()

    async def produce(body: BodyWriter) -> None:
        await body.write(b"event")
        await asyncio.Event().wait()

    async def slow() -> Response:
        await release.wait()
        return Response(200, b"done")

    def handler(request: Request) -> StreamResponse | Response:
        return StreamResponse(produce) if request.path == "/watch" else slow()  # type: ignore[return-value]

    server = await serve(handler)
    idle, running, watch = [await connect(server) for _ in range(3)]
    running.send(GET)
    watch.send(b"GET /watch HTTP/1.1\r\nHost: h\r\n\r\n")
    await watch.until(b"event\r\n")
    closing = asyncio.create_task(server.close())
    assert await watch.rest() == b"0\r\n\r\n"
    assert await idle.rest() == b""
    release.set()
    head, body = await running.response()
    assert body == b"done"
    assert b"Connection: close" in head
    await asyncio.wait_for(closing, 5)
    with pytest.raises(ConnectionRefusedError):
        await connect(server)


async def test_close_gives_up_on_a_handler_that_never_ends(connect: Connect) -> None:
    async def never(request: Request) -> Response:
        await asyncio.Event().wait()
        return Response()

    server = await serve(never)
    raw = await connect(server)
    raw.send(GET)
    await asyncio.sleep(0.02)
    await asyncio.wait_for(server.close(grace_seconds=0.05), 5)


async def test_bind_errors_and_ready_made_sockets(start: Start, connect: Connect) -> None:
    own = socket.create_server(("127.0.0.1", 0))
    server = await start(echo, sockets=[own])
    raw = await connect(server)
    raw.send(GET)
    await raw.response()
    with pytest.raises(AddressInUse, match=f"cannot listen on 127.0.0.1:{server.port}: address already in use"):
        await serve(echo, port=server.port)
    with pytest.raises(BindFailed):
        await serve(echo, hosts=["192.0.2.1"])


async def test_draining_answers_and_lets_connections_go(start: Start, connect: Connect) -> None:
    server = await start(echo)
    kept = await connect(server)
    kept.send(GET)
    assert b"connection: close" not in (await kept.response())[0].lower()
    server.drain()
    kept.send(GET)
    head, body = await kept.response()
    assert head.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in head.lower()
    assert body
    assert await kept.rest() == b""
    new = await connect(server)  # it still listens
    new.send(GET)
    assert (await new.response())[0].startswith(b"HTTP/1.1 200")
