"""Work in the background, at most one task of a name at a time, and a loop that wakes when something happened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait

FAILED_SECONDS = 2.0
"""A task that failed unexpectedly is held that long, so that it is not done again at once."""


class KeyedTasks:
    """`on_end` is called after each task, however it ended."""

    def __init__(self, *, clock: Clock, log: Logger, on_end: Callable[[], None], about: str) -> None:
        self._clock = clock
        self._log = log
        self._on_end = on_end
        self._about = about
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def do(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start, unless a task of that name is under way."""
        if key not in self._tasks:
            self._tasks[key] = asyncio.ensure_future(self._guarded(key, work))

    async def _guarded(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - a bug in one pod's handling must not stop the node
            self._log.exception("task failed", task=key, about=self._about)
            await self._clock.sleep(FAILED_SECONDS)
        finally:
            self._tasks.pop(key, None)
            self._on_end()

    def __contains__(self, key: str) -> bool:
        return key in self._tasks

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def after(self, prefix: str) -> list[str]:
        """What follows that prefix in the names under way."""
        return [key.removeprefix(prefix) for key in self._tasks if key.startswith(prefix)]

    def cancel(self, wanted: Callable[[str], bool]) -> None:
        for key, task in self._tasks.items():
            if wanted(key):
                task.cancel()

    async def close(self) -> None:
        await cancel_and_wait(*self._tasks.values())


class Alarm:
    """Wakes a loop: at once, or at a moment of the wall clock. `wake` may be called from anywhere in the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._at: float | None = None

    def wake(self) -> None:
        self._event.set()

    def reset(self) -> None:
        self._event.clear()

    @property
    def rings(self) -> bool:
        return self._event.is_set()

    async def wait(self, at: float | None) -> None:
        """Return when woken, or at that moment."""
        if at != self._at or (self._timer is not None and self._timer.done()):
            await self.close()
            self._at = at
            if at is not None:
                self._timer = asyncio.ensure_future(self._ring(at))
        await self._event.wait()

    async def _ring(self, at: float) -> None:
        await self._clock.sleep(max(0.0, at - self._clock.now()))
        self.wake()

    async def close(self) -> None:
        timer, self._timer, self._at = self._timer, None, None
        if timer is not None:
            timer.cancel()
