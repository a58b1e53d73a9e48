"""JSON merge patch (RFC 7386): objects are merged, null removes, everything else replaces.

Pure: the inputs are never changed, and the result shares with them what stayed the same.
"""

from __future__ import annotations

from typing import Any


def apply(document: Any, patch: Any) -> Any:
    """The document after the patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = apply(result.get(key), value)
        else:
            result[key] = value
    return result


def create(before: Any, after: Any) -> Any:
    """The smallest patch that leads from `before` to `after`.

    Holds as long as `after` has no null inside an object, which a merge patch cannot express.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key not in before:
            patch[key] = value
        elif not same(before[key], value):
            nested = isinstance(before[key], dict) and isinstance(value, dict)
            patch[key] = create(before[key], value) if nested else value
    return patch


def create_three_way(last_applied: Any, modified: Any, current: Any) -> Any:
    """The patch of `kubectl apply` for kinds without a schema.

    It brings `current` to `modified`, and removes what `last_applied` had and `modified` no longer has.
    """
    changes = _without_nulls(create(current, modified))
    deletions = _only_nulls(create(last_applied, modified))
    return _combined(deletions, changes)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: `1` is not `true`."""
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _without_nulls(patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = {key: _without_nulls(value) for key, value in patch.items() if value is not None}
    return {key: value for key, value in result.items() if value != {} or patch[key] == {}}


def _only_nulls(patch: Any) -> dict[str, Any]:
    if not isinstance(patch, dict):
        return {}
    nested = {key: None if value is None else _only_nulls(value) for key, value in patch.items()}
    return {key: value for key, value in nested.items() if value is None or value}


def _combined(deletions: dict[str, Any], changes: Any) -> Any:
    result = dict(deletions)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _combined(result[key], value) if both else value
    return result
