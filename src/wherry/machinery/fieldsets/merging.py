"""An applied configuration laid over what is there.

Source: sigs.k8s.io/structured-merge-diff/v6/typed (merge.go).
"""

from __future__ import annotations

from typing import Any

from wherry.machinery.fieldsets.shape import ATOMIC, SET, List, Map, Node, settle

_WITH_PARTS = (dict, list)


def merge(shape: Node, live: Any, applied: Any) -> Any:
    """`live` with all that `applied` says; a new value that shares parts with both, which are not changed.

    Fields that only one of them has are kept, items of lists come in the order of `applied`, those of `live` between
    them where they stood. Both must be of the shape (see `checking`); `applied` without duplicates.
    """
    before, after = settle(shape, live), settle(shape, applied)
    if applied is None:
        after = before
    elif live is None:
        before = after
    if before is not after:
        return applied
    if isinstance(after, Map) and not after.atomic and _granular(dict, live, applied):
        return _maps(after, live or {}, applied or {})
    if isinstance(after, List) and after.kind != ATOMIC and _granular(list, live, applied):
        return _lists(after, live or [], applied or [])
    return applied


def _granular(kind: type, live: Any, applied: Any) -> bool:
    """Whether there are parts to merge: not where both are empty, since empty and null are not the same."""
    fitting = (live is None or live.__class__ is kind) and (applied is None or applied.__class__ is kind)
    return fitting and bool(live or applied)


def _maps(shape: Map, live: dict[str, Any], applied: dict[str, Any]) -> dict[str, Any]:
    result = dict(live)
    for key, value in applied.items():
        if value.__class__ in _WITH_PARTS and (here := live.get(key)) is not None:
            if here == value:
                continue
            node = shape.at(key)
            value = merge(node, here, value) if node is not None else value
        elif value is None and key in live:
            node = shape.at(key)
            value = merge(node, live[key], None) if node is not None else None
        result[key] = value
    return result


def _lists(shape: List, live: list[Any], applied: list[Any]) -> list[Any]:
    """Two fingers walk along the lists; items that both have come where `applied` has them."""
    ours, wanted = [shape.element(item) for item in live], [shape.element(item) for item in applied]
    mine, theirs = _once(ours, live), dict(zip(wanted, applied, strict=True))
    shared = [element for element in wanted if element in mine]
    taken: set[str] = set()
    result: list[Any] = []
    left = right = at = 0
    while left < len(ours) or right < len(wanted):
        if left < len(ours):
            element = ours[left]
            if element not in theirs:
                result.append(live[left])
                left += 1
                continue
            fits = right < len(wanted) and element == wanted[right]
            early = right < len(wanted) and at < len(shared) and shared[at] != element
            if element in taken or fits or early:
                left += 1
            if early and not fits:
                continue
        if right < len(wanted):
            element = wanted[right]
            result.append(_item(shape, mine.get(element), theirs[element]))
            taken.add(element)
            right += 1
            if at < len(shared) and shared[at] == element:
                at += 1
    return result


def _once(elements: list[str], items: list[Any]) -> dict[str, Any]:
    """The items by their elements; None for those that are there more than once."""
    found: dict[str, Any] = {}
    for element, item in zip(elements, items, strict=True):
        found[element] = None if element in found else item
    return found


def _item(shape: List, live: Any, applied: Any) -> Any:
    return applied if shape.kind == SET or live is None else merge(shape.item, live, applied)
