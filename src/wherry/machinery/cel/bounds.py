"""Ranges of sizes and costs, with arithmetic that stops at 64 bits. Source: cel-go `checker/cost.go`."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

MOST: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """At least and at most; of a size, or of a cost."""

    low: int
    high: int

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(min(self.low + other.low, MOST), min(self.high + other.high, MOST))

    def __mul__(self, other: Bounds) -> Bounds:
        return Bounds(min(self.low * other.low, MOST), min(self.high * other.high, MOST))

    def scaled(self, factor: float) -> Bounds:
        """Rounded up."""
        return Bounds(_scaled(self.low, factor), _scaled(self.high, factor))

    def __or__(self, other: Bounds) -> Bounds:
        return Bounds(min(self.low, other.low), max(self.high, other.high))


def _scaled(value: int, factor: float) -> int:
    product = float(value) * factor
    return MOST if product >= 2.0**64 else ceil(product)


def exactly(value: int) -> Bounds:
    return Bounds(value, value)


ZERO: Final = exactly(0)
ONE: Final = exactly(1)
UNKNOWN: Final = Bounds(0, MOST)
EMPTY: Final = Bounds(MOST, 0)
"""Of nothing: what a union starts from."""
