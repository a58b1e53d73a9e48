"""Where a runtime's work is done: threads for what blocks, tasks for what must be finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_THREADS = 8
"""Enough for the pods of a node to start at once; they mostly wait for the kernel."""


class Workshop:
    """Between `open` and `close` work can be given to it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._threads: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def open(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=self._name)

    async def close(self) -> None:
        """Waits for what was begun."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    async def blocking(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it to the end, also when who asked for it does not wait any longer."""
        return await asyncio.shield(self.spawn(work))

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do it beside; `close` waits for it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
