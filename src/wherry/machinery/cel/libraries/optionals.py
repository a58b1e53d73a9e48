"""Values that may be absent: `optional.of(x)`, `x.?field`, `or`, `orValue`. Source: cel-go `cel/library.go`."""

from __future__ import annotations

from typing import Any

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import BOOL, A, list_of, optional_of
from wherry.machinery.cel.values import NONE, EvaluationError, Optional, Timestamp

_OPTIONAL = optional_of(A)
_ZERO: tuple[Any, ...] = (0, 0.0, "", b"", False, None)


def _non_zero(value: Any) -> Optional:
    zero = any(value.__class__ is each.__class__ and value == each for each in _ZERO)
    empty = isinstance(value, (list, dict)) and not value
    return (
        NONE
        if zero or empty or value == Timestamp(0) or (isinstance(value, int) and not value)
        else Optional(True, value)
    )


def _value(found: Optional) -> Any:
    if found.present:
        return found.value
    raise EvaluationError("optional.none() dereference")


def _first(items: list[Any]) -> Optional:
    return Optional(True, items[0]) if items else NONE


def _last(items: list[Any]) -> Optional:
    return Optional(True, items[-1]) if items else NONE


LIBRARY: Library = library(
    globals_=[
        ("optional.of", "optional_of", (A,), _OPTIONAL, lambda value: Optional(True, value)),
        ("optional.ofNonZeroValue", "optional_ofNonZeroValue", (A,), _OPTIONAL, _non_zero),
        ("optional.none", "optional_none", (), _OPTIONAL, lambda: NONE),
        ("optional.unwrap", "optional_unwrap", (list_of(_OPTIONAL),), list_of(A), lambda items: [o.value for o in items if o.present]),
    ],
    members=[
        ("value", "optional_value", (_OPTIONAL,), A, _value),
        ("hasValue", "optional_hasValue", (_OPTIONAL,), BOOL, lambda found: found.present),
        ("or", "optional_or_optional", (_OPTIONAL, _OPTIONAL), _OPTIONAL, lambda a, b: a if a.present else b),
        ("orValue", "optional_orValue_value", (_OPTIONAL, A), A, lambda a, b: a.value if a.present else b),
        ("unwrapOpt", "optional_unwrapOpt", (list_of(_OPTIONAL),), list_of(A), lambda items: [o.value for o in items if o.present]),
        ("first", "list_first", (list_of(A),), _OPTIONAL, _first),
        ("last", "list_last", (list_of(A),), _OPTIONAL, _last),
    ],
)  # fmt: skip
