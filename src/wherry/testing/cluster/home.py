"""The thread on which all test clusters of a process live, with an event loop of their own.

So tests that are not asynchronous can have a cluster beside them, and programs that block the test's thread can talk to it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Home:
    """Runs coroutines on its thread. Ends with the process."""

    def __init__(self) -> None:
        # Not uvloop: a clock that can be moved must see whether anything is ready.
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._live, name="wherry-test-clusters", daemon=True)
        self._thread.start()

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there and wait for the result; an interrupt of the test cancels it."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a test cluster's own callbacks cannot wait for the cluster")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def run_async(self, work: Coroutine[Any, Any, T]) -> T:
        """The same for a caller with an event loop of his own."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


_homes: dict[int, Home] = {}
_making = threading.Lock()


def home() -> Home:
    """This process's one; a process that was forked off has its own."""
    with _making:
        if os.getpid() not in _homes:
            _homes[os.getpid()] = Home()
        return _homes[os.getpid()]
