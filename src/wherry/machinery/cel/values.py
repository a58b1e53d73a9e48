"""The values of CEL in Python: JSON's own types, and a class each for what JSON does not have.

    int, float, str, bytes, bool, None, list, dict    themselves (an int is an `int`, never a `bool`)
    Uint, Timestamp, Duration, TypeValue, Optional    the classes below

Python takes True for 1 and finds a key `1` under `True`; CEL does not. So equality is `equals`, and boolean keys of a
map are stored as `BoolKey`. Source: the CEL specification, "Equality" and "Ordering".
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Final

from wherry.machinery.cel.types import Type

MAX_INT: Final = 2**63 - 1
MIN_INT: Final = -(2**63)
MAX_UINT: Final = 2**64 - 1
NANO: Final = 10**9
MAX_MADE: Final = 10_000_000
"""How many characters or items an expression may make in one go: costs do not count what upstream makes lazily."""


class EvaluationError(Exception):
    """An expression has no value for these bindings; the message is upstream's."""

    cost = 0
    """What was spent until then."""


class CostExceeded(EvaluationError):
    """The evaluation was stopped because it cost too much. `&&` and `||` do not absorb it."""

    def __init__(self, why: str = "operation cancelled: actual cost limit exceeded") -> None:
        super().__init__(why)


def no_overload(function: str = "", *args: Any) -> EvaluationError:
    if not function:
        return EvaluationError("no such overload")
    return EvaluationError(f"no such overload: {function}({', '.join(map(type_name, args))})")


def bounded(size: int) -> None:
    """Raises `EvaluationError` where a result would be too large to be made."""
    if size > MAX_MADE:
        raise EvaluationError(f"result is too large: {size}, limit {MAX_MADE}")


class Uint(int):
    """An unsigned number of 64 bits."""

    __slots__ = ()


@total_ordering
@dataclass(frozen=True, slots=True)
class Timestamp:
    """Nanoseconds since 1970."""

    nanos: int

    def __lt__(self, other: Timestamp) -> bool:
        return self.nanos < other.nanos


@total_ordering
@dataclass(frozen=True, slots=True)
class Duration:
    nanos: int

    def __lt__(self, other: Duration) -> bool:
        return self.nanos < other.nanos


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value; equal by name, as `type([1]) == list` holds."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Optional:
    """`optional.of(value)`, or `optional.none()`."""

    present: bool
    value: Any = None


NONE: Final = Optional(False)


class Opaque:
    """What a library's values derive from: compared by `same`, named by `cel_type`."""

    __slots__ = ()
    cel_type: Type

    def same(self, other: Any) -> bool:
        return self is other


class Struct(dict[str, Any]):
    """An object that an expression made: `Object.spec{replicas: 1}`."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.type_name = type_name


class SetList(list[Any]):
    """A list of type set: order plays no part in equality, and `+` is a union."""

    __slots__ = ()


class MapList(list[Any]):
    """A list of type map: items are told apart by their keys, `+` replaces and appends."""

    __slots__ = ("keys",)

    def __init__(self, items: list[Any], keys: tuple[str, ...]) -> None:
        super().__init__(items)
        self.keys = keys

    def by_key(self) -> dict[tuple[Any, ...], Any]:
        return {tuple(item.get(key) for key in self.keys): item for item in self if isinstance(item, Mapping)}


@dataclass(frozen=True, slots=True)
class BoolKey:
    """A boolean as the key of a map."""

    value: bool


TRUE_KEY: Final = BoolKey(True)
FALSE_KEY: Final = BoolKey(False)


def as_key(value: Any) -> Any:
    """What a CEL value is as a key of a dict. Raises `EvaluationError` for what cannot be one."""
    found = value.__class__
    if found is str or found is int or found is Uint:
        return value
    if found is bool:
        return TRUE_KEY if value else FALSE_KEY
    if found is float:
        return int(value) if value.is_integer() else value
    raise EvaluationError(f"unsupported key type: {type_name(value)}")


def from_key(key: Any) -> Any:
    return key.value if key.__class__ is BoolKey else key


_NAMES: Final[Mapping[type, str]] = {
    bool: "bool", int: "int", float: "double", str: "string", bytes: "bytes", list: "list", dict: "map",
    SetList: "list", MapList: "list", Uint: "uint", type(None): "null_type", TypeValue: "type",
    Timestamp: "google.protobuf.Timestamp", Duration: "google.protobuf.Duration", Optional: "optional_type",
}  # fmt: skip


def type_name(value: Any) -> str:
    """The name of a value's type, as `type(value)` has it."""
    if (name := _NAMES.get(value.__class__)) is not None:
        return name
    if isinstance(value, Opaque):
        return value.cel_type.name
    if isinstance(value, Struct):
        return value.type_name
    return "map" if isinstance(value, Mapping) else value.__class__.__name__


_NUMBERS = (int, float, Uint)
_PLAIN = frozenset({str, int, bytes, Timestamp, Duration, TypeValue, type(None), bool, Uint})


def equals(a: Any, b: Any) -> bool:
    """Equality across all types: never an error; numbers compare by value, different types are unequal."""
    left, right = a.__class__, b.__class__
    if left is right and left in _PLAIN:
        return bool(a == b)
    if left in _NUMBERS and right in _NUMBERS:
        return bool(a == b)
    if isinstance(a, list):
        return isinstance(b, list) and _same_lists(a, b)
    if isinstance(a, Mapping):
        return isinstance(b, Mapping) and _same_maps(a, b)
    if left is Optional:
        return right is Optional and a.present == b.present and (not a.present or equals(a.value, b.value))
    if isinstance(a, Opaque):
        return isinstance(b, Opaque) and a.same(b)
    return False


def _same_lists(a: list[Any], b: list[Any]) -> bool:
    if len(a) != len(b):
        return False
    if isinstance(a, SetList):
        return all(contains(b, item) for item in a) and all(contains(a, item) for item in b)
    if isinstance(a, MapList):
        others = MapList(b, a.keys).by_key()
        mine = a.by_key()
        return len(others) == len(mine) and all(
            key in others and equals(item, others[key]) for key, item in mine.items()
        )
    return all(equals(x, y) for x, y in zip(a, b, strict=True))


def _same_maps(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> bool:
    return len(a) == len(b) and all(key in b and equals(value, b[key]) for key, value in a.items())


def contains(items: list[Any], wanted: Any) -> bool:
    found = wanted.__class__
    if found is str or found is int:
        # Strings equal only strings; for integers True is in the way, and only then is a closer look needed.
        if wanted not in items:
            return False
        if found is str:
            return True
    return any(equals(item, wanted) for item in items)


def size_of(value: Any) -> int:
    """The size by which the cost of a call is counted: 1 for whatever has none."""
    return len(value) if isinstance(value, Sized) else 1
