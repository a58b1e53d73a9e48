"""A watch within one process: the server's own objects instead of their bytes, a batch at a time.

What always holds: a batch is what the store made durable at once, in order; reading it takes one wake-up. The objects
are the server's and are shared with every other reader: nobody changes them. A reader that falls too far behind sees
the feed end, as a socket's reader would, and goes on from the last revision it has seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from wherry.api.types import Object

BACKLOG_EVENTS = 200_000
"""What may wait for a reader before its feed ends. Waiting costs little: the objects are there anyway."""

REQUEST_STATE = "objects"
"""Where a request in this process says that it wants a feed; nothing that comes over the wire can set it."""

SharedEvent = tuple[str, Object]
"""ADDED, MODIFIED or DELETED, and the object."""


@runtime_checkable
class Source(Protocol):
    """The server's end of a feed; what a watch answers when objects were asked for.

    `state` are the objects now where the watch began without a revision, else None; `revision` is the one from which
    changes follow.
    """

    state: Sequence[Object] | None
    revision: int

    def follow(self, deliver: Callable[[Sequence[SharedEvent]], None], end: Callable[[], None]) -> None:
        """Deliver what has changed since, at once, and then every batch as it happens; `end` when there will be no more."""

    def stop(self) -> None:
        """Deliver nothing more. May be called twice."""


class Feed:
    """The reader's end: iterate over batches, `aclose` when done."""

    __slots__ = ("_ended", "_events", "_source", "_wake", "revision", "state")

    def __init__(self, source: Source) -> None:
        self.state = source.state
        self.revision = source.revision
        self._source = source
        self._events: list[SharedEvent] = []
        self._ended = False
        self._wake: asyncio.Future[None] | None = None
        source.follow(self._deliver, self._end)

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> Sequence[SharedEvent]:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        batch, self._events = self._events, []
        return batch

    async def aclose(self) -> None:
        """Nothing more comes; who waits for a batch sees the end."""
        self._source.stop()
        self._end()

    def _deliver(self, events: Sequence[SharedEvent]) -> None:
        self._events.extend(events)
        if len(self._events) > BACKLOG_EVENTS:
            self._source.stop()
            self._ended = True
        self._wake_up()

    def _end(self) -> None:
        self._ended = True
        self._wake_up()

    def _wake_up(self) -> None:
        wake = self._wake
        if wake is not None:
            self._wake = None
            if not wake.done():
                wake.set_result(None)
