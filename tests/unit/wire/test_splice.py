from __future__ import annotations

import asyncio

import pytest

from wherry.wire.errors import PeerClosed
from wherry.wire.memory import pipe
from wherry.wire.splice import splice


async def test_bytes_and_half_closes_go_both_ways() -> None:
    client, near = pipe()
    far, server = pipe()
    joined = asyncio.create_task(splice(near, far))
    await client.write(b"question")
    assert await server.read(4) == b"ques"
    assert await server.read() == b"tion"
    await client.write_eof()
    assert await server.read() == b""
    await server.write(b"answer")
    await server.write_eof()
    assert await client.read() == b"answer"
    assert await client.read() == b""
    await asyncio.wait_for(joined, 5)


async def test_when_one_end_goes_the_other_is_told() -> None:
    client, near = pipe()
    far, server = pipe()
    joined = asyncio.create_task(splice(near, far))
    client.close()
    assert await asyncio.wait_for(server.read(), 5) == b""
    server.close()
    await asyncio.wait_for(joined, 5)
    with pytest.raises(PeerClosed):
        await server.write(b"x")


async def test_a_slow_reader_holds_the_writer_back() -> None:
    one, other = pipe()
    writing = asyncio.create_task(one.write(bytes(1_000_000)))
    await asyncio.sleep(0)
    assert not writing.done()
    received = 0
    while received < 1_000_000:
        received += len(await other.read())
    await asyncio.wait_for(writing, 5)


async def test_cancelling_closes_both() -> None:
    client, near = pipe()
    far, server = pipe()
    joined = asyncio.create_task(splice(near, far))
    await asyncio.sleep(0)
    joined.cancel()
    assert await client.read() == b""
    assert await server.read() == b""
