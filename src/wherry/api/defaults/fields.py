"""How a field counts as left out: two meanings, as Go's pointers and plain values have them."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object


def if_absent(obj: Object, key: str, value: Any) -> None:
    """Set what is missing or null; 0, false and "" are values (a pointer upstream)."""
    if obj.get(key) is None:
        obj[key] = value


def if_zero(obj: Object, key: str, value: Any) -> None:
    """Set what is missing, null, 0, false or empty (a plain value upstream)."""
    if not obj.get(key):
        obj[key] = value


def section(obj: Object, key: str) -> Object:
    """The object below `key`, made if there is none."""
    found: Object | None = obj.get(key)
    if found is None:
        found = obj[key] = {}
    return found
