"""Trying again where somebody else wrote first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from wherry.api.errors import Conflict
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock

T = TypeVar("T")

DEFAULT = Backoff(initial=0.01, cap=1.0, factor=1.0, jitter=0.1)
"""client-go's `retry.DefaultRetry`: five tries, ten milliseconds apart."""


async def retry_on_conflict(
    attempt: Callable[[], Awaitable[T]], *, clock: Clock, tries: int = 5, backoff: Backoff = DEFAULT
) -> T:
    """Run `attempt` (which reads the newest object, changes it and writes it) until it meets no conflict.

    Raises the last `Conflict` after `tries`.
    """
    for failures in range(1, tries):
        try:
            return await attempt()
        except Conflict:
            await clock.sleep(backoff.delay(failures))
    return await attempt()
