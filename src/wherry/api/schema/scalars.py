"""Values without parts: strings, numbers, quantities, times, bytes.

Each has two functions. `ok(value)` says whether the value can stay exactly as it is; it is the fast path and tells
nothing more. `fix(value, place)` gives the value as upstream would write it back (`1024Mi` -> `1Gi`, a local time -> UTC)
or raises `DecodeError`. None never comes here: whoever holds the value drops it or asks for `zero`.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wherry.api.schema.problems import DecodeError, Place
from wherry.machinery import gotime, quantity

Test = Callable[[Any], bool]
Fix = Callable[[Any, Place], Any]


@dataclass(frozen=True, slots=True)
class Scalar:
    """`leaf` is the Python type when that alone decides; the holder then checks it without a call."""

    go: str
    ok: Test
    fix: Fix
    zero_value: Any
    leaf: type | None = None

    def zero(self) -> Any:
        return self.zero_value


def plain(go: str, leaf: type, zero: Any) -> Scalar:
    """A value whose Python type says all: `str` or `bool`. `go` is the name in messages, as `v1.PullPolicy`."""

    def fix(value: Any, place: Place) -> Any:
        if value.__class__ is not leaf:
            raise place.mismatch(value, go)
        return value

    return Scalar(go, lambda value: value.__class__ is leaf, fix, zero, leaf)


def _integer(go: str, bits: int) -> Scalar:
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1

    def ok(value: Any) -> bool:
        return value.__class__ is int and low <= value <= high

    def fix(value: Any, place: Place) -> Any:
        if not ok(value):
            raise place.mismatch(value, go, literal=True)
        return value

    return Scalar(go, ok, fix, 0)


def _fix_number(value: Any, place: Place) -> Any:
    if value.__class__ not in (int, float):
        raise place.mismatch(value, "float64")
    return value


def _ok_bytes(value: Any) -> bool:
    if value.__class__ is not str:
        return False
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        return False
    return True


def _fix_bytes(value: Any, place: Place) -> Any:
    """Go skips line breaks inside base64 and writes it back without."""
    if value.__class__ is not str:
        raise place.mismatch(value, "[]uint8")
    compact = value.replace("\r", "").replace("\n", "")
    if not _ok_bytes(compact):
        raise DecodeError(f"illegal base64 data at input byte {_bad_base64(value)}")
    return compact


def _bad_base64(text: str) -> int:
    """Where Go's decoder stops."""
    alphabet = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    in_group = 0
    for index, character in enumerate(text):
        if character in "\r\n":
            continue
        if character in alphabet:
            in_group = (in_group + 1) % 4
        elif character != "=" or in_group < 2:
            return index
        else:
            rest = text[index:].replace("\r", "").replace("\n", "")
            missing = in_group == 2 and not rest.startswith("==")
            return (len(text) if len(rest) == 1 else index + 1) if missing else index + 4 - in_group
    return max(0, len(text) - in_group)


def _ok_int_or_string(value: Any) -> bool:
    return value.__class__ is str or (value.__class__ is int and -(1 << 31) <= value < 1 << 31)


def _fix_int_or_string(value: Any, place: Place) -> Any:
    if not _ok_int_or_string(value):
        raise Place(place.report).mismatch(value, "int32", literal=True)
    return value


def _ok_quantity(value: Any) -> bool:
    try:
        return value.__class__ is str and quantity.canonical(value) == value
    except quantity.QuantityError:
        return False


def _fix_quantity(value: Any, place: Place) -> Any:
    if value.__class__ not in (str, int, float):
        raise DecodeError(quantity.FORMAT_WRONG)
    try:
        return quantity.canonical(value.strip() if value.__class__ is str else value)
    except quantity.QuantityError as wrong:
        raise DecodeError(str(wrong)) from wrong


def _time(normal: Callable[[str], str], go: str) -> Scalar:
    def ok(value: Any) -> bool:
        try:
            return value.__class__ is str and normal(value) == value
        except gotime.TimeError:
            return False

    def fix(value: Any, place: Place) -> Any:
        if value.__class__ is not str:
            raise Place(place.report).mismatch(value, "string")
        try:
            return normal(value)
        except gotime.TimeError as wrong:
            raise DecodeError(str(wrong)) from wrong

    return Scalar(go, ok, fix, None)


STRING = plain("string", str, "")
BOOLEAN = plain("bool", bool, False)
ANYTHING = Scalar("interface {}", lambda _value: True, lambda value, _place: value, None)

BY_TYPE: dict[tuple[str, str], Scalar] = {
    ("string", ""): STRING,
    ("boolean", ""): BOOLEAN,
    ("integer", "int32"): _integer("int32", 32),
    ("integer", "int64"): _integer("int64", 64),
    ("integer", ""): _integer("int64", 64),
    ("number", "double"): Scalar("float64", lambda value: value.__class__ in (int, float), _fix_number, 0),
    ("string", "byte"): Scalar("[]uint8", _ok_bytes, _fix_bytes, ""),
}
"""By the schema's `type` and `format`."""

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
BY_NAME: dict[str, Scalar] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": Scalar(
        "intstr.IntOrString", _ok_int_or_string, _fix_int_or_string, 0
    ),
    "io.k8s.apimachinery.pkg.api.resource.Quantity": Scalar("resource.Quantity", _ok_quantity, _fix_quantity, "0"),
    _META + "Time": _time(gotime.normal_time, "v1.Time"),
    _META + "MicroTime": _time(gotime.normal_micro_time, "v1.MicroTime"),
    _META + "FieldsV1": ANYTHING,
    _META + "Patch": ANYTHING,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": ANYTHING,
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": ANYTHING,
}
"""Definitions that decode themselves upstream."""
