"""Semantic versions. Source: k8s.io/apiserver/pkg/cel/library/semverlib.go; https://semver.org."""

from __future__ import annotations

import re
from typing import Any

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import BOOL, INT, STRING, Type, opaque
from wherry.machinery.cel.values import EvaluationError, Opaque

SEMVER_TYPE: Type = opaque("kubernetes.Semver")
_SEMVER = re.compile(
    r"(0|[1-9]\d{0,19})\.(0|[1-9]\d{0,19})\.(0|[1-9]\d{0,19})"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?",
    re.ASCII,
)


class Semver(Opaque):
    """A version; build metadata plays no part in comparisons."""

    __slots__ = ("numbers", "pre")
    cel_type = SEMVER_TYPE

    def __init__(self, numbers: tuple[int, ...], pre: str) -> None:
        self.numbers = numbers
        self.pre = pre

    def order(self) -> tuple[Any, ...]:
        """Sorts as versions do: numbers below words, a pre-release below its release."""
        parts = self.pre.split(".") if self.pre else []
        ranked = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
        return (self.numbers, not parts, ranked)

    def same(self, other: Any) -> bool:
        return isinstance(other, Semver) and self.order() == other.order()


def semver(text: str, normalize: bool = False) -> Semver:
    """Raises `EvaluationError`."""
    match = _SEMVER.fullmatch(_normal(text) if normalize else text)
    if match is None:
        raise EvaluationError(_why(text))
    return Semver(tuple(int(part) for part in match.groups()[:3]), match[4] or "")


def _why(text: str) -> str:
    if not text:
        return "Version string empty"
    parts = text.split(".", 2)
    if len(parts) != 3:
        return "No Major.Minor.Patch elements found"
    for name, part in zip(("major", "minor", "patch"), parts, strict=True):
        number = re.split("[-+]", part)[0] if name == "patch" else part
        if not number.isdigit():
            return f'Invalid character(s) found in {name} number "{number}"'
        if number != "0" and number.startswith("0"):
            return f'{name.capitalize()} number must not contain leading zeroes "{number}"'
    return f'Invalid character(s) found in prerelease "{parts[2]}"'


def _normal(text: str) -> str:
    parts = text.removeprefix("v").split(".", 2)
    for place, part in enumerate(parts):
        if len(part) > 1:
            stripped = part.lstrip("0")
            parts[place] = stripped if stripped[:1].isdigit() else f"0{stripped}"
    if len(parts) < 3:
        if any(sign in parts[-1] for sign in "+-"):
            raise EvaluationError("short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        semver(text, normalize)
    except EvaluationError:
        return False
    return True


def _compare(a: Semver, b: Semver) -> int:
    return (a.order() > b.order()) - (a.order() < b.order())


_S = SEMVER_TYPE
LIBRARY: Library = library(
    globals_=[
        ("semver", "string_to_semver", (STRING,), _S, semver),
        ("semver", "string_bool_to_semver", (STRING, BOOL), _S, semver),
        ("isSemver", "is_semver_string", (STRING,), BOOL, _is_semver),
        ("isSemver", "is_semver_string_bool", (STRING, BOOL), BOOL, _is_semver),
    ],
    members=[
        ("isGreaterThan", "semver_is_greater_than", (_S, _S), BOOL, lambda a, b: _compare(a, b) > 0),
        ("isLessThan", "semver_is_less_than", (_S, _S), BOOL, lambda a, b: _compare(a, b) < 0),
        ("compareTo", "semver_compare_to", (_S, _S), INT, _compare),
        ("major", "semver_major", (_S,), INT, lambda v: v.numbers[0]),
        ("minor", "semver_minor", (_S,), INT, lambda v: v.numbers[1]),
        ("patch", "semver_patch", (_S,), INT, lambda v: v.numbers[2]),
    ],
    types={"kubernetes.Semver": SEMVER_TYPE},
)
