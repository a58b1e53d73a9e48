from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from wherry.base.tasks import cancel_and_wait
from wherry.wire.errors import PeerClosed, ProtocolError, StreamReset
from wherry.wire.memory import pipe
from wherry.wire.spdy import Data, FrameReader, FrameWriter, GoAway, RstStream, SynStream
from wherry.wire.spdy_session import SpdySession
from wherry.wire.spdy_stream import SpdyStream

Pair = Callable[..., Awaitable[tuple[SpdySession, SpdySession, "asyncio.Queue[SpdyStream]"]]]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    tasks: list[asyncio.Task[None]] = []

    async def make(honour_windows: bool = False) -> tuple[SpdySession, SpdySession, asyncio.Queue[SpdyStream]]:
        one, other = pipe()
        opened: asyncio.Queue[SpdyStream] = asyncio.Queue()
        client = SpdySession(one, server=False, honour_windows=honour_windows)
        server = SpdySession(other, server=True, on_stream=opened.put_nowait, honour_windows=honour_windows)
        tasks.extend(asyncio.create_task(session.run()) for session in (client, server))
        return client, server, opened

    yield make
    await cancel_and_wait(*tasks)


async def test_streams_both_ways_with_half_close(pair: Pair) -> None:
    client, _, opened = await pair()
    error = await client.open({"streamtype": "error", "requestid": "0"})
    data = await client.open({"streamtype": "data", "requestid": "0"})
    served_error, served = await opened.get(), await opened.get()
    assert served_error.headers["streamtype"] == "error"
    await served.accept({"x": "y"})
    await data.wait_accepted()
    assert data.reply_headers == {"x": "y"}
    await data.write(b"question")
    await data.write_eof()
    assert await served.read(4) == b"ques"
    assert await served.read() == b"tion"
    assert await served.read() == b""
    await served.write(b"answer")
    await served.write_eof()
    assert await data.read() == b"answer"
    assert await data.read() == b""
    with pytest.raises(PeerClosed):
        await data.write(b"more")
    await error.reset()
    with pytest.raises(StreamReset):
        await served_error.read()
    await client.ping()


@pytest.mark.parametrize("honour_windows", [False, True])
async def test_more_than_a_window(pair: Pair, honour_windows: bool) -> None:
    client, _, opened = await pair(honour_windows)
    one, two = await client.open({"n": "1"}), await client.open({"n": "2"})
    streams = [await opened.get(), await opened.get()]
    total = 300_000
    writing = [asyncio.create_task(stream.write(bytes(total))) for stream in (one, two)]

    async def read_all(stream: SpdyStream) -> None:
        await stream.accept()
        received = 0
        while received < total:
            received += len(await stream.read())

    await asyncio.wait_for(asyncio.gather(*(read_all(stream) for stream in streams)), 5)
    await asyncio.wait_for(asyncio.gather(*writing), 5)


async def test_a_window_holds_the_writer_back(pair: Pair) -> None:
    client, _, opened = await pair(True)
    stream = await client.open({})
    served = await opened.get()
    writing = asyncio.create_task(stream.write(bytes(65537)))
    for _ in range(100):
        await asyncio.sleep(0)
    assert served.unread == 65536
    assert not writing.done()
    await served.read()
    await served.read()
    await asyncio.wait_for(writing, 5)


async def test_the_end_of_the_connection_ends_the_streams(pair: Pair) -> None:
    client, server, opened = await pair()
    stream = await client.open({})
    served = await opened.get()
    await served.write(b"last")
    await server.close()
    assert await stream.read() == b"last"
    with pytest.raises(PeerClosed):
        await stream.read()
    with pytest.raises(PeerClosed):
        await served.write(b"x")
    with pytest.raises(PeerClosed):
        await client.open({})


async def test_a_client_that_opens_wrong_streams() -> None:
    raw, stream = pipe()
    opened: list[SpdyStream] = []
    running = asyncio.create_task(SpdySession(stream, server=True, on_stream=opened.append).run())
    writer, reader = FrameWriter(), FrameReader()
    for number in (3, 3, 2, 1):
        await raw.write(writer.encode(SynStream(number, {})))
    await raw.write(writer.encode(Data(99, b"to nobody")))
    resets = []
    while len(resets) < 3:
        resets += list(reader.feed(await raw.read()))
    assert [frame.stream for frame in resets if isinstance(frame, RstStream)] == [3, 2, 1]
    assert [s.number for s in opened] == [3]
    await raw.write(b"\x80\x02\0\x01\0\0\0\0")
    assert [type(frame) for frame in reader.feed(await raw.read())] == [GoAway]
    with pytest.raises(ProtocolError):
        await running
