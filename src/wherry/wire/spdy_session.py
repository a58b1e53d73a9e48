"""A SPDY/3.1 session over a byte stream: many streams on one connection, opened by either end.

`run` reads until the connection ends and must run for anything to happen. Streams that the peer opens are given to
`on_stream` at once, in order. Windows: what is read is always reported with `WINDOW_UPDATE`, but the peer's windows limit
our writing only with `honour_windows`: the library at the other end of Kubernetes clients (spdystream) never sends one,
and waiting for it would stop every transfer at 64 KiB. Without them, the connection's own back-pressure is what holds
writers back, and above `UNREAD_LIMIT` bytes that nobody reads the session is not read any further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wherry.wire.errors import PeerClosed, ProtocolError, StreamReset
from wherry.wire.messages import ByteStream
from wherry.wire.spdy import (
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    GoAway,
    HeaderBlock,
    HeadersFrame,
    Ping,
    RstStream,
    Settings,
    Status,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wherry.wire.spdy_stream import INITIAL_WINDOW, SpdyStream

UNREAD_LIMIT = 1024 * 1024
_INITIAL_WINDOW_SETTING = 7

OnStream = Callable[[SpdyStream], None]


class SpdySession:
    """One end of a session, which owns the byte stream. `server` decides the parity of stream and ping numbers."""

    def __init__(
        self, stream: ByteStream, *, server: bool, on_stream: OnStream | None = None, honour_windows: bool = False
    ) -> None:
        self._stream = stream
        self._reader = FrameReader()
        self._writer = FrameWriter()
        self._write_lock = asyncio.Lock()
        self._on_stream = on_stream
        self._next_stream = 2 if server else 1
        self._next_ping = 2 if server else 1
        self._last_peer_stream = 0
        self._streams: dict[int, SpdyStream] = {}
        self._pings: dict[int, asyncio.Future[None]] = {}
        self._stream_window = INITIAL_WINDOW
        self._session_window = INITIAL_WINDOW
        self._unreported = 0
        self._changed = asyncio.Event()
        self._ended = False
        self.honour_windows = honour_windows
        self.going_away = False
        """One of the ends has said that it takes no more streams."""

    async def run(self) -> None:
        """Read until the peer has ended the connection; then every stream has ended too.

        Raises `ProtocolError` where the peer broke the protocol (it has then been told so).
        """
        try:
            while data := await self._stream.read():
                for frame in self._reader.feed(data):
                    await self._handle(frame)
                await self._wait_until_read()
        except ConnectionError:
            pass
        except ProtocolError:
            await self._send_quietly(GoAway(self._last_peer_stream, 1))
            raise
        finally:
            self._end()

    def _end(self) -> None:
        self._ended = True
        for stream in list(self._streams.values()):
            stream.on_failure(PeerClosed("the connection is closed"))
        for ping in self._pings.values():
            if not ping.done():
                ping.set_exception(PeerClosed("the connection is closed"))
        self._changed.set()
        self._stream.close()

    async def _wait_until_read(self) -> None:
        while sum(stream.unread for stream in self._streams.values()) > UNREAD_LIMIT:
            self._changed.clear()
            await self._changed.wait()

    # Frames in.

    async def _handle(self, frame: Frame) -> None:
        match frame:
            case Data():
                await self._handle_data(frame)
            case SynStream():
                await self._handle_open(frame)
            case SynReply(number, headers, fin):
                if stream := self._streams.get(number):
                    stream.on_reply(headers)
                    self._finish(stream, fin)
            case HeadersFrame(number, _, fin):
                if stream := self._streams.get(number):
                    self._finish(stream, fin)
            case RstStream(number, status):
                if stream := self._streams.get(number):
                    stream.on_failure(StreamReset(f"the peer reset the stream (status {status})"))
            case WindowUpdate(number, delta):
                self._widen(number, delta)
            case Settings(values):
                self._apply(values.get(_INITIAL_WINDOW_SETTING))
            case Ping(identifier):
                await self._handle_ping(identifier)
            case GoAway():
                self.going_away = True

    async def _handle_data(self, frame: Data) -> None:
        stream = self._streams.get(frame.stream)
        if stream is None:
            await self.consumed(len(frame.data))  # of a stream that we have reset: it still counts for the session
            return
        stream.on_data(frame.data)
        self._finish(stream, frame.fin)

    def _finish(self, stream: SpdyStream, fin: bool) -> None:
        if fin:
            stream.on_fin()

    async def _handle_open(self, frame: SynStream) -> None:
        number = frame.stream
        ours = number % 2 == self._next_stream % 2
        if ours or number <= self._last_peer_stream:
            await self.send(RstStream(number, Status.PROTOCOL_ERROR))
            return
        self._last_peer_stream = number
        if self._on_stream is None or self.going_away:
            await self.send(RstStream(number, Status.REFUSED_STREAM))
            return
        stream = SpdyStream(self, number, frame.headers, window=self._stream_window, replied=False)
        self._streams[number] = stream
        self._finish(stream, frame.fin)
        self._on_stream(stream)

    def _widen(self, number: int, delta: int) -> None:
        if number == 0:
            self._session_window += delta
            self._changed.set()
        elif stream := self._streams.get(number):
            stream.on_window(delta)

    def _apply(self, initial_window: int | None) -> None:
        if initial_window is None:
            return
        delta, self._stream_window = initial_window - self._stream_window, initial_window
        for stream in self._streams.values():
            stream.on_window(delta)

    async def _handle_ping(self, identifier: int) -> None:
        if identifier % 2 != self._next_ping % 2:
            await self.send(Ping(identifier))
        elif (waiting := self._pings.pop(identifier, None)) and not waiting.done():
            waiting.set_result(None)

    # What streams and users call.

    async def open(self, headers: HeaderBlock, *, fin: bool = False) -> SpdyStream:
        """A new stream; it may be written to at once. Raises `PeerClosed` after the session's end or a `GOAWAY`."""
        if self._ended or self.going_away:
            raise PeerClosed("the SPDY session takes no more streams")
        number, self._next_stream = self._next_stream, self._next_stream + 2
        stream = SpdyStream(self, number, headers, window=self._stream_window, replied=True)
        self._streams[number] = stream
        await self.send(SynStream(number, headers, fin=fin))
        return stream

    async def ping(self) -> None:
        """Return when the peer has answered. Raises `PeerClosed`."""
        identifier, self._next_ping = self._next_ping, self._next_ping + 2
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pings[identifier] = answered
        await self.send(Ping(identifier))
        await answered

    async def send(self, frame: Frame) -> None:
        # Encoding and writing are one step: the compression of a frame depends on those before it.
        async with self._write_lock:
            if self._ended:
                raise PeerClosed("the connection is closed")
            await self._stream.write(self._writer.encode(frame))

    async def _send_quietly(self, frame: Frame) -> None:
        try:
            await self.send(frame)
        except ConnectionError:
            pass

    async def take_session_window(self, wanted: int) -> int:
        """At most `wanted` bytes of the session's window, at least one; waits while it is empty."""
        while self._session_window <= 0 and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if self._ended:
            raise PeerClosed("the connection is closed")
        size = min(wanted, self._session_window)
        self._session_window -= size
        return size

    async def consumed(self, size: int) -> None:
        """So many bytes were read by their user."""
        self._changed.set()
        self._unreported += size
        if self._unreported >= INITIAL_WINDOW // 2 and not self._ended:
            delta, self._unreported = self._unreported, 0
            await self._send_quietly(WindowUpdate(0, delta))

    def forget(self, stream: SpdyStream) -> None:
        self._streams.pop(stream.number, None)
        self._changed.set()

    async def close(self) -> None:
        """Say goodbye and close; every stream ends."""
        if not self._ended:
            self.going_away = True
            await self._send_quietly(GoAway(self._last_peer_stream))
            self._end()
