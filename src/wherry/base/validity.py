"""When a certificate is to be renewed.

Source: client-go `util/certificate` (`nextRotationDeadline`): somewhere between 70 and 90 % of its life, so that many
nodes that were made together do not come back together.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from wherry.base.clock import Clock

_EARLIEST: Final = 0.7
_SPREAD: Final = 0.2
_LOOK_SECONDS: Final = 3600.0
"""A machine that sleeps stops its monotonic clock, but not the life of its certificates: the time is looked at again."""


@dataclass(frozen=True, slots=True)
class Life:
    """From when to when a certificate is valid, in seconds since 1970."""

    begin: float
    end: float

    def due_at(self, chance: Random) -> float:
        return self.begin + (self.end - self.begin) * (_EARLIEST + _SPREAD * chance.random())


async def wait_until(moment: float, clock: Clock) -> None:
    """Return when the wall clock has come to that moment, whatever happened to it in between."""
    while (left := moment - clock.now()) > 0:
        await clock.sleep(min(left, _LOOK_SECONDS))
