"""The loop round a reconcile function: informers fill a queue with keys, workers empty it.

`reconcile(key)` brings the object of that key one step nearer to what it should be, from the informers' copies; it must
be idempotent, and it is never run twice at once for one key. It may raise:

- `Retry(after)`: come again after that many seconds; not a failure.
- `Permanent`: nothing but a change of the object can help; logged and dropped.
- a `StatusError` or `ConnectionError`: come again with back-off, 5 ms doubling to 1000 s.
- anything else: a bug; logged with its traceback, and tried again with back-off all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from wherry.api.errors import Conflict, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.informer import Informer, Key, key_of
from wherry.client.workqueue import WorkQueue

K = TypeVar("K", bound=Hashable)


class Retry(Exception):
    """Reconcile again after some seconds; what is missing will be there then."""

    def __init__(self, after: float) -> None:
        super().__init__(f"again after {after} seconds")
        self.after = after


class Permanent(Exception):
    """Trying again cannot help."""


class Controller(Protocol):
    """What the manager starts: a component with a name."""

    name: str

    async def run(self) -> None: ...


@dataclass(slots=True)
class Counters:
    """What a loop has done since it started."""

    reconciles: int = 0
    errors: int = 0
    retries: int = 0
    seconds: float = 0.0


class Workers(Generic[K]):
    """A queue of any keys and its workers; a component. Most controllers use `Loop`."""

    def __init__(
        self,
        name: str,
        reconcile: Callable[[K], Awaitable[None]],
        *,
        clock: Clock,
        needs: Sequence[Informer],
        log: Logger,
        workers: int = 5,
    ) -> None:
        self.name = name
        self.queue: WorkQueue[K] = WorkQueue(clock=clock)
        self.counters = Counters()
        self._reconcile = reconcile
        self._clock = clock
        self._needs = tuple(needs)
        self._log = log
        self._workers = workers

    async def run(self) -> None:
        """Work until cancelled. Reconciling starts when every informer needed has its first list."""
        for informer in self._needs:
            await informer.wait_synced()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())
        finally:
            self.queue.close()

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._once(key)
            finally:
                self.queue.done(key)

    async def _once(self, key: K) -> None:
        began = self._clock.monotonic()
        self.counters.reconciles += 1
        try:
            await self._reconcile(key)
            self.queue.forget(key)
        except Retry as retry:
            self.queue.forget(key)
            self.queue.add_after(key, retry.after)
        except Permanent as error:
            self.queue.forget(key)
            self._failed(key, error)
        except (StatusError, ConnectionError, TimeoutError, OSError) as error:
            self._again(key)
            if not isinstance(error, Conflict):
                self._failed(key, error)
        except Exception:  # noqa: BLE001 - a bug in one controller must not stop the others
            self._again(key)
            self.counters.errors += 1
            self._log.exception("reconciling failed", controller=self.name, key=_text(key))
        self.counters.seconds += self._clock.monotonic() - began

    def _again(self, key: K) -> None:
        self.counters.retries += 1
        self.queue.add_rate_limited(key)

    def _failed(self, key: K, error: Exception) -> None:
        self.counters.errors += 1
        self._log.warning("reconciling failed", controller=self.name, key=_text(key), error=str(error))


class Loop(Workers[Key]):
    """Workers on namespace and name. Controllers own one and add keys from their informers' handlers."""

    def enqueue(self, obj: Object) -> None:
        self.queue.add(key_of(obj))

    def follow(self, informer: Informer) -> None:
        """Queue every object of the informer at each of its changes."""
        informer.add_handler(self.enqueue, lambda old, new: self.enqueue(new), self.enqueue)


def _text(key: Hashable) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
