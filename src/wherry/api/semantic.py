"""When two values mean the same: null, an empty list and a missing field do.

Source: `apiequality.Semantic.DeepEqual` as far as JSON can show its differences.
"""

from __future__ import annotations

from typing import Any


def same(a: Any, b: Any) -> bool:
    """Whether `a` and `b` are the same field value; equal values, the usual case, cost one comparison."""
    return bool(a == b) or _same_slowly(a, b)


def _same_slowly(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return all(same(a.get(key), b.get(key)) for key in a.keys() | b.keys())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return _blank(a) and _blank(b)


def _blank(value: Any) -> bool:
    return value is None or value == []
