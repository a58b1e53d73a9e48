"""`+ - * / %` and negation: 64 bits, and an error instead of a wrong number.

Source: the CEL specification, "Numeric values"; cel-go `common/types/overflow.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan, nan
from typing import Any

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, A, list_of
from wherry.machinery.cel.values import (
    MAX_INT,
    MAX_UINT,
    MIN_INT,
    Duration,
    EvaluationError,
    MapList,
    SetList,
    Timestamp,
    Uint,
    bounded,
    contains,
)

MIN_TIME, MAX_TIME = -62_135_596_800 * 10**9, 253_402_300_800 * 10**9 - 1


def checked_int(value: int) -> int:
    if MIN_INT <= value <= MAX_INT:
        return value
    raise EvaluationError("integer overflow")


def checked_uint(value: int) -> Uint:
    if 0 <= value <= MAX_UINT:
        return Uint(value)
    raise EvaluationError("unsigned integer overflow")


def checked_time(nanos: int) -> Timestamp:
    if MIN_TIME <= nanos <= MAX_TIME:
        return Timestamp(nanos)
    raise EvaluationError("timestamp overflow")


def checked_duration(nanos: int) -> Duration:
    if MIN_INT <= nanos <= MAX_INT:
        return Duration(nanos)
    raise EvaluationError("duration overflow")


def _int_divided(a: int, b: int) -> int:
    if b == 0:
        raise EvaluationError("division by zero")
    found = abs(int(a)) // abs(int(b))
    return checked_int(found if (a < 0) == (b < 0) else -found)


def _int_rest(a: int, b: int) -> int:
    if b == 0:
        raise EvaluationError("modulus by zero")
    if a == MIN_INT and b == -1:
        raise EvaluationError("integer overflow")
    return int(abs(a) % abs(b)) * (-1 if a < 0 else 1)


def _uint(operation: Callable[[int, int], int], why: str = "") -> Callable[[Uint, Uint], Uint]:
    def run(a: Uint, b: Uint) -> Uint:
        if why and b == 0:
            raise EvaluationError(why)
        return checked_uint(operation(int(a), int(b)))

    return run


def _double_divided(a: float, b: float) -> float:
    if b:
        return a / b
    if a == 0 or isnan(a):
        return nan
    return inf if (a > 0) == (str(b)[0] != "-") else -inf


def _double(operation: Callable[[float, float], float]) -> Callable[[float, float], float]:
    def run(a: float, b: float) -> float:
        try:
            return operation(a, b)
        except OverflowError:
            return inf

    return run


def join_lists(a: list[Any], b: list[Any]) -> list[Any]:
    """`+`; sets and maps of Kubernetes are merged, as server-side apply would."""
    bounded(8 * (len(a) + len(b)))
    if isinstance(a, SetList):
        return SetList([*a, *(item for item in b if not contains(a, item))])
    if isinstance(a, MapList):
        added = MapList(b, a.keys).by_key()
        merged = [added.pop(key, item) for key, item in a.by_key().items()]
        return MapList([*merged, *added.values()], a.keys)
    return [*a, *b]


def _rows(name: str, *rows: tuple[str, Any, Any]) -> list[Any]:
    return [(name, overload, types[:2], types[2], call) for overload, types, call in rows]


LIBRARY: Library = library(
    globals_=[
        *_rows(
            "_+_",
            ("add_bytes", (BYTES, BYTES, BYTES), lambda a, b: a + b),
            ("add_double", (DOUBLE, DOUBLE, DOUBLE), lambda a, b: a + b),
            ("add_duration_duration", (DURATION, DURATION, DURATION), lambda a, b: checked_duration(a.nanos + b.nanos)),
            ("add_duration_timestamp", (DURATION, TIMESTAMP, TIMESTAMP), lambda a, b: checked_time(a.nanos + b.nanos)),
            ("add_timestamp_duration", (TIMESTAMP, DURATION, TIMESTAMP), lambda a, b: checked_time(a.nanos + b.nanos)),
            ("add_int64", (INT, INT, INT), lambda a, b: checked_int(a + b)),
            ("add_list", (list_of(A), list_of(A), list_of(A)), join_lists),
            ("add_string", (STRING, STRING, STRING), lambda a, b: a + b),
            ("add_uint64", (UINT, UINT, UINT), _uint(lambda a, b: a + b)),
        ),
        *_rows(
            "_-_",
            ("subtract_double", (DOUBLE, DOUBLE, DOUBLE), lambda a, b: a - b),
            (
                "subtract_duration_duration",
                (DURATION, DURATION, DURATION),
                lambda a, b: checked_duration(a.nanos - b.nanos),
            ),
            ("subtract_int64", (INT, INT, INT), lambda a, b: checked_int(a - b)),
            (
                "subtract_timestamp_duration",
                (TIMESTAMP, DURATION, TIMESTAMP),
                lambda a, b: checked_time(a.nanos - b.nanos),
            ),
            (
                "subtract_timestamp_timestamp",
                (TIMESTAMP, TIMESTAMP, DURATION),
                lambda a, b: checked_duration(a.nanos - b.nanos),
            ),
            ("subtract_uint64", (UINT, UINT, UINT), _uint(lambda a, b: a - b)),
        ),
        *_rows(
            "_*_",
            ("multiply_double", (DOUBLE, DOUBLE, DOUBLE), _double(lambda a, b: a * b)),
            ("multiply_int64", (INT, INT, INT), lambda a, b: checked_int(a * b)),
            ("multiply_uint64", (UINT, UINT, UINT), _uint(lambda a, b: a * b)),
        ),
        *_rows(
            "_/_",
            ("divide_double", (DOUBLE, DOUBLE, DOUBLE), _double_divided),
            ("divide_int64", (INT, INT, INT), _int_divided),
            ("divide_uint64", (UINT, UINT, UINT), _uint(lambda a, b: a // b, "division by zero")),
        ),
        *_rows(
            "_%_",
            ("modulo_int64", (INT, INT, INT), _int_rest),
            ("modulo_uint64", (UINT, UINT, UINT), _uint(lambda a, b: a % b, "modulus by zero")),
        ),
        ("-_", "negate_double", (DOUBLE,), DOUBLE, lambda a: -a),
        ("-_", "negate_int64", (INT,), INT, lambda a: checked_int(-a)),
    ]
)
