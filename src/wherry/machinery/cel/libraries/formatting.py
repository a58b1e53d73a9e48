"""`"...%s...".format([...])`. Source: cel-go `ext/formatting.go`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from wherry.machinery.cel.libraries.conversions import double_text, plain_double, text_of
from wherry.machinery.cel.values import (
    Duration,
    EvaluationError,
    Timestamp,
    TypeValue,
    Uint,
    bounded,
    from_key,
    type_name,
)

_CLAUSE = re.compile(r"%(?:%|(?:\.(\d*))?(.)?)", re.DOTALL)
_DEFAULT_PRECISION = 6
_MAX_PRECISION = 100


def format_text(pattern: str, args: list[Any]) -> str:
    """Raises `EvaluationError`."""
    parts: list[str] = []
    last = used = size = 0
    for match in _CLAUSE.finditer(pattern):
        parts.append(pattern[last : match.start()])
        last = match.end()
        if match[0] == "%%":
            parts.append("%")
            continue
        if match[2] is None:
            raise EvaluationError("unexpected end of string")
        if used >= len(args):
            raise EvaluationError(f"index {used} out of range")
        parts.append(_clause(match[2], match[1], args[used]))
        size += len(parts[-1])
        bounded(size)
        used += 1
    return "".join([*parts, pattern[last:]])


def _clause(verb: str, precision: str | None, value: Any) -> str:
    clause = _VERBS.get(verb)
    if clause is None:
        raise EvaluationError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    digits = (
        int(precision) if precision and len(precision) < 5 else _MAX_PRECISION + 1 if precision else _DEFAULT_PRECISION
    )
    if digits > _MAX_PRECISION:
        raise EvaluationError("could not parse formatting clause: error parsing precision: precision is too large")
    return clause(value, digits)


def _wrong(verb: str, wanted: str, value: Any) -> EvaluationError:
    return EvaluationError(
        f"error during formatting: {verb} clause can only be used on {wanted}, was given {type_name(value)}"
    )


def _string(value: Any, digits: int = 0) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(map(_string, value))}]"
    if isinstance(value, Mapping):
        rows = sorted((_string(from_key(key)), _string(item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in rows) + "}"
    if value.__class__ is float and isfinite(value):
        return plain_double(value)
    if isinstance(value, TypeValue):
        return value.name
    if isinstance(value, (str, bytes, bool, int, float, Timestamp, Duration)):
        return text_of(value)
    raise _wrong("string", "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps", value)


def _decimal(value: Any, digits: int) -> str:
    if value.__class__ in (int, Uint):
        return str(int(value))
    if value.__class__ is float and not isfinite(value):
        return double_text(value).replace("+", "").replace("Inf", "Infinity")
    raise _wrong("decimal", "integers", value)


def _number(value: Any, verb: str) -> float:
    if value.__class__ in (int, Uint, float):
        return float(value)
    raise _wrong(verb, "doubles", value)


def _special(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _fixed(value: Any, digits: int) -> str:
    number = _number(value, "fixed-point")
    return f"{number:.{digits}f}" if isfinite(number) else _special(number)


def _scientific(value: Any, digits: int) -> str:
    number = _number(value, "scientific")
    return f"{number:.{digits}e}" if isfinite(number) else _special(number)


def _binary(value: Any, digits: int) -> str:
    if value.__class__ is bool:
        return "1" if value else "0"
    if value.__class__ in (int, Uint):
        return f"{int(value):b}"
    raise _wrong("binary", "integers and bools", value)


def _octal(value: Any, digits: int) -> str:
    if value.__class__ in (int, Uint):
        return f"{int(value):o}"
    raise _wrong("octal", "integers", value)


def _hex(value: Any, digits: int) -> str:
    if value.__class__ in (int, Uint):
        return f"{int(value):x}"
    if value.__class__ is str:
        return str(value).encode().hex()
    if value.__class__ is bytes:
        return bytes(value).hex()
    raise _wrong("hex", "integers, byte buffers, and strings", value)


_VERBS: Mapping[str, Callable[[Any, int], str]] = {
    "s": _string, "d": _decimal, "f": _fixed, "e": _scientific, "b": _binary, "o": _octal, "x": _hex,
    "X": lambda value, digits: _hex(value, digits).upper(),
}  # fmt: skip
