"""Room for what a pod asks for, and the scores that look at what would be used, over all nodes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.scoring import MAX_SCORE
from wherry.scheduler.framework.status import Status
from wherry.scheduler.plugins.node_resources_balanced import balance
from wherry.scheduler.plugins.node_resources_fit import FitCheck
from wherry.scheduler.plugins.resource_strategies import LEAST, MOST, RATIO, Strategy, on_curve
from wherry.scheduler.vectors.table import Mask, NodeTable, Numbers

Floats = npt.NDArray[np.float64]


def allocatable(table: NodeTable, name: str) -> Numbers:
    return table.number(("allocatable", name), lambda info: info.allocatable.get(name, 0))


def requested(table: NodeTable, name: str) -> Numbers:
    return table.number(("requested", name), lambda info: info.requested.get(name, 0))


def _pods(info: NodeInfo) -> int:
    return len(info.pods)


def without_room(check: FitCheck, table: NodeTable) -> list[tuple[Mask, Status]]:
    """Nodes that do not take the pod, by reason: nodes that lack the same things share one."""
    limits = table.number("pod limit", lambda info: info.pod_limit)
    lacks = (table.number("pods", _pods) >= limits).astype(np.int64)
    for bit, (name, amount) in enumerate(check.wanted):
        whole = allocatable(table, name)
        lacks |= (amount > whole - requested(table, name)).astype(np.int64) << (2 * bit + 1)
        lacks |= (amount > whole).astype(np.int64) << (2 * bit + 2)
    lacks[~table.there()] = 0
    found = []
    for number in np.unique(lacks):
        if number:
            rows = lacks == number
            info = table.infos[int(rows.argmax())]
            assert info is not None
            # The plain form words it, once per combination of what is lacking.
            found.append((rows, check.explain(info)))
    return found


def strategy_score(strategy: Strategy, pod: PodInfo, table: NodeTable) -> Numbers:
    """The plain form is `resource_strategies.node_score`."""
    total, weights = np.zeros(table.size, np.int64), np.zeros(table.size, np.int64)
    for name, weight in strategy.concerned(pod):
        whole = allocatable(table, name)
        worth = _WORTH[strategy.kind](strategy, _used_after(pod, table, name), np.maximum(whole, 1))
        counts = (whole > 0) if strategy.kind != RATIO else (whole > 0) & (worth > 0)
        total += np.where(counts, worth * weight, 0)
        weights += np.where(counts, weight, 0)
    some = np.maximum(weights, 1)
    score = (total / some + 0.5).astype(np.int64) if strategy.kind == RATIO else total // some
    return np.where(weights > 0, score, 0)


def _used_after(pod: PodInfo, table: NodeTable, name: str) -> Numbers:
    if name == "cpu":
        return table.number("weighed cpu", lambda info: info.nonzero_cpu) + pod.nonzero_cpu
    if name == "memory":
        return table.number("weighed memory", lambda info: info.nonzero_memory) + pod.nonzero_memory
    return requested(table, name) + pod.requests.get(name, 0)


def _least(strategy: Strategy, used: Numbers, whole: Numbers) -> Numbers:
    return np.where(used <= whole, (whole - used) * MAX_SCORE // whole, 0)


def _most(strategy: Strategy, used: Numbers, whole: Numbers) -> Numbers:
    return np.minimum(used, whole) * MAX_SCORE // whole


def _ratio(strategy: Strategy, used: Numbers, whole: Numbers) -> Numbers:
    """Per cent are few: the curve is a table of them."""
    curve = np.array([on_curve(strategy.curve, percent) for percent in range(MAX_SCORE + 1)], np.int64)
    return curve[np.where(used <= whole, used * MAX_SCORE // whole, MAX_SCORE)]


_WORTH: Mapping[str, Callable[[Strategy, Numbers, Numbers], Numbers]] = {LEAST: _least, MOST: _most, RATIO: _ratio}


def balance_score(wanted: Sequence[tuple[str, int]], table: NodeTable) -> Numbers:
    """The plain form is `node_resources_balanced.balance`; it does nodes that lack one of the resources altogether."""
    before: list[Floats] = []
    after: list[Floats] = []
    odd = np.zeros(table.size, np.bool_)
    for name, amount in wanted:
        whole, used = allocatable(table, name), requested(table, name)
        odd |= whole <= 0
        some = np.maximum(whole, 1)
        before.append(np.minimum(used / some, 1.0))
        after.append(np.minimum((used + amount) / some, 1.0))
    gain = _evenness(after, table.size) - _evenness(before, table.size)
    score = MAX_SCORE // 2 + (MAX_SCORE // 2 + gain) // 2
    for row in np.flatnonzero(odd & table.there()):
        info = table.infos[row]
        assert info is not None
        score[row] = balance(info, wanted)
    return score


def _evenness(fractions: Sequence[Floats], size: int) -> Numbers:
    if len(fractions) < 2:
        return np.full(size, MAX_SCORE, np.int64)
    if len(fractions) == 2:
        deviation = np.abs((fractions[0] - fractions[1]) / 2)
    else:
        total = np.zeros(size)
        for each in fractions:
            total = total + each
        mean, squares = total / len(fractions), np.zeros(size)
        for each in fractions:
            squares = squares + (each - mean) * (each - mean)
        deviation = np.sqrt(squares / len(fractions))
    return ((1.0 - deviation) * MAX_SCORE).astype(np.int64)
