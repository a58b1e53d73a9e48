"""A server per test, and a bare connection to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop

from wherry.wire.messages import Handler
from wherry.wire.server import Server, serve


class Raw:
    """Bytes to a server and back, with no HTTP library in between."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), 5)

    async def response(self) -> tuple[bytes, bytes]:
        """Head and body of an answer with a Content-Length."""
        head = await self.until(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        size = int(lengths[0].partition(b":")[2]) if lengths else 0
        return head, await asyncio.wait_for(self.reader.readexactly(size), 5)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 5)

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass


Start = Callable[..., Awaitable[Server]]
Connect = Callable[..., Awaitable[Raw]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    servers: list[Server] = []

    async def make(handler: Handler, **options: Any) -> Server:
        server = await serve(handler, **options)
        servers.append(server)
        return server

    yield make
    for server in servers:
        await server.close(grace_seconds=0.05)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    raws: list[Raw] = []

    async def make(server: Server) -> Raw:
        raws.append(Raw(*await asyncio.open_connection("127.0.0.1", server.port)))
        return raws[-1]

    yield make
    for raw in raws:
        await raw.close()


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, object]:
    """Both event loops: the standard one, and uvloop, which a cluster runs on."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
