"""Components as tasks.

A component is an object with `async def run(self) -> None`: it works until it is cancelled, and it cleans up what it
holds in a `finally`. Nothing else is needed to start it, stop it, or run it in a process of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger


class Component(Protocol):
    """Something that works until it is cancelled."""

    async def run(self) -> None: ...


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until each has ended; what they raise is dropped."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def keep_running(
    name: str,
    start: Callable[[], Coroutine[Any, Any, None]],
    *,
    clock: Clock,
    log: Logger,
    backoff: Backoff | None = None,
) -> None:
    """Run a coroutine again each time it fails, with back-off. Returns when it returns; ends when cancelled."""
    delays = backoff or Backoff(initial=0.2, cap=30.0)
    failures = 0
    while True:
        began = clock.monotonic()
        try:
            return await start()
        except asyncio.CancelledError:
            raise
        except Exception:
            failures = 1 if clock.monotonic() - began > delays.cap else failures + 1
            delay = delays.delay(failures)
            log.exception("component failed, starting it again", component=name, seconds=delay)
            await clock.sleep(delay)
