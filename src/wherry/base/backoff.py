"""Exponential back-off as plain arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Delays that grow by `factor` from `initial` to at most `cap`, all in seconds.

    `jitter` is the largest fraction added at random, so that many clients do not come back together.
    """

    initial: float
    cap: float
    factor: float = 2.0
    jitter: float = 0.0

    def delay(self, failures: int, rng: random.Random | None = None) -> float:
        """Seconds to wait after that many failures in a row (1 is the first)."""
        if failures <= 0:
            return 0.0
        delay = min(self.cap, self.initial * self.factor ** min(failures - 1, 64))
        if self.jitter:
            delay *= 1.0 + self.jitter * (rng or random).random()
        return delay
