"""How many replicas follow from figures and a target. Pure; figures and targets are in thousandths.

Pods that are missing or not ready are first left out; where they matter they are then taken to use nothing when scaling
up, and all that they may when scaling down, and a result that turns the direction round is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from wherry.controllers.autoscaler.grouping import CannotCompute, Groups, Sample

DEFAULT_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far from 1 the ratio of use to target may be before anything is done."""

    up: float = DEFAULT_TOLERANCE
    down: float = DEFAULT_TOLERANCE

    def covers(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True)
class Result:
    """`average` is what a pod uses; `percent` is of its request."""

    replicas: int
    average: int
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class _Usage:
    ratio: float
    average: int
    percent: int | None = None


Measure = Callable[[Mapping[str, int]], _Usage]


def by_utilization(
    samples: Mapping[str, Sample],
    groups: Groups,
    requests: Mapping[str, int],
    *,
    target: int,
    current: int,
    tolerances: Tolerances,
) -> Result:
    """`target` in percent of what pods ask for. Raises `CannotCompute`."""

    def measure(values: Mapping[str, int]) -> _Usage:
        known = [name for name in values if name in requests]
        asked = sum(requests[name] for name in known)
        if not asked:
            raise CannotCompute("no metrics returned matched known pods")
        used = sum(values[name] for name in known)
        percent = used * 100 // asked
        return _Usage(percent / target, used // len(known), percent)

    most = max(100, target)
    full = {name: requests.get(name, 0) * most // 100 for name in groups.missing}
    return _replicas(samples, groups, measure, full, current=current, tolerances=tolerances)


def by_average(
    samples: Mapping[str, Sample], groups: Groups, *, target: int, current: int, tolerances: Tolerances
) -> Result:
    """`target` is what each pod may use. Raises `CannotCompute`."""

    def measure(values: Mapping[str, int]) -> _Usage:
        average = sum(values.values()) // len(values)
        return _Usage(average / target, average)

    full = dict.fromkeys(groups.missing, target)
    return _replicas(samples, groups, measure, full, current=current, tolerances=tolerances)


def _replicas(
    samples: Mapping[str, Sample],
    groups: Groups,
    measure: Measure,
    full: Mapping[str, int],
    *,
    current: int,
    tolerances: Tolerances,
) -> Result:
    left_out = groups.ignored | groups.unready
    values = {name: sample.value for name, sample in samples.items() if name not in left_out}
    if not values:
        raise CannotCompute("did not receive metrics for targeted pods (pods might be unready)")
    first = measure(values)
    unready = groups.unready if first.ratio > 1.0 else frozenset()
    if not unready and not groups.missing:
        replicas = current if tolerances.covers(first.ratio) else math.ceil(first.ratio * groups.ready)
        return Result(replicas, first.average, first.percent)
    values |= _assumed(first.ratio, groups.missing, full) | dict.fromkeys(unready, 0)
    ratio = measure(values).ratio
    replicas = math.ceil(ratio * len(values))
    turned = (first.ratio < 1.0 < ratio) or (ratio < 1.0 < first.ratio)
    backwards = (ratio < 1.0 and replicas > current) or (ratio > 1.0 and replicas < current)
    if tolerances.covers(ratio) or turned or backwards:
        replicas = current
    return Result(replicas, first.average, first.percent)


def _assumed(ratio: float, missing: Iterable[str], full: Mapping[str, int]) -> dict[str, int]:
    return dict(full) if ratio < 1.0 else dict.fromkeys(missing, 0)


def by_value(value: int, *, target: int, ready: int, current: int, tolerances: Tolerances) -> Result:
    """One figure for all pods together; with no pods yet, as many as the ratio says."""
    ratio = value / target
    if current == 0:
        return Result(math.ceil(ratio), value)
    return Result(current if tolerances.covers(ratio) else math.ceil(ratio * ready), value)


def by_value_per_pod(value: int, *, target: int, replicas: int, tolerances: Tolerances) -> Result:
    """One figure, of which each pod has its part; `replicas` are those there are."""
    if replicas == 0:
        return Result(math.ceil(value / target), value)
    ratio = value / (target * replicas)
    wanted = replicas if tolerances.covers(ratio) else math.ceil(value / target)
    return Result(wanted, math.ceil(value / replicas))
