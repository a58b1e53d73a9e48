"""The one loop of CEL: a fold over a list, or over the keys of a map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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


def loop_code(loop: Loop) -> Code:
    return _strict(loop) if loop.never_stops else _lenient(loop)


def _strict(loop: Loop) -> Code:
    """A fold over everything (`map`, `filter`): an error in a step is the error of the whole."""
    step, cost = loop.step
    first, second, accu = loop.first, loop.second, loop.accu
    around, init, result = loop.around, loop.init, loop.result

    def run(frame: Frame) -> Any:
        values = around(frame)
        frame[accu] = init(frame)
        for one, two in _pairs(values) if second else _singles(values):
            frame[first] = one
            if second:
                frame[second] = two
            frame.charge(cost)
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
        for one, two in _pairs(values) if second else _singles(values):
            frame[first] = one
            if second:
                frame[second] = two
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


def _singles(values: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(values, list):
        return ((item, None) for item in values)
    if isinstance(values, Mapping):
        return ((from_key(key), None) for key in values)
    raise no_overload()


def _pairs(values: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(values, list):
        return iter(enumerate(values))
    if isinstance(values, Mapping):
        return ((from_key(key), value) for key, value in values.items())
    raise no_overload()
