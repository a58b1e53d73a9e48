"""Quantities as `100m`, `1Gi`, `2e3`: exact arithmetic and the canonical spelling of the API.

A quantity is a whole number of billionths, so nothing is ever lost: finer input is rounded away from zero when parsed,
as upstream does. Parsing is cached; values are immutable. Source: k8s.io/apimachinery/pkg/api/resource.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, total_ordering
from typing import Final

FORMAT_WRONG: Final = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"  # upstream's text
)
SUFFIX_WRONG: Final = "unable to parse quantity's suffix"

_NANO = 10**9
_MAX_BINARY = (2**63 - 1) * _NANO
_MAX_EXPONENT = 1000
_MAX_DIGITS = 1000
_PARTS = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_NAMES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_NAMES = {exponent: suffix for suffix, exponent in _BINARY.items()}


class QuantityError(ValueError):
    """The text is no quantity; the message is upstream's."""


class Format(StrEnum):
    """How a quantity was spelled, which is how it is written again."""

    BINARY = "BinarySI"
    DECIMAL = "DecimalSI"
    EXPONENT = "DecimalExponent"


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A number in billionths and its format. Equal by value: `1000m == 1`."""

    nanos: int
    format: Format = Format.DECIMAL
    spelling: str = ""
    """The text it was parsed from, where upstream keeps that as canonical; else empty."""

    def milli(self) -> int:
        """In thousandths, rounded away from zero."""
        return _divide_away(self.nanos, 10**6)

    def value(self) -> int:
        """As a whole number, rounded away from zero."""
        return _divide_away(self.nanos, _NANO)

    def round_milli(self) -> Quantity:
        """Rounded away from zero to thousandths, as upstream stores resource lists."""
        return Quantity(self.milli() * 10**6, self.format) if self.nanos % 10**6 else self

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, self.format if self.nanos else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, self.format if self.nanos else other.format)

    def __mul__(self, factor: int) -> Quantity:
        return Quantity(self.nanos * factor, self.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self.format)

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __eq__(self, other: object) -> bool:
        return self.nanos == other.nanos if isinstance(other, Quantity) else NotImplemented

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __str__(self) -> str:
        """The canonical spelling: no fraction, the largest fitting suffix."""
        if self.spelling:
            return self.spelling
        if not self.nanos:
            return "0"
        if self.format is Format.BINARY and abs(self.nanos) >= 1024 * _NANO and not self.nanos % _NANO:
            return _binary_text(self.nanos // _NANO)
        mantissa, exponent = _thousands(self.nanos, -9, _last_decimal(self.format))
        if self.format is Format.EXPONENT:
            return f"{mantissa}e{exponent}" if exponent else str(mantissa)
        return f"{mantissa}{_DECIMAL_NAMES[exponent]}"


ZERO: Final = Quantity(0)


@lru_cache(maxsize=8192)
def parse(text: str | int | float) -> Quantity:
    """A quantity from its spelling, or from a JSON number. Raises `QuantityError` with upstream's message."""
    text = str(text)
    match = _PARTS.fullmatch(text)
    if not text or match is None:
        raise QuantityError(FORMAT_WRONG)
    sign, whole, fraction, suffix = match.group(1), match.group(2), match.group(3) or "", match.group(4)
    ten, two, format_ = _suffix(suffix)
    digits = whole.lstrip("0") + fraction
    if len(digits) > _MAX_DIGITS:
        raise QuantityError(FORMAT_WRONG)
    scale = ten - len(fraction)
    unsigned = _scaled(int(digits or "0") << two, scale)
    if format_ is Format.BINARY and unsigned:
        unsigned = min(unsigned, _MAX_BINARY)
        format_ = Format.DECIMAL if unsigned < _NANO else format_
    nanos = -unsigned if sign == "-" else unsigned
    return Quantity(nanos, format_, text if _kept(whole, fraction, scale, two, format_) else "")


@lru_cache(maxsize=8192)
def canonical(text: str | int | float) -> str:
    """The spelling under which the API gives a quantity back. Raises `QuantityError`."""
    return str(parse(text))


def parse_milli(text: str | int | float) -> int:
    """Thousandths, rounded up: how CPU is counted. Raises `QuantityError`."""
    return parse(text).milli()


def parse_value(text: str | int | float) -> int:
    """Whole units, rounded up: how bytes and counts are counted. Raises `QuantityError`."""
    return parse(text).value()


def total(quantities: list[Quantity]) -> Quantity:
    """The sum; zero for none."""
    result = ZERO
    for quantity in quantities:
        result = result + quantity
    return result


def _suffix(suffix: str) -> tuple[int, int, Format]:
    """Powers of ten and of two, and the format."""
    if (exponent := _DECIMAL.get(suffix)) is not None:
        return exponent, 0, Format.DECIMAL
    if (exponent := _BINARY.get(suffix)) is not None:
        return 0, exponent, Format.BINARY
    match = _EXPONENT.fullmatch(suffix)
    exponent = int(match.group(1)[:12]) if match else _MAX_EXPONENT + 1
    if abs(exponent) > _MAX_EXPONENT:
        raise QuantityError(SUFFIX_WRONG)
    return exponent, 0, Format.EXPONENT


def _scaled(number: int, scale: int) -> int:
    """`number * 10**scale` in billionths, rounded up."""
    shift = scale + 9
    return number * 10**shift if shift >= 0 else -(-number // 10**-shift)


def _kept(whole: str, fraction: str, scale: int, two: int, format_: Format) -> bool:
    """Whether upstream takes the given spelling for canonical without computing it.

    It does for short numbers whose scale is a multiple of three and that do not end in 000; so `1.500` stays as it is
    while `0.5` becomes `500m`.
    """
    digits = (whole.lstrip("0") or "0") + fraction
    if format_ is Format.BINARY:
        return not fraction and len(digits) + two * 3 // 10 + 1 <= 15 and int(digits) & 7 != 0
    return len(digits) <= 18 and scale >= -9 and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _divide_away(number: int, divisor: int) -> int:
    """Division that rounds away from zero."""
    return -(-number // divisor) if number >= 0 else number // divisor


def _binary_text(number: int) -> str:
    exponent = 0
    while exponent < 60 and not number % 1024:
        number //= 1024
        exponent += 10
    return f"{number}{_BINARY_NAMES.get(exponent, '')}"


def _thousands(number: int, exponent: int, last: int | None) -> tuple[int, int]:
    """Move factors of a thousand from the number into the exponent, up to the last exponent with a name."""
    while (last is None or exponent < last) and not number % 1000:
        number //= 1000
        exponent += 3
    return number, exponent


def _last_decimal(format_: Format) -> int | None:
    return None if format_ is Format.EXPONENT else 18
