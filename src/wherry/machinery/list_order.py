"""The order of merged lists: what the patch names comes in the patch's order, the rest stays about where it was.

Source: "preserve order in strategic merge patch", design proposal of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wherry.machinery.patch_schema import PATCH, no_merge_key

Key = Callable[[Any], Any]


def identity(merge_key: str) -> Key:
    """What tells items apart: the merge key's value, or the item itself without one."""
    if not merge_key:
        return lambda item: (item.__class__, item)

    def key(item: Any) -> Any:
        if not isinstance(item, dict) or merge_key not in item:
            raise no_merge_key(item, merge_key)
        value = item[merge_key]
        return (value.__class__, value)

    return key


def arrange(merged: Sequence[Any], wanted: Sequence[Any], before: Sequence[Any], key: Key) -> list[Any]:
    """The merged items: those in `wanted` by that order, the others by the order of `before`, interleaved by `before`."""
    rank = {key(item): index for index, item in reversed(list(enumerate(wanted)))}
    was = {key(item): index for index, item in reversed(list(enumerate(before)))}
    ours = in_order([item for item in merged if key(item) in rank], rank, key)
    theirs = in_order([item for item in merged if key(item) not in rank], was, key)
    result: list[Any] = []
    for item in ours:
        position = was.get(key(item))
        while theirs and position is not None and was.get(key(theirs[0]), position) < position:
            result.append(theirs.pop(0))
        result.append(item)
    return result + theirs


def in_order(items: Sequence[Any], rank: dict[Any, int], key: Key) -> list[Any]:
    """Sorted by rank; items that only delete come last."""
    deletions = [item for item in items if isinstance(item, dict) and item.get(PATCH) == "delete"]
    others = [item for item in items if not (isinstance(item, dict) and item.get(PATCH) == "delete")]
    return sorted(others, key=lambda item: rank.get(key(item), -1)) + deletions
