"""`int(x)`, `string(x)`, `type(x)` and their kin, `size` and the string functions of the language itself.

Source: the CEL specification, "List of standard definitions"; cel-go `common/types`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite, isnan
from typing import Any

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.libraries.arithmetic import checked_time
from wherry.machinery.cel.libraries.times import format_duration, format_timestamp, parse_duration, parse_timestamp
from wherry.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    A,
    B,
    list_of,
    map_of,
    type_of,
)
from wherry.machinery.cel.values import (
    MAX_INT,
    MAX_UINT,
    MIN_INT,
    NANO,
    Duration,
    EvaluationError,
    Timestamp,
    TypeValue,
    Uint,
    type_name,
)
from wherry.machinery.go_regex import GoRegexError, compile_go

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI]nf(?:inity)?|[nN]a[nN])"
)
_BOOLS = {**dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True)}
_BOOLS |= dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False)


def _int(value: Any) -> int:
    if value.__class__ is str:
        if _INTEGER.fullmatch(value) is None:
            raise EvaluationError(f'strconv.ParseInt: parsing "{value}": invalid syntax')
        if not MIN_INT <= (found := int(value)) <= MAX_INT:
            raise EvaluationError(f'strconv.ParseInt: parsing "{value}": value out of range')
        return found
    if value.__class__ is Timestamp:
        return int(value.nanos // NANO)
    if value.__class__ is Duration:
        return int(value.nanos)
    if value.__class__ is float and (isnan(value) or not MIN_INT < value < MAX_INT):
        raise EvaluationError("integer overflow")
    if int(value) > MAX_INT:
        raise EvaluationError("integer overflow")
    return int(value)


def _uint(value: Any) -> Uint:
    if value.__class__ is str:
        if _INTEGER.fullmatch(value) is None or value[0] in "+-":
            raise EvaluationError(f'strconv.ParseUint: parsing "{value}": invalid syntax')
        if int(value) > MAX_UINT:
            raise EvaluationError(f'strconv.ParseUint: parsing "{value}": value out of range')
        return Uint(value)
    if value.__class__ is float and (isnan(value) or not -1 < value < MAX_UINT):
        raise EvaluationError("unsigned integer overflow")
    if int(value) < 0:
        raise EvaluationError("unsigned integer overflow")
    return Uint(int(value))


def _double(value: Any) -> float:
    if value.__class__ is str and _FLOAT.fullmatch(value) is None:
        raise EvaluationError(f'strconv.ParseFloat: parsing "{value}": invalid syntax')
    return float(value)


def double_text(value: float) -> str:
    """As Go's `%g`: the fewest digits that tell the number, with an exponent from a million on and below 0.0001."""
    if not isfinite(value):
        return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    point = len(digits) + exponent - 1
    if value and (point < -4 or point >= 6):
        first, rest = str(digits[0]), "".join(map(str, digits[1:]))
        mantissa = f"{first}.{rest}" if rest else first
        return f"{'-' if value < 0 else ''}{mantissa}e{'-' if point < 0 else '+'}{abs(point):02}"
    return plain_double(value)


def plain_double(value: float) -> str:
    """The same without an exponent, as Go's `%f` with the precision -1."""
    text = f"{Decimal(repr(value)):f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text


def text_of(value: Any) -> str:
    """`string(x)`. Raises `EvaluationError`."""
    found = value.__class__
    if found is str:
        return str(value)
    if found is bool:
        return "true" if value else "false"
    if found is float:
        return double_text(value)
    if found is bytes:
        try:
            return str(value, "utf-8")
        except UnicodeDecodeError as error:
            raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from error
    if found is Timestamp:
        return format_timestamp(value)
    if found is Duration:
        return format_duration(value)
    return str(int(value))


def _bool(value: Any) -> bool:
    if value.__class__ is bool:
        return bool(value)
    if value not in _BOOLS:
        raise EvaluationError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return _BOOLS[value]


def _timestamp(value: Any) -> Timestamp:
    if value.__class__ is str:
        return parse_timestamp(value)
    return value if value.__class__ is Timestamp else checked_time(value * NANO)


def _duration(value: Any) -> Duration:
    if value.__class__ is str:
        return parse_duration(value)
    return value if value.__class__ is Duration else Duration(value)


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern is found in the text; in linear time, see `machinery.automaton`."""
    try:
        return compile_go(pattern).search(text)
    except GoRegexError as error:
        raise EvaluationError(str(error)) from error


def _converters(name: str, result: Any, call: Any, *sources: tuple[str, Any]) -> list[Any]:
    return [(name, overload, (source,), result, call) for overload, source in sources]


_LIST, _MAP = list_of(A), map_of(A, B)
_SIZED = (("string", STRING), ("bytes", BYTES), ("list", _LIST), ("map", _MAP))
LIBRARY: Library = library(
    globals_=[
        *_converters("bool", BOOL, _bool, ("bool_to_bool", BOOL), ("string_to_bool", STRING)),
        *_converters("bytes", BYTES, lambda v: v if v.__class__ is bytes else v.encode(), ("bytes_to_bytes", BYTES), ("string_to_bytes", STRING)),
        *_converters("double", DOUBLE, _double, ("double_to_double", DOUBLE), ("int64_to_double", INT), ("string_to_double", STRING), ("uint64_to_double", UINT)),
        *_converters("duration", DURATION, _duration, ("duration_to_duration", DURATION), ("int64_to_duration", INT), ("string_to_duration", STRING)),
        *_converters("int", INT, _int, ("int64_to_int64", INT), ("double_to_int64", DOUBLE), ("duration_to_int64", DURATION), ("string_to_int64", STRING), ("timestamp_to_int64", TIMESTAMP), ("uint64_to_int64", UINT)),
        *_converters("string", STRING, text_of, ("string_to_string", STRING), ("bool_to_string", BOOL), ("bytes_to_string", BYTES), ("double_to_string", DOUBLE), ("duration_to_string", DURATION), ("int64_to_string", INT), ("timestamp_to_string", TIMESTAMP), ("uint64_to_string", UINT)),
        *_converters("timestamp", TIMESTAMP, _timestamp, ("timestamp_to_timestamp", TIMESTAMP), ("int64_to_timestamp", INT), ("string_to_timestamp", STRING)),
        *_converters("uint", UINT, _uint, ("uint64_to_uint64", UINT), ("double_to_uint64", DOUBLE), ("int64_to_uint64", INT), ("string_to_uint64", STRING)),
        ("type", "type", (A,), type_of(A), lambda value: TypeValue("type" if value.__class__ is TypeValue else type_name(value))),
        ("matches", "matches", (STRING, STRING), BOOL, matches),
        *(("size", f"size_{kind}", (type_,), INT, len) for kind, type_ in _SIZED),
    ],
    members=[
        ("contains", "contains_string", (STRING, STRING), BOOL, lambda text, part: part in text),
        ("endsWith", "ends_with_string", (STRING, STRING), BOOL, str.endswith),
        ("startsWith", "starts_with_string", (STRING, STRING), BOOL, str.startswith),
        ("matches", "matches_string", (STRING, STRING), BOOL, matches),
        *(("size", f"{kind}_size", (type_,), INT, len) for kind, type_ in _SIZED),
    ],
)  # fmt: skip
