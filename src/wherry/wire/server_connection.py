"""One HTTP/1.1 connection of the server.

What always holds: answers leave in the order of their requests; one request is handled at a time, the others wait, and
above a number of them the connection is not read; a handler that answers at once is answered in the same call that
brought its bytes. When the peer goes away, the task that works for it is cancelled.

Read `request_parser` for what comes in, `answer` for what goes out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from wherry.wire import answer
from wherry.wire.answer import Form
from wherry.wire.bytestream import TransportStream
from wherry.wire.chunked import LAST_CHUNK, StreamWriter
from wherry.wire.flow import Flow
from wherry.wire.messages import Reply, Request, Response, StreamResponse, Upgrade
from wherry.wire.peer import peer_of
from wherry.wire.request_parser import Rejected, RequestParser, UpgradeSeen

if TYPE_CHECKING:
    from wherry.wire.server import Server

NEVER = float("inf")
_LINGER = 1.0
"""Seconds that a refused peer may still send before the connection is closed: closing with unread bytes would make the
kernel reset it and the peer might never see the answer."""


class ServerConnection(asyncio.Protocol):
    """The asyncio protocol. `deadline` is read by the server's sweep, which calls `expire`."""

    __slots__ = (
        "_busy", "_closing", "_continue_due", "_flow", "_handler", "_http10", "_keep_alive", "_parser", "_queue", "_raw",
        "_reading", "_request", "_rest", "_secure", "_server", "_task", "_transport", "_unfinished", "_until", "deadline",
        "streaming",
    )  # fmt: skip

    def __init__(self, server: Server) -> None:
        self._server = server
        self._handler = server.handler
        self._flow = Flow()
        self._queue: deque[tuple[Request, bool, bool] | Rejected | UpgradeSeen] = deque()
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None
        self._raw: TransportStream | None = None
        self._rest: bytes | None = None
        self._unfinished = 0
        """What this connection counts for in the server's `unfinished`."""
        self._until = NEVER
        """When the body that has begun must be complete."""
        self._busy = False
        self._closing = False
        self._reading = True
        self._keep_alive = True
        self._http10 = False
        self._continue_due = False
        self.streaming = False
        """A stream or an upgraded connection, which does not end by itself."""
        self.deadline = NEVER

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._secure = transport.get_extra_info("ssl_object") is not None
        self._parser = RequestParser(self, peer_of(transport), self._server.options)
        self.deadline = self._server.clock.monotonic() + self._server.options.head_timeout
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._raw is not None:
            self._raw.feed(data)
        elif self._rest is not None:
            self._hold(data)
        elif not self._closing:
            self._feed(data)

    def eof_received(self) -> bool:
        if self._raw is not None:
            self._raw.feed_eof()
            return not self._secure
        if not self._busy or self.streaming or self._secure:
            return False  # close: nobody waits, or a stream that nobody reads any longer
        self._closing = True  # a half-closed peer still gets the answers to its whole requests
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)
        self._count_unfinished(0)
        self._flow.lose()
        self._queue.clear()
        self.deadline = NEVER
        if self._raw is not None:
            self._raw.feed_eof()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._flow.pause()
        self._read_or_not()

    def resume_writing(self) -> None:
        self._flow.resume()
        self._read_or_not()
        if not self._busy:
            self._next()

    # Bytes in.

    def _feed(self, data: bytes) -> None:
        parser = self._parser
        try:
            parser.feed(data)
        except Rejected as rejected:
            self._closing = True
            self._accept(rejected)
        except UpgradeSeen as upgrade:
            self._rest = upgrade.rest
            self._accept(upgrade)
        else:
            if parser.in_message:
                self._wait_for_more()

    def _count_unfinished(self, size: int) -> None:
        self._server.unfinished += size - self._unfinished
        self._unfinished = size

    def _wait_for_more(self) -> None:
        if size := self._parser.body_size:
            self._count_unfinished(size)
            if self._server.unfinished > self._server.options.bodies_limit:
                self._count_unfinished(0)
                self._closing = True
                self._accept(Rejected(429, "too many large requests at once, please try again later"))
                return
        if self._busy:
            return  # the next request has all the time that this one takes
        now = self._server.clock.monotonic()
        options = self._server.options
        if self._parser.in_body:
            self._until = min(self._until, now + options.body_total_timeout)
            self.deadline = min(now + options.body_timeout, self._until)
        else:
            # Counted from the first byte: a trickle of header bytes does not extend it.
            self.deadline = min(self.deadline, now + options.head_timeout)

    def _hold(self, data: bytes) -> None:
        """Keep bytes behind an upgrade request until it is known whether the connection is upgraded."""
        self._rest = (self._rest or b"") + data
        if len(self._rest) > self._server.options.head_limit:
            self._set_reading(False)

    def on_expect_continue(self) -> None:
        if self._busy:
            self._continue_due = True
        else:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_request(self, request: Request, keep_alive: bool, http10: bool) -> None:
        if self._unfinished:
            self._count_unfinished(0)
        self._until = NEVER
        if self._busy or self._flow.paused:
            self._queue.append((request, keep_alive, http10))
            self._read_or_not()
        else:
            self._start(request, keep_alive, http10)

    def _accept(self, item: Rejected | UpgradeSeen) -> None:
        self._queue.append(item)
        if not self._busy:
            self._next()

    def _read_or_not(self) -> None:
        self._set_reading(self._raw is not None or not (self._flow.paused or self._queue_is_full()))

    def _queue_is_full(self) -> bool:
        """Too many requests wait, or too large ones."""
        options = self._server.options
        if len(self._queue) >= options.pipeline:
            return True
        return sum(len(item[0].body) for item in self._queue if isinstance(item, tuple)) >= options.body_limit

    def _set_reading(self, reading: bool) -> None:
        if reading != self._reading and not self._transport.is_closing():
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # One request after the other.

    def _next(self) -> None:
        queue = self._queue
        while queue and not self._busy and not self._flow.paused and not self._transport.is_closing():
            item = queue.popleft()
            if isinstance(item, Rejected):
                self._refuse(item)
            elif isinstance(item, UpgradeSeen):
                self._start(item.request, True, item.http10)
                if not self._busy and self._raw is None:
                    self._resume_http()
            else:
                self._start(*item)
        if not self._busy and self._continue_due:
            self._continue_due = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._rest is None:
            self._read_or_not()

    def _start(self, request: Request, keep_alive: bool, http10: bool) -> None:
        self._request = request
        self._keep_alive = keep_alive and not self._server.draining
        self._http10 = http10
        try:
            reply = self._handler(request)
        except Exception as error:  # noqa: BLE001 - one handler must not tear down the server
            reply = self._server.on_error(request, error)
        if type(reply) is Response:
            self._respond(request, reply)
        else:
            self._busy = True
            self.deadline = NEVER
            self._task = asyncio.get_running_loop().create_task(self._run(request, reply))

    async def _run(self, request: Request, reply: Reply | Awaitable[Reply]) -> None:
        try:
            if not isinstance(reply, (Response, StreamResponse, Upgrade)):
                try:
                    reply = await reply
                except Exception as error:  # noqa: BLE001 - as above
                    reply = self._server.on_error(request, error)
            if isinstance(reply, Response):
                self._respond(request, reply)
            elif isinstance(reply, StreamResponse):
                await self._stream(request, reply)
            else:
                await self._upgrade(request, reply)
        except asyncio.CancelledError:
            self._transport.close()  # what a stream wrote as its last word is still sent
            raise
        except Exception as error:  # noqa: BLE001 - such as a header that cannot be sent
            self._server.on_error(request, error)
            self._transport.abort()
        finally:
            self._task = None
            self._busy = False
            self.streaming = False
            if self._rest is not None and self._raw is None:
                self._resume_http()
            self._next()

    def _resume_http(self) -> None:
        """The upgrade was declined: what came behind it is HTTP again."""
        rest, self._rest = self._rest, None
        if not self._closing and not self._transport.is_closing():
            self._parser = RequestParser(self, self._parser.peer, self._server.options)
            self._read_or_not()
            if rest:
                self._feed(rest)

    # Answers out.

    def _respond(self, request: Request, response: Response) -> None:
        server = self._server
        now = server.clock.monotonic()
        self.deadline = now + server.options.idle_timeout
        form = Form(request.method, self._keep_alive, self._http10)
        try:
            head, pieces, size = answer.whole(response, form, server.date.at(now))
        except Exception as error:  # noqa: BLE001 - a header that cannot be sent, a body that is not bytes
            head, pieces, size = answer.whole(server.on_error(request, error), form, server.date.at(now))
        answer.write(self._transport, head, pieces, size)
        if not self._keep_alive or (self._closing and not self._queue):
            self._finish()

    def _refuse(self, rejected: Rejected) -> None:
        self._keep_alive = False
        self._http10 = False
        self._respond(Request.make("GET", "/"), self._server.options.on_reject(rejected.status, rejected.why))

    def _finish(self) -> None:
        """No more answers on this connection: say so, and give the peer a moment to read the last one."""
        self._closing = True
        self._queue.clear()
        if not self._parser.in_message:
            self._transport.close()
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.deadline = self._server.clock.monotonic() + _LINGER
        asyncio.get_running_loop().call_later(_LINGER, self._transport.close)

    async def _stream(self, request: Request, reply: StreamResponse) -> None:
        chunked = not self._http10
        self._keep_alive = self._keep_alive and chunked
        self.streaming = True
        form = Form(request.method, self._keep_alive, self._http10)
        self._transport.write(answer.stream_head(reply, form, self._server.date.at(self._server.clock.monotonic())))
        if request.method != "HEAD":
            await self._produce(request, reply, chunked)
        self.deadline = self._server.clock.monotonic() + self._server.options.idle_timeout
        if self._flow.paused and not self._transport.is_closing():
            # Whoever does not read shall not make us keep what waits for it much longer.
            self._closing = True
            self._transport.close()
            self.deadline = self._server.clock.monotonic() + self._server.options.reader_timeout
        elif not self._keep_alive or self._server.closing:
            self._finish()

    async def _produce(self, request: Request, reply: StreamResponse, chunked: bool) -> None:
        writer = StreamWriter(self._transport, self._flow, chunked=chunked)
        try:
            await reply.produce(writer)
        except asyncio.CancelledError:
            if not self._server.closing or self._flow.lost:
                raise
            # The server shuts down: a whole body, so that clients see an ordinary end and come again.
        except ConnectionError:
            if not self._flow.lost:
                raise
            return
        except Exception as error:  # noqa: BLE001 - it is too late for a status: cut the body short
            self._server.on_error(request, error)
            self._transport.abort()
            return
        if chunked and not self._transport.is_closing():
            self._transport.write(LAST_CHUNK)

    async def _upgrade(self, request: Request, reply: Upgrade) -> None:
        self.streaming = True
        self._transport.write(answer.upgrade_head(reply))
        self._raw = stream = TransportStream(self._transport, self._flow)
        if self._rest:
            stream.feed(self._rest)
        self._rest = None
        self._set_reading(True)
        try:
            await reply.takeover(stream)
        except ConnectionError:
            pass  # the peer is gone
        except Exception as error:  # noqa: BLE001 - it is too late for a status
            self._server.on_error(request, error)
        finally:
            stream.close()

    # What the server calls.

    def expire(self) -> None:
        """The deadline has passed: close; and if that takes too long because the peer does not read, drop it."""
        if self._transport.is_closing():
            self._transport.abort()
            return
        if self._parser.in_message and not self._closing:
            self._closing = True
            self._refuse(Rejected(408, "the request did not arrive in time"))
        self._transport.close()
        self.deadline = self._server.clock.monotonic() + self._server.options.idle_timeout

    def shut_down(self) -> None:
        """Close when idle; end a stream; let a request that runs come to its end, with `Connection: close`."""
        self._keep_alive = False
        if not self._busy:
            self._transport.close()
        elif self.streaming and self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()
