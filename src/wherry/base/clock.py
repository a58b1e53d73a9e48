"""One clock, injected.

No component reads the time or sleeps by itself: it is given a `Clock`. With `RealClock` that is the
machine's time; with `FakeClock` (see `wherry.base.fake_clock`) a day passes in milliseconds.

What always holds: `monotonic()` never goes back, whatever happens to the wall clock, so every wait and
every timeout uses it; `now()` is only for timestamps that people and certificates see.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol


class Clock(Protocol):
    """Time as the components see it. All values are seconds as floats."""

    def now(self) -> float:
        """Wall clock time in seconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never decreases."""

    async def sleep(self, seconds: float) -> None:
        """Wait. Zero or less still yields to other tasks once."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """Cancel the body after that many seconds and raise `TimeoutError`."""


class RealClock:
    """The machine's own clock."""

    __slots__ = ()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(seconds):
            yield
