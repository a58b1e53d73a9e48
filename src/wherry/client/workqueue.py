"""A queue of keys for reconcilers, as client-go has it.

What always holds: a key is never handed to two workers at once; a key added while it is worked on comes again once
that work is done; a key that is already waiting is not queued twice. All waiting is on the Clock.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.histogram import Histogram, exponential

K = TypeVar("K", bound=Hashable)

ITEM_BACKOFF = Backoff(initial=0.005, cap=1000.0)
"""Per item, as upstream's `ItemExponentialFailureRateLimiter`: 5 ms doubling to 1000 s."""

_SECONDS = exponential(1e-8, 10.0, 10)

LEAST_SECONDS = 1e-6
"""A shorter wait would be lost in rounding, and whoever computes it anew each time would never get past that moment."""


class WorkQueue(Generic[K]):
    """Keys waiting, keys in work, keys waiting for their time. Belongs to one event loop's thread."""

    def __init__(self, *, clock: Clock, backoff: Backoff = ITEM_BACKOFF) -> None:
        self._clock = clock
        self._backoff = backoff
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: set[K] = set()
        self._failures: dict[K, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._sequence = 0
        self._timer: asyncio.Task[None] | None = None
        self._timer_due = 0.0
        self.adds = 0
        """How many keys were queued, for metrics."""
        self.waited = Histogram(_SECONDS)
        """Seconds from a key's adding to its taking."""
        self.worked = Histogram(_SECONDS)
        """Seconds of work on a key."""
        self._added: dict[K, float] = {}
        self._begun: dict[K, float] = {}

    def __len__(self) -> int:
        """Keys that could be taken now."""
        return len(self._ready)

    def add(self, key: K) -> None:
        """Queue a key now."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        self._added[key] = self._clock.monotonic()
        if key not in self._processing:
            self._push(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Queue a key later; of several times for one key the earliest wins."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + max(LEAST_SECONDS, seconds)
        if self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        self._sequence += 1
        heapq.heappush(self._later, (due, self._sequence, key))
        self._arm()

    def add_rate_limited(self, key: K) -> None:
        """Queue a key after the back-off of its failures in a row; counts one more."""
        failures = self._failures.get(key, 0) + 1
        self._failures[key] = failures
        self.add_after(key, self._backoff.delay(failures))

    def failures(self, key: K) -> int:
        """How often in a row the key was added rate limited."""
        return self._failures.get(key, 0)

    def forget(self, key: K) -> None:
        """The key succeeded: its back-off starts from the beginning."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Take the next key, waiting for one. The caller says `done` when its work ended, however it ended."""
        while not self._ready:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise
        key = self._ready.popleft()
        now = self._begun[key] = self._clock.monotonic()
        self.waited.observe(now - self._added.pop(key, now))
        self._processing.add(key)
        self._dirty.discard(key)
        return key

    def done(self, key: K) -> None:
        """The work on a key ended; it comes again if it was added meanwhile."""
        self._processing.discard(key)
        now = self._clock.monotonic()
        self.worked.observe(now - self._begun.pop(key, now))
        if key in self._dirty:
            self._push(key)

    def unfinished(self) -> list[float]:
        """For how many seconds each key that is in work has been."""
        now = self._clock.monotonic()
        return [now - begun for begun in self._begun.values()]

    def close(self) -> None:
        """Stop the timer; keys that wait for their time are dropped."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _push(self, key: K) -> None:
        self._ready.append(key)
        self.adds += 1
        self._wake_one()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _arm(self) -> None:
        """Let one timer sleep until the earliest due time; it is replaced where an earlier one comes."""
        due = self._later[0][0]
        if self._timer is not None and not self._timer.done():
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        while self._later:
            self._timer_due = self._later[0][0]
            await self._clock.sleep(self._timer_due - self._clock.monotonic())
            now = self._clock.monotonic()
            while self._later and self._later[0][0] <= now:
                due, _, key = heapq.heappop(self._later)
                if self._due.get(key) == due:
                    del self._due[key]
                    self.add(key)
