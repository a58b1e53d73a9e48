"""From totals at two moments to what is used in between. Pure.

A container that was not seen before, or that has started again, is reckoned from its start. A node without an earlier
point, or whose total went back, is said to use what its containers use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wherry.apiserver.resourcemetrics.exposition import Page, Point

SHORTEST_SECONDS = 1.0
"""Over less than this nothing can be said of CPU."""


@dataclass(frozen=True, slots=True)
class Use:
    """Cores in billionths, over the seconds of `window` that ended at `at`."""

    at: float
    window: float
    nano_cores: int
    memory_bytes: int


def use_of(before: Point | None, now: Point) -> Use | None:
    """Of one container; None where nothing can be said yet."""
    if before is None or before.started_at != now.started_at or now.cpu_seconds < before.cpu_seconds:
        if not now.started_at:
            return None
        before = Point(at=now.started_at)
    return _between(before, now)


def _between(before: Point, now: Point) -> Use | None:
    window = now.at - before.at
    if window < SHORTEST_SECONDS:
        return None
    cores = max(0.0, now.cpu_seconds - before.cpu_seconds) / window
    # Finer than this are only the errors of totals that are written with twelve digits.
    return Use(now.at, window, round(cores * 1e7) * 100, now.memory_bytes)


def pod_uses(before: Mapping[str, Point], now: Mapping[str, Point]) -> dict[str, Use] | None:
    """Of each container of a pod; None while one of them has no figure, as half a pod would mislead an autoscaler."""
    found: dict[str, Use] = {}
    for name, point in now.items():
        use = use_of(before.get(name), point)
        if use is None:
            return None
        found[name] = use
    return found or None


def node_use(before: Page | None, now: Page, containers: Iterable[Use]) -> Use | None:
    """Of a whole node."""
    if now.node is None:
        return None
    earlier = before.node if before is not None else None
    if earlier is not None and earlier.cpu_seconds <= now.node.cpu_seconds:
        use = _between(earlier, now.node)
        if use is not None:
            return use
    uses = list(containers)
    if not uses:
        return None
    window = max(use.window for use in uses)
    return Use(now.node.at, window, sum(use.nano_cores for use in uses), now.node.memory_bytes)
