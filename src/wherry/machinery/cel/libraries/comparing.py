"""Equality, order, logic and membership. Source: the CEL specification, "Equality" and "Ordering"."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from wherry.machinery.cel.functions import Library, Row, library
from wherry.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    A,
    B,
    Type,
    list_of,
    map_of,
    optional_of,
)
from wherry.machinery.cel.values import (
    NONE,
    EvaluationError,
    Optional,
    as_key,
    contains,
    equals,
    no_overload,
)

_COMPARED = (("bool", BOOL), ("int64", INT), ("uint64", UINT), ("double", DOUBLE), ("string", STRING), ("bytes", BYTES),
             ("timestamp", TIMESTAMP), ("duration", DURATION))  # fmt: skip
_NUMBERS = (("int64", INT), ("uint64", UINT), ("double", DOUBLE))
_ORDER: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "_<_": ("less", operator.lt), "_<=_": ("less_equals", operator.le),
    "_>_": ("greater", operator.gt), "_>=_": ("greater_equals", operator.ge),
}  # fmt: skip


def _orders() -> list[Row]:
    rows: list[Row] = []
    for function, (name, compare) in _ORDER.items():
        rows += [(function, f"{name}_{kind}", (type_, type_), BOOL, compare) for kind, type_ in _COMPARED]
        rows += [
            (function, f"{name}_{left}_{right}", (one, two), BOOL, compare)
            for left, one in _NUMBERS
            for right, two in _NUMBERS
            if left != right
        ]
    return rows


def _never(*args: Any) -> bool:
    """Only declared: the compiler has code of its own for these."""
    raise no_overload()


def item_at(items: list[Any], index: Any) -> Any:
    place = _place(index)
    if 0 <= place < len(items):
        return items[place]
    raise EvaluationError(f"index out of bounds: {place}")


def _place(index: Any) -> int:
    if index.__class__ is float and not index.is_integer():
        raise EvaluationError(f"unsupported index value: {index}")
    return int(index)


def _at_key(values: Mapping[Any, Any], key: Any) -> Any:
    try:
        return values[as_key(key)]
    except KeyError:
        raise EvaluationError(f"no such key: {key}") from None


def _maybe_item(items: Any, index: Any) -> Optional:
    if items.__class__ is Optional:
        if not items.present:
            return NONE
        items = items.value
    if isinstance(items, list):
        place = _place(index)
        return Optional(True, items[place]) if 0 <= place < len(items) else NONE
    if isinstance(items, Mapping):
        key = as_key(index)
        return Optional(True, items[key]) if key in items else NONE
    raise no_overload()


_ANY_LIST: Type = list_of(A)
_ANY_MAP: Type = map_of(A, B)
LIBRARY: Library = library(
    globals_=[
        *_orders(),
        ("_==_", "equals", (A, A), BOOL, equals),
        ("_!=_", "not_equals", (A, A), BOOL, lambda a, b: not equals(a, b)),
        ("!_", "logical_not", (BOOL,), BOOL, operator.not_),
        ("_&&_", "logical_and", (BOOL, BOOL), BOOL, _never),
        ("_||_", "logical_or", (BOOL, BOOL), BOOL, _never),
        ("_?_:_", "conditional", (BOOL, A, A), A, _never),
        ("@not_strictly_false", "not_strictly_false", (BOOL,), BOOL, _never),
        ("@in", "in_list", (A, _ANY_LIST), BOOL, lambda a, items: contains(items, a)),
        ("@in", "in_map", (A, _ANY_MAP), BOOL, lambda a, values: as_key(a) in values),
        ("_[_]", "index_list", (_ANY_LIST, INT), A, item_at),
        ("_[_]", "index_map", (_ANY_MAP, A), B, _at_key),
        ("_[_]", "optional_list_index_int", (optional_of(_ANY_LIST), INT), optional_of(A), _maybe_item),
        ("_[_]", "optional_map_index_value", (optional_of(_ANY_MAP), A), optional_of(B), _maybe_item),
        ("_[?_]", "list_optindex_optional_int", (_ANY_LIST, INT), optional_of(A), _maybe_item),
        ("_[?_]", "optional_list_optindex_optional_int", (optional_of(_ANY_LIST), INT), optional_of(A), _maybe_item),
        ("_[?_]", "map_optindex_optional_value", (_ANY_MAP, A), optional_of(B), _maybe_item),
        ("_[?_]", "optional_map_optindex_optional_value", (optional_of(_ANY_MAP), A), optional_of(B), _maybe_item),
        ("cel.@mapInsert", "@mapInsert_map_map", (_ANY_MAP, _ANY_MAP), _ANY_MAP, _never),
        ("cel.@mapInsert", "@mapInsert_map_key_value", (_ANY_MAP, A, B), _ANY_MAP, _never),
        ("dyn", "to_dyn", (A,), DYN, lambda a: a),
    ]
)
