"""Histograms of the Prometheus text format, cheap to count into.

Source: https://prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator


def exponential(start: float, factor: float, count: int) -> tuple[float, ...]:
    """Bounds of buckets, each `factor` times the one before."""
    return tuple(start * factor**step for step in range(count))


class Histogram:
    """Values by the smallest bound that they do not exceed. `bounds` grow."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """One for each bound, and one for all that is beyond."""
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def lines(self, name: str, labels: str = "") -> Iterator[str]:
        """`labels` as they stand between the braces."""
        before, so_far = f"{labels}," if labels else "", 0
        for bound, count in zip(self._bounds, self.counts, strict=False):
            so_far += count
            yield f'{name}_bucket{{{before}le="{bound:g}"}} {so_far}'
        so_far += self.counts[-1]
        shown = f"{{{labels}}}" if labels else ""
        yield f'{name}_bucket{{{before}le="+Inf"}} {so_far}'
        yield f"{name}_sum{shown} {self.total:g}"
        yield f"{name}_count{shown} {so_far}"
