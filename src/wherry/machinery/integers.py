"""Integers written as text, read as Go's strconv does: ASCII digits only, within 64 bits.

Python's own `int` takes more (`1_0`, ` 7`, digits of other scripts) and refuses more than 4,300 digits in its own words.
"""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[+-]?[0-9]+")
_MAX_DIGITS = 20


class IntegerError(ValueError):
    """The text is no integer of that size; the message is Go's."""


def parse_int(text: str, *, function: str = "ParseInt") -> int:
    """A signed number of 64 bits. Raises `IntegerError`; `function` is the one of strconv that its message names."""
    if _INTEGER.fullmatch(text) is None:
        raise IntegerError(f'strconv.{function}: parsing "{text}": invalid syntax')
    digits = text.lstrip("+-").lstrip("0")
    value = int(text) if len(digits) < _MAX_DIGITS else 2**64
    if not -(2**63) <= value < 2**63:
        raise IntegerError(f'strconv.{function}: parsing "{text}": value out of range')
    return value


def digits_value(text: str) -> int | None:
    """The number that a text of nothing but ASCII digits is, at most 2**63 - 1; None for any other text."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    return min(int(digits or "0"), 2**63 - 1) if len(digits) < _MAX_DIGITS else 2**63 - 1
