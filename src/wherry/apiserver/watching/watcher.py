"""One client that watches: what has gone out, what waits, when it is over.

While the state at the start is still being sent, changes wait in a list; afterwards they are written straight from the
store's delivery, without a task. A client that does not read is dropped once too much waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from wherry.apiserver.watching.converting import ConvertingHub
from wherry.apiserver.watching.frames import Change
from wherry.apiserver.watching.hub import Hub
from wherry.apiserver.watching.interest import Interest
from wherry.apiserver.watching.lines import LineOf
from wherry.base.clock import Clock
from wherry.wire.messages import BodyWriter

BACKLOG_BYTES = 8 << 20
"""What may wait for a slow client before it is dropped."""
_PIECE_BYTES = 64 * 1024


class Watcher:
    """A receiver that writes lines to a client. `after` is the revision that the client knows already."""

    __slots__ = ("_after", "_hub", "_line_of", "_over", "_waiting", "_waiting_bytes", "_writer")

    def __init__(
        self, hub: Hub | ConvertingHub, line_of: LineOf, *, after: int, interest: Interest | None = None
    ) -> None:
        self._hub = hub
        self._line_of = line_of
        self._after = after
        self._writer: BodyWriter | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        hub.attach(self, interest)

    def deliver(self, changes: Sequence[Change]) -> None:
        after, line_of = self._after, self._line_of
        if changes[0].revision <= after:
            changes = [change for change in changes if change.revision > after]
        try:
            lines = [text for change in changes if (text := line_of(change))]
        except Exception:
            # A gap would be worse than an end: the client lists and watches again.
            self.stop()
            raise
        if lines:
            self._hub.told += len(lines)
            self._send(lines[0] if len(lines) == 1 else b"".join(lines))

    def _send(self, data: bytes) -> None:
        if self._writer is None:
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            backlog = self._waiting_bytes
        else:
            try:
                backlog = self._writer.write_nowait(data)
            except ConnectionError:
                backlog = BACKLOG_BYTES + 1
        if backlog > BACKLOG_BYTES:
            self.stop()

    def stop(self) -> None:
        """The watch is over: nothing more is delivered, the client will see its answer end. May be called twice."""
        self._hub.detach(self)
        if not self._over.done():
            self._over.set_result(None)

    end = stop

    async def open(self, writer: BodyWriter, start: Sequence[bytes], *, clock: Clock, seconds: float) -> None:
        """Send the lines of the start and what has gathered since, then write directly.

        The watch is over when the client has not read them in that time, or too much gathered meanwhile.
        """
        opening = asyncio.ensure_future(self._begin(writer, start))
        nap = asyncio.ensure_future(_nap(clock.sleep(seconds)))
        try:
            await asyncio.wait((opening, nap, self._over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            if not opening.done():
                opening.cancel()
                self.stop()
        if opening.done():
            opening.result()

    async def _begin(self, writer: BodyWriter, start: Sequence[bytes]) -> None:
        for piece in _pieces(start):
            await writer.write(piece)
        while self._waiting:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            await writer.write(b"".join(waiting))
        # No await between the last check and this line: nothing may be delivered in between.
        self._writer = writer

    @property
    def over(self) -> bool:
        return self._over.done()

    async def wait_over(self, clock: Clock, seconds: float) -> bool:
        """Wait that long, or until the watch is over; gives whether it is."""
        nap = asyncio.ensure_future(_nap(clock.sleep(seconds)))
        try:
            await asyncio.wait((nap, self._over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
        return self._over.done()


async def _nap(sleep: Awaitable[None]) -> None:
    await sleep


def _pieces(lines: Sequence[bytes]) -> list[bytes]:
    """Join small lines to pieces of a fair size."""
    pieces: list[bytes] = []
    gathered: list[bytes] = []
    size = 0
    for text in lines:
        gathered.append(text)
        size += len(text)
        if size >= _PIECE_BYTES:
            pieces.append(b"".join(gathered))
            gathered, size = [], 0
    if gathered:
        pieces.append(b"".join(gathered))
    return pieces
