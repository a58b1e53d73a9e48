"""The one thread that touches the file.

Batches go first come, first served; cleaning up goes in small steps behind them, so that a write never waits for more
than one step. Answers come back in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeVar

from wherry.store.port import Event, StoreError
from wherry.store.sqlite.database import Database

_FORGOTTEN_PER_STEP = 250

Done = Callable[[StoreError | None], None]
T = TypeVar("T")


class Writer:
    """A thread with a queue. Made in the event loop that gets the answers."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._obsolete: deque[int] = deque()
        self._cleaners: list[Done] = []
        self._database: Database | None = None
        # A daemon: a program that forgot to close its store must still be able to end.
        self._thread = threading.Thread(target=self._run, name="wherry-store", daemon=True)
        self._thread.start()

    def open(self, make: Callable[[], Database], use: Callable[[Database], T]) -> asyncio.Future[T]:
        """Open the file in the thread, and tell what `use` makes of it. Raises what they raise."""
        future: asyncio.Future[T] = self._loop.create_future()

        def job() -> None:
            try:
                self._database = make()
                result = use(self._database)
            except Exception as error:  # noqa: BLE001  (whoever waits must be told, whatever it is)
                self._answer(_fail, future, error)
            else:
                self._answer(_succeed, future, result)

        self._jobs.put(job)
        return future

    def append(self, events: Sequence[Event], done: Done) -> None:
        """Put events on disk; `done` hears how it went."""
        self._jobs.put(lambda: self._answer(done, self._attempt(lambda database: database.append(events))))

    def forget(self, revisions: Sequence[int], done: Done) -> None:
        """Remove rows, in order, step by step. What fails is tried again with the next call."""

        def job() -> None:
            self._obsolete.extend(revisions)
            self._cleaners.append(done)
            if len(self._cleaners) == 1:
                self._clean()

        self._jobs.put(job)

    async def close(self) -> None:
        """Do what is queued, close the file, end the thread."""
        future: asyncio.Future[None] = self._loop.create_future()

        def job() -> None:
            self._dismiss(None)  # the next process removes the rest
            error = self._attempt(lambda database: database.close()) if self._database else None
            if error is None:
                self._answer(_succeed, future, None)
            else:
                self._answer(_fail, future, error)

        self._jobs.put(job)
        self._jobs.put(None)
        await future
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _clean(self) -> None:
        """One step of cleaning up, then the next one goes to the end of the queue."""
        step = [self._obsolete.popleft() for _ in range(min(_FORGOTTEN_PER_STEP, len(self._obsolete)))]
        more = False

        def work(database: Database) -> None:
            nonlocal more
            if step:
                database.forget(step)
            more = bool(self._obsolete) or database.shrink()

        error = self._attempt(work)
        if error is not None:
            self._obsolete.extendleft(reversed(step))
        elif more:
            self._jobs.put(self._clean)
            return
        self._dismiss(error)

    def _dismiss(self, error: StoreError | None) -> None:
        """Tell those who wait for the cleaning up that it is over."""
        cleaners, self._cleaners = self._cleaners, []
        for done in cleaners:
            self._answer(done, error)

    def _attempt(self, work: Callable[[Database], None]) -> StoreError | None:
        assert self._database is not None
        try:
            work(self._database)
        except StoreError as error:
            return error
        except Exception as error:  # noqa: BLE001  (the thread must live, and whoever waits must be told)
            return StoreError(f"{self._database.path}: {error!r}")
        return None

    def _answer(self, callback: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            pass  # The loop has been closed under us: nobody waits any more.


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
