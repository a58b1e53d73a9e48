"""One stream of a SPDY session: a `ByteStream` with headers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from wherry.wire.errors import PeerClosed, StreamReset
from wherry.wire.spdy import Data, Frame, HeaderBlock, RstStream, Status, SynReply, WindowUpdate

INITIAL_WINDOW = 64 * 1024
_CHUNK = 32 * 1024


class Session(Protocol):
    """What a stream needs of its session."""

    honour_windows: bool

    async def send(self, frame: Frame) -> None: ...

    async def take_session_window(self, wanted: int) -> int: ...

    async def consumed(self, size: int) -> None: ...

    def forget(self, stream: SpdyStream) -> None: ...


class SpdyStream:
    """Made by the session, for either end. `headers` are those that opened it."""

    def __init__(self, session: Session, number: int, headers: HeaderBlock, *, window: int, replied: bool) -> None:
        self._session = session
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._unreported = 0
        self._window = window
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        self._read_end = False
        self._write_end = False
        self._replied = replied
        self.number = number
        self.headers: Mapping[str, str] = headers
        self.reply_headers: Mapping[str, str] | None = None
        """The other end's `SYN_REPLY`, once it has come."""

    # The session's side.

    def on_reply(self, headers: HeaderBlock) -> None:
        self.reply_headers = headers
        self._changed.set()

    def on_data(self, data: bytes) -> None:
        if data and not self._read_end:
            self._pieces.append(data)
            self._unread += len(data)
            self._changed.set()

    def on_fin(self) -> None:
        self._read_end = True
        self._changed.set()
        self._forget_if_done()

    def on_window(self, delta: int) -> None:
        self._window += delta
        self._changed.set()

    def on_failure(self, error: Exception) -> None:
        """Reset, or the session is over."""
        self._failure = self._failure or error
        self._read_end = self._write_end = True
        self._changed.set()
        self._session.forget(self)

    @property
    def unread(self) -> int:
        """Bytes that wait to be read."""
        return self._unread

    def _forget_if_done(self) -> None:
        if self._read_end and self._write_end:
            self._session.forget(self)

    # The user's side.

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self._changed.clear()
            waiter: Awaitable[object] = self._changed.wait()
            await waiter

    async def accept(self, headers: HeaderBlock | None = None) -> None:
        """Answer the peer's `SYN_STREAM`; needed once before writing."""
        if not self._replied:
            self._replied = True
            await self._session.send(SynReply(self.number, headers or {}))

    async def wait_accepted(self) -> None:
        """Until the peer has answered our `SYN_STREAM`. Raises `StreamReset` or `PeerClosed`."""
        await self._until(lambda: self.reply_headers is not None or self._failure is not None)
        if self.reply_headers is None and self._failure is not None:
            raise self._failure

    async def read(self, limit: int = 65536) -> bytes:
        """Raises `StreamReset` when the peer reset the stream, `PeerClosed` when the session broke."""
        await self._until(lambda: bool(self._pieces) or self._read_end)
        if not self._pieces:
            if self._failure is not None:
                raise self._failure
            return b""
        data = self._pieces.popleft()
        if len(data) > limit:
            self._pieces.appendleft(data[limit:])
            data = data[:limit]
        self._unread -= len(data)
        await self._report(len(data))
        return data

    async def _report(self, size: int) -> None:
        """Tell the peer that it may send more, not for every few bytes."""
        await self._session.consumed(size)
        self._unreported += size
        if self._unreported >= INITIAL_WINDOW // 2 and not self._read_end:
            delta, self._unreported = self._unreported, 0
            await self._session.send(WindowUpdate(self.number, delta))

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            size = await self._take_window(min(len(view), _CHUNK))
            await self._session.send(Data(self.number, bytes(view[:size])))
            view = view[size:]

    async def _take_window(self, wanted: int) -> int:
        self._check_writable()
        if not self._session.honour_windows:
            return wanted
        await self._until(lambda: self._window > 0 or self._write_end)
        self._check_writable()
        size = await self._session.take_session_window(min(wanted, self._window))
        self._check_writable()
        self._window -= size
        return size

    def _check_writable(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._write_end:
            raise PeerClosed("the stream is closed for writing")

    async def write_eof(self) -> None:
        if self._write_end:
            return
        self._write_end = True
        await self._session.send(Data(self.number, b"", fin=True))
        self._forget_if_done()

    async def reset(self, status: Status = Status.CANCEL) -> None:
        """End it in both directions, telling the peer so."""
        if not (self._read_end and self._write_end):
            self.on_failure(StreamReset("this end has reset the stream"))
            await self._session.send(RstStream(self.number, status))

    def close(self) -> None:
        """As `reset`, without waiting; nothing where both directions have ended."""
        if not (self._read_end and self._write_end):
            task = asyncio.ensure_future(self._reset_quietly())
            task.add_done_callback(lambda _: None)

    async def _reset_quietly(self) -> None:
        try:
            await self.reset()
        except ConnectionError:
            pass
