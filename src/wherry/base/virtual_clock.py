"""A clock that can be moved ahead while everything runs on it.

`ticking`, it goes as fast as the machine's clock, and `advance` jumps from one deadline to the next, in order, letting all
work end before it goes on; stopped, it moves by `advance` and `step` alone, so that the same calls give the same history.

What always holds: it never goes back; during `advance` it stands at the deadline whose work is being done, however long
that takes; sleepers of one instant wake in the order in which they lay down. It belongs to one event loop's thread.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_ROUNDS_BLIND = 50
"""How often to yield on an event loop that does not show whether anything is ready."""
_MOST_ROUNDS = 200_000
"""What settles no sooner is not going to: somebody wakes himself for ever."""
_TIDY_AT = 256
LEAST_SECONDS = 1e-6
"""No sleep is shorter: one that is lost in rounding would come again and again at the same moment."""


class _Timer:
    __slots__ = ("fire",)

    def __init__(self, fire: Callable[[], None]) -> None:
        self.fire: Callable[[], None] | None = fire


class NotSettling(RuntimeError):
    """Tasks go on waking each other without any time passing."""


class VirtualClock:
    """A `Clock`. `start` is the wall clock in seconds since 1970 at its making, by default the machine's."""

    def __init__(self, *, start: float | None = None, elapsed: float = 0.0, ticking: bool = True) -> None:
        self.ticking = ticking
        self._origin = (time.time() if start is None else start) - elapsed
        self._elapsed = elapsed
        self._anchor = time.monotonic()
        self._turn = asyncio.Lock()
        self._still = False
        self._heap: list[tuple[float, int, _Timer]] = []
        self._sequence = 0
        self._dead = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0

    def now(self) -> float:
        return self._origin + self.monotonic()

    def monotonic(self) -> float:
        if self.ticking and not self._still:
            return self._elapsed + time.monotonic() - self._anchor
        return self._elapsed

    def twin(self) -> VirtualClock:
        """Another clock that shows the same and goes its own way from here."""
        return VirtualClock(start=self.now(), elapsed=self.monotonic(), ticking=self.ticking)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self._push(seconds, lambda: None if future.done() else future.set_result(None))
        try:
            await future
        finally:
            self._drop(timer)

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("timeout() needs a running task")
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            task.cancel()

        timer = self._push(seconds, expire)
        try:
            yield
        except asyncio.CancelledError:
            if expired and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._drop(timer)

    @property
    def sleepers(self) -> int:
        """How many wait on this clock."""
        return len(self._heap) - self._dead

    @property
    def next_deadline(self) -> float | None:
        """The `monotonic` moment at which the next sleeper wakes."""
        self._skip_dead()
        return self._heap[0][0] if self._heap else None

    async def settle(self) -> None:
        """Return when nothing can go on without time passing, or without a word from outside. Raises `NotSettling`."""
        ready: deque[object] | None = getattr(asyncio.get_running_loop(), "_ready", None)
        if ready is None:
            for _ in range(_ROUNDS_BLIND):
                await asyncio.sleep(0)
            return
        # Twice: between the two the loop looks at its sockets.
        quiet = 0
        for _ in range(_MOST_ROUNDS):
            await asyncio.sleep(0)
            quiet = 0 if ready else quiet + 1
            if quiet == 2:
                return
        names = ", ".join(_name(handle) for handle in list(ready)[:5])
        raise NotSettling(f"{len(ready)} callbacks ({names}) were still ready after {_MOST_ROUNDS} rounds")

    async def advance(self, seconds: float) -> None:
        """Move ahead, waking each sleeper at its own time. Others who call it meanwhile wait for their turn."""
        async with self._standing():
            target = self._elapsed + seconds
            await self.settle()
            while (deadline := self.next_deadline) is not None and deadline <= target:
                await self._go_to(deadline)
            self._elapsed = max(self._elapsed, target)
            await self.settle()

    async def step(self, limit: float) -> bool:
        """Move to the next deadline, at most `limit` seconds ahead; gives whether there was one."""
        async with self._standing():
            await self.settle()
            deadline = self.next_deadline
            found = deadline is not None and deadline <= self._elapsed + limit
            if found and deadline is not None:
                await self._go_to(deadline)
            else:
                self._elapsed += limit
            return found

    @asynccontextmanager
    async def _standing(self) -> AsyncIterator[None]:
        """Time stands still but for whoever holds this."""
        async with self._turn:
            self._elapsed, self._still = self.monotonic(), True
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            try:
                yield
            finally:
                self._anchor, self._still = time.monotonic(), False
                self._arm()

    async def _go_to(self, deadline: float) -> None:
        self._elapsed = max(self._elapsed, deadline)
        self._fire_due()
        await self.settle()

    def _push(self, seconds: float, fire: Callable[[], None]) -> _Timer:
        timer = _Timer(fire)
        self._sequence += 1
        heapq.heappush(self._heap, (self.monotonic() + max(LEAST_SECONDS, seconds), self._sequence, timer))
        self._arm()
        return timer

    def _drop(self, timer: _Timer) -> None:
        """It is not needed any more; one that has fired is not in the heap."""
        if timer.fire is None:
            return
        timer.fire = None
        self._dead += 1
        if self._dead > _TIDY_AT and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].fire is not None]
            heapq.heapify(self._heap)
            self._dead = 0

    def _skip_dead(self) -> None:
        while self._heap and self._heap[0][2].fire is None:
            heapq.heappop(self._heap)
            self._dead -= 1

    def _fire_due(self) -> None:
        now = self.monotonic()
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            if timer.fire is None:
                self._dead -= 1
            else:
                fire, timer.fire = timer.fire, None
                fire()

    def _arm(self) -> None:
        """Have the event loop wake us at the earliest deadline."""
        if not self.ticking or self._still:
            return
        deadline = self.next_deadline
        if deadline is None or (self._alarm is not None and self._alarm_at <= deadline):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = deadline
        delay = max(0.0, deadline - self.monotonic())
        self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._fire_due()
        self._arm()


def _name(handle: object) -> str:
    """Of a callback that is ready: its task's name, where it belongs to one."""
    callback = getattr(handle, "_callback", None)
    owner = getattr(callback, "__self__", None)
    return str(owner.get_coro()) if isinstance(owner, asyncio.Task) else str(callback)
