"""JSON data as YAML, byte for byte as kubectl writes it (sigs.k8s.io/yaml over yaml.v2), and much faster than PyYAML.

Keys are in natural order, lists are not indented, text is quoted only where it must be, text of several lines is a
literal block.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from wherry.machinery.jsonpath import go_float
from wherry.machinery.yaml.scalars import scalar, text

_LETTERS = re.compile(r"[A-Za-z]*")


def dump(value: Any) -> str:
    """A document, ended by a newline."""
    lines: list[str] = []
    if isinstance(value, dict) and value:
        _mapping(lines, value, "", "")
    elif isinstance(value, list) and value:
        _sequence(lines, value, "", "")
    else:
        lines.append(_leaf(value, ""))
    return "\n".join(lines) + "\n"


def _mapping(lines: list[str], value: dict[str, Any], indent: str, first: str) -> None:
    """`first` leads the first line (it is the indent, or a list's dash)."""
    lead = first
    for key in ordered(value):
        name, item = scalar(key), value[key]
        if len(name) > 128:
            name = f"? {name}\n{indent}"
        if isinstance(item, dict) and item:
            lines.append(f"{lead}{name}:")
            inner = indent + "  "
            _mapping(lines, item, inner, inner)
        elif isinstance(item, list) and item:
            lines.append(f"{lead}{name}:")
            _sequence(lines, item, indent, indent)
        else:
            lines.append(f"{lead}{name}: {_leaf(item, indent)}")
        lead = indent


def _sequence(lines: list[str], value: list[Any], indent: str, first: str) -> None:
    lead = first
    for item in value:
        inner = indent + "  "
        if isinstance(item, dict) and item:
            _mapping(lines, item, inner, f"{lead}- ")
        elif isinstance(item, list) and item:
            _sequence(lines, item, inner, f"{lead}- ")
        else:
            lines.append(f"{lead}- {_leaf(item, indent)}")
        lead = indent


def _leaf(value: Any, indent: str) -> str:
    if isinstance(value, str):
        return text(value, indent + "  ")
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, int):
        return str(value)
    return "{}" if isinstance(value, dict) else "[]"


def ordered(keys: dict[str, Any]) -> list[str]:
    """Keys in yaml.v2's order: letters by code point after everything else, numbers by their value."""
    if all(_LETTERS.fullmatch(key) for key in keys):
        return sorted(keys)
    return sorted(keys, key=functools.cmp_to_key(_compare))


def _compare(left: str, right: str) -> int:
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            continue
        if a.isalpha() or b.isalpha():
            before = a < b if a.isalpha() and b.isalpha() else b.isalpha()
        else:
            before = _number_before(left, right, index)
        return -1 if before else 1
    return len(left) - len(right)


def _number_before(left: str, right: str, index: int) -> bool:
    """Neither character is a letter: digits from here on count as one number."""
    led = "0"
    if "0" in (left[index], right[index]):
        before = re.search(r"[0-9]*\Z", left[:index])
        led = "1" if before and before[0].strip("0") else "0"
    runs = [re.match(r"[0-9]*", side[index:]) for side in (left, right)]
    a, b = (run[0] if run else "" for run in runs)
    if int(led + a) != int(led + b):
        return int(led + a) < int(led + b)
    if len(a) != len(b):
        return len(a) < len(b)
    return left[index] < right[index]
