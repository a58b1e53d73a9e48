"""What a test can make a cluster do, as coroutines for the cluster's own thread: the one body of both faces.

`cluster.Cluster` waits for them, `aio.AsyncCluster` awaits them.
"""

from __future__ import annotations

from collections.abc import Collection

from wherry.api.errors import ServerTimeout
from wherry.base.virtual_clock import VirtualClock
from wherry.node.fakes.life import duration
from wherry.testing.cluster.faults import Rule, Who, error_for
from wherry.testing.cluster.plane import Plane


class ClockNotMovable(RuntimeError):
    """The cluster was made with `clock="real"`."""


def seconds_of(span: float | str) -> float:
    """Seconds, or a text such as `24h` or `1m30s`."""
    return duration(span) if isinstance(span, str) else float(span)


async def advance(plane: Plane, span: float | str) -> float:
    """Move the clock ahead; gives what it shows. Raises `ClockNotMovable`."""
    if not isinstance(plane.clock, VirtualClock):
        raise ClockNotMovable('this cluster runs on the machine\'s clock: make it with clock="virtual" or "stopped"')
    plane.wake()
    await plane.clock.advance(seconds_of(span))
    return plane.clock.now()


async def settle(plane: Plane) -> None:
    """Return when the cluster has nothing to do before time passes."""
    plane.wake()
    if isinstance(plane.clock, VirtualClock):
        await plane.clock.settle()


def rule(
    *,
    verb: str | Collection[str],
    resource: str,
    namespace: str,
    who: Who,
    probability: float,
    times: int | None,
    delay: float | str = 0.0,
    code: int = 0,
    message: str = "",
    lose: bool = False,
) -> Rule:
    verbs = frozenset([verb] if isinstance(verb, str) else verb) - {"*"}
    error = error_for(code, message) if code else None
    if lose:
        error = ServerTimeout("lost")
    return Rule(verbs, resource, namespace, who, probability, times, seconds_of(delay), error, lose)


async def add_rule(plane: Plane, added: Rule) -> None:
    plane.gate.add(added)


async def remove_rules(plane: Plane, removed: Collection[Rule] | None) -> None:
    """Some, or all."""
    plane.gate.rules[:] = [each for each in plane.gate.rules if removed is not None and each not in removed]


async def drop_watches(plane: Plane, resource: str) -> int:
    return plane.gate.drop_watches(resource)


async def node_down(plane: Plane, name: str, killed: bool) -> None:
    plane.node_down(name, killed=killed)


async def start_part(plane: Plane, part: str) -> None:
    plane.start(part)
