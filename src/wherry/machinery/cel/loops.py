"""The one loop of CEL: a fold over a list, or over the keys of a map. `all` and `exists` have code of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wherry.machinery.cel.costs import SELECT
from wherry.machinery.cel.frame import Code, Frame, Held, Piece
from wherry.machinery.cel.values import EvaluationError, from_key, no_overload


@dataclass(frozen=True, slots=True)
class Loop:
    """The parts of a fold, compiled. `first`, `second` and `accu` are slots of the frame; `second` may be empty."""

    around: Code
    first: str
    second: str
    accu: str
    init: Code
    condition: Piece
    step: Piece
    result: Code
    never_stops: bool
    stop: bool | None = None
    predicate: Piece | None = None
    """For `all` and `exists`: the value of the predicate that decides, and the predicate alone."""


def loop_code(loop: Loop) -> Code:
    if loop.predicate is not None and loop.stop is not None:
        return _decided(loop, loop.stop, loop.predicate)
    return _strict(loop) if loop.never_stops else _lenient(loop)


_END = object()


def _decided(loop: Loop, stop: bool, predicate: Piece) -> Code:
    """`all` and `exists`, which most loops are: until one item decides; until then errors are only remembered."""
    test, cost = predicate
    again = loop.condition[1]
    turn = cost + again + SELECT
    first, second, around = loop.first, loop.second, loop.around

    def run(frame: Frame) -> bool:
        failed: EvaluationError | None = None
        items = iter(_pairs(around(frame)) if second else _items(around(frame)))
        for item in items:
            if second:
                frame[first], frame[second] = item
            else:
                frame[first] = item
            frame.cost += turn
            if frame.cost > frame.limit:
                frame.charge(0)
            try:
                found = test(frame)
            except EvaluationError as error:
                if frame.exceeded:
                    raise
                failed = failed or error
                continue
            if found is stop:
                if next(items, _END) is not _END:
                    frame.charge(again)
                return stop
            if found.__class__ is not bool:
                failed = failed or no_overload()
        if failed is not None:
            raise failed
        return not stop

    return run


def _strict(loop: Loop) -> Code:
    """A fold over everything (`map`, `filter`): an error in a step is the error of the whole."""
    step, cost = loop.step
    first, second, accu = loop.first, loop.second, loop.accu
    around, init, result = loop.around, loop.init, loop.result

    def run(frame: Frame) -> Any:
        values = around(frame)
        frame[accu] = init(frame)
        for item in _pairs(values) if second else _items(values):
            if second:
                frame[first], frame[second] = item
            else:
                frame[first] = item
            frame.cost += cost
            if frame.cost > frame.limit:
                frame.charge(0)
            frame[accu] = step(frame)
        return result(frame)

    return run


def _lenient(loop: Loop) -> Code:
    """A fold with a condition (`all`, `exists`): an error is carried on, a later step may make up for it."""
    (condition, condition_cost), (step, step_cost) = loop.condition, loop.step
    first, second, accu = loop.first, loop.second, loop.accu
    around, init, result = loop.around, loop.init, loop.result

    def run(frame: Frame) -> Any:
        values = around(frame)
        frame[accu] = init(frame)
        for item in _pairs(values) if second else _items(values):
            if second:
                frame[first], frame[second] = item
            else:
                frame[first] = item
            frame.charge(condition_cost)
            if not condition(frame):
                break
            frame.charge(step_cost)
            try:
                frame[accu] = step(frame)
            except EvaluationError as error:
                if frame.exceeded:
                    raise
                frame[accu] = Held(None, error)
        return result(frame)

    return run


def _items(values: Any) -> Iterable[Any]:
    if isinstance(values, list):
        return values
    if isinstance(values, Mapping):
        return map(from_key, values)
    raise no_overload()


def _pairs(values: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(values, list):
        return iter(enumerate(values))
    if isinstance(values, Mapping):
        return ((from_key(key), value) for key, value in values.items())
    raise no_overload()
