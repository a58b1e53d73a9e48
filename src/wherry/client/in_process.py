"""Calling an API server in the same process: its handler, without sockets, TLS or HTTP in between.

A streamed answer's `produce` runs as a task that fills a bounded buffer; a watcher that does not read makes the server
wait or be told (`write_nowait` gives the backlog), as over a socket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

import orjson

from wherry.api.errors import BadRequest, StatusError
from wherry.base.tasks import cancel_and_wait
from wherry.client.answers import content, error_of
from wherry.client.feed import REQUEST_STATE, Feed, Source
from wherry.client.transport import StreamedAnswer, WebSocket
from wherry.wire.memory import pipe
from wherry.wire.messages import Handler, Reply, Request, Response, StreamResponse

HIGH_WATER_BYTES = 1 << 20


class InProcessTransport:
    """A `Transport` onto a handler. `user` is the caller's identity, put where the API server trusts it."""

    def __init__(self, handler: Handler, *, user: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self._handler = handler
        self._user = user
        self._headers = dict(headers or {})
        self._serving: set[asyncio.Task[None]] = set()

    async def _reply(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", *, objects: bool = False
    ) -> Reply:
        request = Request.make(method, target, headers={**self._headers, **headers}, body=body)
        if objects:
            request.state[REQUEST_STATE] = True
        if self._user is not None:
            request.state["user"] = self._user
        try:
            reply = self._handler(request)
            return await reply if isawaitable(reply) else reply
        except StatusError as error:
            return _status_response(error)

    async def request(self, method: str, target: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
        reply = await self._reply(method, target, headers, body)
        if isinstance(reply, Response):
            return reply
        if isinstance(reply, StreamResponse):
            stream = _Stream(reply)
            try:
                pieces = [piece async for piece in stream]
            finally:
                await stream.aclose()
            return Response(reply.status, pieces, reply.content_type, reply.headers)
        raise BadRequest(f"{method} {target}: the server wants to upgrade the connection")

    async def open_stream(self, method: str, target: str, *, headers: Mapping[str, str]) -> StreamedAnswer:
        reply = await self._reply(method, target, headers)
        if isinstance(reply, StreamResponse):
            return _Stream(reply)
        if isinstance(reply, Response):
            return _Whole(reply)
        raise BadRequest(f"{method} {target}: the server wants to upgrade the connection")

    async def open_feed(self, target: str, *, headers: Mapping[str, str]) -> Feed:
        reply = await self._reply("GET", target, headers, objects=True)
        if isinstance(reply, Source):
            return Feed(reply)
        if isinstance(reply, Response):
            raise error_of(reply.status, content(reply))
        raise BadRequest(f"GET {target}: the server does not share its objects")

    async def open_websocket(
        self, target: str, *, headers: Mapping[str, str], subprotocols: Sequence[str]
    ) -> WebSocket:
        """Frames go through a pipe in memory; the handler's end of it runs as a task."""
        from wherry.wire.websocket import WebSocket as WireWebSocket
        from wherry.wire.websocket_handshake import check_answer, handshake_headers

        ours = handshake_headers(subprotocols)
        reply = await self._reply("GET", target, {**headers, **dict(ours)})
        if isinstance(reply, Response):
            raise error_of(reply.status, content(reply))
        if isinstance(reply, StreamResponse):
            raise BadRequest(f"GET {target}: the server streams where a WebSocket was asked for")
        chosen = check_answer(ours, {name.lower(): value for name, value in reply.headers}, subprotocols)
        near, far = pipe()
        task = asyncio.get_running_loop().create_task(_run(reply.takeover(far)))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(lambda _: far.close())
        return WireWebSocket(near, client=True, subprotocol=chosen)

    async def aclose(self) -> None:
        await cancel_and_wait(*self._serving)


async def _run(work: Awaitable[None]) -> None:
    await work


def _status_response(error: StatusError) -> Response:
    return Response(error.status_code, orjson.dumps(error.to_status()))


class _Whole:
    """A whole answer where a stream was asked for."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.content_type = response.content_type
        self._pieces = [response.body] if isinstance(response.body, bytes) else list(response.body)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        return None


class _Stream:
    """Both ends of a streamed answer: the server's `BodyWriter` and the client's `StreamedAnswer`."""

    def __init__(self, reply: StreamResponse) -> None:
        self.status = reply.status
        self.content_type = reply.content_type
        self._pieces: deque[bytes] = deque()
        self._backlog = 0
        self._wake_reader = asyncio.Event()
        self._wake_writer = asyncio.Event()
        self._closed = asyncio.Event()
        self._task = asyncio.ensure_future(reply.produce(self))
        self._task.add_done_callback(lambda _: self._wake_reader.set())

    async def write(self, data: bytes) -> None:
        self.write_nowait(data)
        while self._backlog > HIGH_WATER_BYTES and not self._closed.is_set():
            self._wake_writer.clear()
            await self._wake_writer.wait()

    def write_nowait(self, data: bytes) -> int:
        if self._closed.is_set():
            raise ConnectionResetError("the reader has gone away")
        if data:
            self._pieces.append(data)
            self._backlog += len(data)
            self._wake_reader.set()
        return self._backlog

    async def wait_closed(self) -> None:
        await self._closed.wait()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._backlog -= len(piece)
                if self._backlog <= HIGH_WATER_BYTES:
                    self._wake_writer.set()
                yield piece
            if self._closed.is_set():
                return
            if self._task.done():
                self._raise_failure()
                return
            self._wake_reader.clear()
            await self._wake_reader.wait()

    def _raise_failure(self) -> None:
        if self._task.cancelled():
            raise ConnectionResetError("the server dropped the stream")
        if (error := self._task.exception()) is not None:
            raise ConnectionResetError("the server failed while streaming") from error

    async def aclose(self) -> None:
        self._closed.set()
        self._wake_writer.set()
        self._wake_reader.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
