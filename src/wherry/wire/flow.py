"""Back-pressure of one transport: who may write, who has to wait."""

from __future__ import annotations

import asyncio

from wherry.wire.errors import PeerClosed


class Flow:
    """Follows `pause_writing`, `resume_writing` and `connection_lost` of a protocol for any number of writers."""

    __slots__ = ("_closed", "_waiters", "lost", "paused")

    def __init__(self) -> None:
        self.paused = False
        self.lost = False
        self._waiters: list[asyncio.Future[None]] = []
        self._closed: list[asyncio.Future[None]] = []

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._wake(self._waiters)

    def lose(self) -> None:
        """The connection is gone: nobody waits any longer."""
        self.lost = True
        self.paused = False
        self._wake(self._waiters)
        self._wake(self._closed)

    @staticmethod
    def _wake(waiters: list[asyncio.Future[None]]) -> None:
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        waiters.clear()

    async def drain(self) -> None:
        """Wait until writing may go on. Raises `PeerClosed` when the connection is gone."""
        while self.paused:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        if self.lost:
            raise PeerClosed("the peer has closed the connection")

    async def wait_lost(self) -> None:
        """Return when the connection is gone."""
        if not self.lost:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._closed.append(waiter)
            await waiter
