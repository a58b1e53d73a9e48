"""What a library declares: functions by their overloads, and names of types.

A function's implementation takes and gives values (`values.py`), raises `EvaluationError`, and relies on the types of its
arguments: calls with a static type are bound without a check, others go through the guards of `guard`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.machinery.cel.types import Kind, Type
from wherry.machinery.cel.values import Duration, Opaque, Optional, Timestamp, TypeValue, Uint

Implementation = Callable[..., Any]
Guard = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function. `member` calls have their target as the first argument."""

    id: str
    args: tuple[Type, ...]
    result: Type
    call: Implementation
    member: bool = False


Functions = Mapping[str, tuple[Overload, ...]]
Row = tuple[str, str, tuple[Type, ...], Type, Implementation]


@dataclass(frozen=True, slots=True)
class Library:
    functions: Functions
    types: Mapping[str, Type]


def library(
    *, members: Iterable[Row] = (), globals_: Iterable[Row] = (), types: Mapping[str, Type] | None = None
) -> Library:
    """Rows of (function, id of the overload, types of the arguments, type of the result, implementation)."""
    found: dict[str, list[Overload]] = {}
    for rows, member in ((members, True), (globals_, False)):
        for name, overload, args, result, call in rows:
            found.setdefault(name, []).append(Overload(overload, args, result, call, member))
    return Library({name: tuple(each) for name, each in found.items()}, types or {})


def merged(libraries: Iterable[Library]) -> Library:
    """All of them as one."""
    functions: dict[str, tuple[Overload, ...]] = {}
    types: dict[str, Type] = {}
    for each in libraries:
        for name, overloads in each.functions.items():
            functions[name] = functions.get(name, ()) + overloads
        types.update(each.types)
    return Library(functions, types)


_CLASSES: Final[Mapping[Kind, type]] = {
    Kind.BOOL: bool, Kind.BYTES: bytes, Kind.DOUBLE: float, Kind.DURATION: Duration, Kind.NULL: type(None),
    Kind.INT: int, Kind.STRING: str, Kind.TIMESTAMP: Timestamp, Kind.UINT: Uint, Kind.TYPE: TypeValue,
}  # fmt: skip


def guard(type_: Type) -> Guard | None:
    """The test whether a value is of a type, as far as it shows at run time; None where everything is."""
    kind = type_.kind
    if (wanted := _CLASSES.get(kind)) is not None:
        return lambda value: value.__class__ is wanted
    if kind is Kind.LIST:
        inner = guard(type_.params[0])
        if inner is None:
            return lambda value: isinstance(value, list)
        return lambda value: isinstance(value, list) and all(map(inner, value))
    if kind in (Kind.MAP, Kind.OBJECT):
        return lambda value: isinstance(value, Mapping)
    if kind is Kind.OPAQUE:
        if type_.name == "optional_type":
            return lambda value: value.__class__ is Optional
        return lambda value: isinstance(value, Opaque) and value.cel_type.name == type_.name
    return None
