"""From the number that metrics propose to the one that is allowed now: stabilisation, speed, range. Pure but for `History`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from wherry.api.types import Object

DOWNSCALE_WINDOW = 300.0
_MOST = 2**31 - 1

HIGHER = "recent recommendations were higher than current one, applying the highest recent recommendation"
LOWER = "recent recommendations were lower than current one, applying the lowest recent recommendation"
READY = ("ReadyForNewScale", "recommended size matches current size")
WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TEXTS = {
    "ScaleUpLimit": "the desired replica count is increasing faster than the maximum scale rate",
    "ScaleDownLimit": "the desired replica count is decreasing faster than the maximum scale rate",
    "TooManyReplicas": "the desired replica count is more than the maximum replica count",
    "TooFewReplicas": "the desired replica count is less than the minimum replica count",
}

Dated = tuple[float, int]
"""A moment (monotonic seconds) and a number of replicas."""


@dataclass(slots=True)
class History:
    """What was recommended to one autoscaler, and how it scaled. Lost at a restart, as upstream's."""

    recommendations: list[Dated] = field(default_factory=list)
    ups: list[Dated] = field(default_factory=list)
    downs: list[Dated] = field(default_factory=list)

    def begin(self, replicas: int, now: float) -> None:
        """The number found first counts as recommended, so that a restart does not scale down at once."""
        if not self.recommendations:
            self.recommendations.append((now, replicas))

    def scaled(self, before: int, after: int, now: float, behavior: Object | None) -> None:
        """Remember a change, as long as a policy may ask for it."""
        if behavior is None:
            return
        events, rules = (self.ups, behavior["scaleUp"]) if after > before else (self.downs, behavior["scaleDown"])
        longest = max((policy["periodSeconds"] for policy in rules.get("policies") or ()), default=0)
        events[:] = [*(event for event in events if event[0] >= now - longest), (now, abs(after - before))]


@dataclass(frozen=True, slots=True)
class Allowed:
    """`able` and `limit` are reason and message of AbleToScale and ScalingLimited."""

    replicas: int
    able: tuple[str, str]
    limited: bool
    limit: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Bounds:
    current: int
    least: int
    most: int


def allowed(history: History, wanted: int, bounds: Bounds, behavior: Object | None, now: float) -> Allowed:
    """What may be done of what is wanted; the recommendation is remembered."""
    if behavior is None:
        stable, able = _stable_down(history, wanted, now)
        replicas, limit = _in_range(stable, bounds)
    else:
        stable, able = _stable(history, wanted, bounds.current, behavior, now)
        replicas, limit = _at_speed(history, stable, bounds, behavior, now)
    return Allowed(replicas, able, replicas != stable, limit)


def _stable_down(history: History, wanted: int, now: float) -> tuple[int, tuple[str, str]]:
    """Without a behaviour only scaling down waits: the highest of the last five minutes counts."""
    recent = [each for each in history.recommendations if each[0] >= now - DOWNSCALE_WINDOW]
    highest = max([wanted, *(replicas for _, replicas in recent)])
    history.recommendations[:] = [*recent, (now, wanted)]
    return highest, READY if highest == wanted else ("ScaleDownStabilized", HIGHER)


def _stable(history: History, wanted: int, current: int, behavior: Object, now: float) -> tuple[int, tuple[str, str]]:
    """The current number, brought within the lowest that scaling up and the highest that scaling down has seen."""
    up_since = now - window(behavior["scaleUp"], 0.0)
    down_since = now - window(behavior["scaleDown"], DOWNSCALE_WINDOW)
    lowest = min([wanted, *(replicas for at, replicas in history.recommendations if at > up_since)])
    highest = max([wanted, *(replicas for at, replicas in history.recommendations if at > down_since)])
    stable = min(max(current, lowest), highest)
    oldest = min(up_since, down_since)
    history.recommendations[:] = [*(each for each in history.recommendations if each[0] >= oldest), (now, wanted)]
    if stable == wanted:
        return stable, READY
    return stable, ("ScaleUpStabilized", LOWER) if wanted >= current else ("ScaleDownStabilized", HIGHER)


def window(rules: Object, otherwise: float) -> float:
    seconds = rules.get("stabilizationWindowSeconds")
    return otherwise if seconds is None else float(seconds)


def _in_range(wanted: int, bounds: Bounds) -> tuple[int, tuple[str, str]]:
    """Without a behaviour: at most twice as many, or four."""
    fastest = max(2 * bounds.current, 4)
    most, reason = (fastest, "ScaleUpLimit") if bounds.most > fastest else (bounds.most, "TooManyReplicas")
    if wanted < bounds.least:
        return bounds.least, _said("TooFewReplicas")
    return (most, _said(reason)) if wanted > most else (wanted, WITHIN)


def _at_speed(
    history: History, wanted: int, bounds: Bounds, behavior: Object, now: float
) -> tuple[int, tuple[str, str]]:
    if wanted > bounds.current:
        fastest = max(bounds.current, _up_limit(history, bounds.current, behavior["scaleUp"], now))
        most, reason = (fastest, "ScaleUpLimit") if bounds.most > fastest else (bounds.most, "TooManyReplicas")
        return (most, _said(reason)) if wanted > most else (wanted, WITHIN)
    if wanted < bounds.current:
        lowest = min(bounds.current, _down_limit(history, bounds.current, behavior["scaleDown"], now))
        least, reason = (lowest, "ScaleDownLimit") if bounds.least < lowest else (bounds.least, "TooFewReplicas")
        return (least, _said(reason)) if wanted < least else (wanted, WITHIN)
    return wanted, WITHIN


def _up_limit(history: History, current: int, rules: Object, now: float) -> int:
    if rules.get("selectPolicy") == "Disabled":
        return current
    limits = []
    for policy in rules.get("policies") or ():
        start = _at_start(history, current, policy["periodSeconds"], now)
        more = policy["value"] if policy["type"] == "Pods" else math.ceil(round(start * policy["value"] / 100, 9))
        limits.append(start + more)
    return _chosen(limits, lowest=rules.get("selectPolicy") == "Min")


def _down_limit(history: History, current: int, rules: Object, now: float) -> int:
    if rules.get("selectPolicy") == "Disabled":
        return current
    limits = []
    for policy in rules.get("policies") or ():
        start = _at_start(history, current, policy["periodSeconds"], now)
        less = policy["value"] if policy["type"] == "Pods" else math.ceil(round(start * policy["value"] / 100, 9))
        limits.append(start - less)
    return _chosen(limits, lowest=rules.get("selectPolicy") != "Min")


def _chosen(limits: list[int], *, lowest: bool) -> int:
    return (min if lowest else max)(limits) if limits else (_MOST if lowest else 0)


def _at_start(history: History, current: int, period: int, now: float) -> int:
    """How many there were when the period began."""
    return current - _sum(history.ups, now - period) + _sum(history.downs, now - period)


def _sum(events: Iterable[Dated], since: float) -> int:
    return sum(change for at, change in events if at > since)


def _said(reason: str) -> tuple[str, str]:
    return reason, _TEXTS[reason]
