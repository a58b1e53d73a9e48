"""What may be read in two ways is refused, what never ends is cut off, and nobody can make the server keep much."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.wire.messages import BodyWriter, Request, Response, StreamResponse
from wherry.wire.server_options import ServerOptions

from .certificates import Authority
from .conftest import Connect, Start

POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

REFUSED = {
    "two lengths that agree": (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
    "two lengths that do not": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
    "a list of lengths": (POST + b"Content-Length: 1, 1\r\n\r\nx", 400),
    "length, then chunks": (POST + b"Content-Length: 3\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "chunks, then length": (POST + CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "another encoding": (POST + b"Transfer-Encoding: gzip\r\n\r\nx", 501),
    "an encoding in front": (POST + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 501),
    "an encoding behind": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    "nearly chunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "a space before the colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "a signed length": (POST + b"Content-Length: +1\r\n\r\nx", 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\nx", 400),
    "a length with an underscore": (POST + b"Content-Length: 1_0\r\n\r\nx", 400),
    "a length beyond all numbers": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx", 400),
    "a length with 5,000 zeros": (POST + b"Content-Length: " + b"0" * 5000 + b"1\r\n\r\nx", 413),
    "a folded header": (GET + b"X: a\r\n b\r\n\r\n", 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: h\n\n", 400),
    "a bare carriage return": (GET + b"X: a\rb\r\n\r\n", 400),
    "a zero byte": (GET + b"X: a\0b\r\n\r\n", 400),
    "a header without a name": (GET + b": a\r\n\r\n", 400),
    "two hosts": (GET + b"Host: evil\r\n\r\n", 400),
    "a chunk beyond all numbers": (POST + CHUNKED + b"\r\n" + b"f" * 17 + b"\r\nx", 400),
    "a negative chunk": (POST + CHUNKED + b"\r\n-1\r\nx", 400),
    "a chunk with a line feed": (POST + CHUNKED + b"\r\n1\nx\n0\n\n", 400),
    "more than the chunk said": (POST + CHUNKED + b"\r\n1\r\nxx\r\n0\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (bytes.fromhex("16030100f1010000ed0303"), 400),
    "a header that never ends": (GET + b"X: " + b"a" * 1_000_000, 431),
    "headers that never end": (GET + b"X: a\r\n" * 200_000, 431),
    "a path that never ends": (b"GET /" + b"a" * 1_000_000, 431),
    "a trailer that never ends": (POST + CHUNKED + b"\r\n0\r\nX: " + b"a" * 1_000_000, 431),
    "trailers that never end": (POST + CHUNKED + b"\r\n0\r\n" + b"X: a\r\n" * 200_000, 431),
    "an extension that never ends": (POST + CHUNKED + b"\r\n1;" + b"a" * 1_000_000, 431),
    "a chunked body that is too large": (POST + CHUNKED + b"\r\n" + b"4\r\naaaa\r\n" * 100_000, 413),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_and_nothing_behind_it_is_taken_for_a_request(
    start: Start, connect: Connect, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    handled: list[str] = []

    def handler(request: Request) -> Response:
        handled.append(request.path)
        return Response(200)

    sent, status = REFUSED[name]
    raw = await connect(await start(handler, options=ServerOptions(body_limit=100_000)))
    raw.send(sent + b"\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n")
    head, _ = await raw.response()
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close\r\n" in head
    assert handled == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_body_in_the_smallest_chunks_is_taken(start: Start, connect: Connect) -> None:
    raw = await connect(await start(lambda request: Response(200, b"%d" % len(request.body))))
    raw.send(POST + CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 300_000 + b"0\r\n\r\n")
    assert (await raw.response())[1] == b"300000"


async def test_a_body_that_trickles_is_cut_off(start: Start, connect: Connect) -> None:
    clock = FakeClock()
    raw = await connect(await start(lambda request: Response(200), clock=clock))
    raw.send(POST + b"Content-Length: 1000\r\n\r\n")
    answer, sent = asyncio.create_task(raw.rest()), 0
    while not answer.done() and sent < 30:
        raw.send(b"x")
        sent += 1
        await asyncio.sleep(0.01)
        await clock.advance(20)
        await asyncio.sleep(0.01)
    assert (await answer).startswith(b"HTTP/1.1 408 ")
    assert 10 < sent < 30


async def test_half_requests_of_many_connections_have_a_bound_together(start: Start, connect: Connect) -> None:
    server = await start(
        lambda request: Response(200, b"%d" % len(request.body)), options=ServerOptions(bodies_limit=1_000_000)
    )
    half = [await connect(server) for _ in range(10)]
    for raw in half:
        raw.send(POST + b"Content-Length: 200000\r\n\r\n" + b"x" * 199_999)
    await asyncio.sleep(0.1)
    assert server.unfinished <= 1_000_000
    refused, waiting = [], []
    for raw in half:
        try:
            head = await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 0.1)
        except TimeoutError:
            waiting.append(raw)
        else:
            assert head.startswith(b"HTTP/1.1 429 ")
            refused.append(raw)
    assert len(waiting) == 5 and len(refused) == 5
    for raw in waiting:
        raw.send(b"x")
        assert (await raw.response())[1] == b"200000"
    assert server.unfinished == 0


async def test_large_requests_behind_a_running_one_are_not_read(start: Start, connect: Connect) -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Response:
        await release.wait()
        return Response(200, b"%d" % len(request.body))

    server = await start(slow, options=ServerOptions(body_limit=1_000_000))
    raw = await connect(server)
    for _ in range(40):
        raw.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
    await asyncio.sleep(0.3)
    assert raw.writer.transport.get_write_buffer_size() > 20_000_000
    release.set()
    for _ in range(40):
        assert (await raw.response())[1] == b"1000000"


async def test_who_does_not_read_the_end_of_a_stream_is_dropped(start: Start, connect: Connect) -> None:
    clock = FakeClock()

    async def produce(body: BodyWriter) -> None:
        for _ in range(200):
            body.write_nowait(bytes(100_000))

    server = await start(lambda request: StreamResponse(produce), clock=clock)
    raw = await connect(server)
    raw.send(GET + b"\r\n")
    await raw.until(b"\r\n\r\n")
    await asyncio.sleep(0.1)
    assert len(server.connections) == 1
    await clock.advance(15)
    await asyncio.sleep(0.05)
    assert not server.connections


async def test_a_handshake_that_never_ends_is_ended(start: Start, connect: Connect, tmp_path, caplog) -> None:  # type: ignore[no-untyped-def]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path).issue("server"))
    server = await start(lambda request: Response(200), tls=context, options=ServerOptions(head_timeout=0.3))
    silent, half, rubbish = [await connect(server) for _ in range(3)]
    half.send(bytes.fromhex("16030100f1010000ed0303"))
    rubbish.send(GET + b"\r\n")
    for raw in (silent, half, rubbish):
        try:
            await raw.rest()
        except ConnectionError:
            pass
    assert not server.connections
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
