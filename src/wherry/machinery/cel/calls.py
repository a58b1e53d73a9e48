"""How calls are bound: straight to the implementation where the types say which, else by looking at the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.machinery.cel.costs import BY_RESULT, ActualCost, actual_cost
from wherry.machinery.cel.frame import Code, Frame, Piece
from wherry.machinery.cel.functions import Guard, Implementation, Overload, guard
from wherry.machinery.cel.types import SCALARS, Kind, Type
from wherry.machinery.cel.values import no_overload

_OPERATORS = ("_", "!", "-", "@")


def bind_call(function: str, overloads: Sequence[Overload], args: list[Code], types: list[Type]) -> Piece:
    """The code of a call of one of `overloads`, and its cost where that is always the same."""
    counted = [actual_cost(function, overload.id) for overload in overloads]
    if len(overloads) == 1 and not _needs_guards(overloads[0], types):
        overload = overloads[0]
        if counted[0] is None or _scalar_comparison(overload, types):
            return _plain(overload.call, args), 1
        return (_counting_after if function in BY_RESULT else _counting)(overload.call, args, counted[0]), 0
    code = _dispatching(function, overloads, counted, args, types)
    return code, 0


def _needs_guards(overload: Overload, types: list[Type]) -> bool:
    return any(_guard_for(wanted, found) is not None for wanted, found in zip(overload.args, types, strict=True))


def _guard_for(wanted: Type, found: Type) -> Guard | None:
    """No guard where the static type is the one that is wanted."""
    return None if found.kind is wanted.kind and not _has_dyn(found) else guard(wanted)


def _has_dyn(type_: Type) -> bool:
    return type_.kind is Kind.DYN or (type_.kind is not Kind.TYPE and any(map(_has_dyn, type_.params)))


def _scalar_comparison(overload: Overload, types: list[Type]) -> bool:
    return overload.id in ("equals", "not_equals") and any(type_.kind in SCALARS for type_ in types)


def _plain(call: Implementation, args: list[Code]) -> Code:
    if len(args) == 1:
        only = args[0]
        return lambda frame: call(only(frame))
    if len(args) == 2:
        left, right = args
        return lambda frame: call(left(frame), right(frame))
    return lambda frame: call(*[arg(frame) for arg in args])


def _counting(call: Implementation, args: list[Code], cost: ActualCost) -> Code:
    """Pays before it works, so that what is too expensive does not happen."""
    if len(args) == 2:
        return _counting_two(call, args, cost)

    def run(frame: Frame) -> Any:
        values = tuple([arg(frame) for arg in args])
        frame.charge(cost(values, None))
        return call(*values)

    return run


def _counting_two(call: Implementation, args: list[Code], cost: ActualCost) -> Code:
    left, right = args

    def run(frame: Frame) -> Any:
        values = one, two = left(frame), right(frame)
        frame.cost += cost(values, None)
        if frame.cost > frame.limit:
            frame.charge(0)
        return call(one, two)

    return run


def _counting_after(call: Implementation, args: list[Code], cost: ActualCost) -> Code:
    def run(frame: Frame) -> Any:
        values = tuple([arg(frame) for arg in args])
        result = call(*values)
        frame.charge(cost(values, result))
        return result

    return run


def _dispatching(
    function: str, overloads: Sequence[Overload], counted: list[ActualCost | None], args: list[Code], types: list[Type]
) -> Code:
    rows = [
        ([_guard_for(wanted, found) for wanted, found in zip(overload.args, types, strict=True)], overload.call, cost)
        for overload, cost in zip(overloads, counted, strict=True)
    ]
    name = "" if function.startswith(_OPERATORS) else function

    def run(frame: Frame) -> Any:
        values = tuple([arg(frame) for arg in args])
        for guards, call, cost in rows:
            if all(test is None or test(value) for test, value in zip(guards, values, strict=True)):
                result = call(*values)
                frame.charge(1 if cost is None else cost(values, result))
                return result
        raise no_overload(name, *values)

    return run
