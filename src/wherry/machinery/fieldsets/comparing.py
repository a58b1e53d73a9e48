"""What differs between two states of an object, as sets of fields.

Source: sigs.k8s.io/structured-merge-diff/v6/typed (compare.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wherry.machinery.fieldsets.elements import DOT, in_order
from wherry.machinery.fieldsets.sets import LEAF, Tree
from wherry.machinery.fieldsets.shape import ATOMIC, SET, List, Map, Node, Scalar, settle

ABSENT: Any = type("Absent", (), {"__bool__": lambda self: False, "__repr__": lambda self: "ABSENT"})()
"""Nothing stands there, not even null."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changed`: fields that are new or have another value; `removed`: fields that are gone."""

    changed: Tree
    removed: Tree

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


def compare(shape: Map, old: Any, new: Any) -> Comparison:
    """From `old` to `new`, both of that shape. Raises `ItemError`."""
    found = _Found()
    if old != new:
        _map(shape, old, new, found)
    return Comparison(found.changed, found.removed)


class _Found:
    """The trees below one place while they grow; None for the place itself is kept by the caller."""

    __slots__ = ("changed", "removed")

    def __init__(self) -> None:
        self.changed: Tree = {}
        self.removed: Tree = {}

    def settled(self) -> None:
        """In upstream's order."""
        if len(self.changed) > 1:
            self.changed = {key: self.changed[key] for key in in_order(self.changed)}
        if len(self.removed) > 1:
            self.removed = {key: self.removed[key] for key in in_order(self.removed)}


def _place(node: Node, old: Any, new: Any, element: str, found: _Found) -> None:
    """Compare what stands at one place, where it differs, and note the result under its element."""
    if old is ABSENT:
        found.changed[element] = node.added(new)
        return
    if new is ABSENT:
        found.removed[element] = node.added(old)
        return
    before, after = settle(node, old), settle(node, new)
    if old is None:
        before = after
    elif new is None:
        after = before
    if before is not after:
        _exchanged(before.added(old), after.added(new), element, found)
        return
    below = _Found()
    if _parts(before, old, new, below):
        if below.changed:
            found.changed[element] = below.changed
        if below.removed:
            found.removed[element] = below.removed
    else:
        found.changed[element] = LEAF


def _parts(before: Scalar | Map | List, old: Any, new: Any, below: _Found) -> bool:
    """Compare part by part; False where the place is one field."""
    if isinstance(before, Scalar) or (not old and not new):
        return False
    if isinstance(before, Map):
        if before.atomic or not _are(dict, old, new):
            return False
        _map(before, old or {}, new or {}, below)
        return True
    if before.kind == ATOMIC or not _are(list, old, new):
        return False
    _list(before, old or [], new or [], below)
    return True


def _are(kind: type, old: Any, new: Any) -> bool:
    return (old is None or old.__class__ is kind) and (new is None or new.__class__ is kind)


def _exchanged(gone: Tree, came: Tree, element: str, found: _Found) -> None:
    """Another type now: the parts of what it was are gone, those of what it is came."""
    lost, gained = ({key: node for key, node in tree.items() if key != DOT} for tree in (gone, came))
    if lost:
        found.removed[element] = lost
    if not gone or not came:
        # One of the two has no parts: the place itself is what changed.
        found.changed[element] = {DOT: LEAF, **gained} if gained else LEAF
    elif gained:
        found.changed[element] = gained


def _map(shape: Map, old: Any, new: Any, found: _Found) -> None:
    for key, before in old.items():
        after = new.get(key, ABSENT)
        if after is before or (after is not ABSENT and after == before and type(after) is type(before)):
            continue
        _field(shape, key, before, after, found)
    for key, after in new.items():
        if key not in old:
            _field(shape, key, ABSENT, after, found)
    found.settled()


def _field(shape: Map, key: str, before: Any, after: Any, found: _Found) -> None:
    if key in shape.hidden:
        return
    node = shape.at(key)
    if node is None:
        return
    if key in shape.embedded:
        before, after = {} if before is ABSENT else before, {} if after is ABSENT else after
        if not before and not after:
            return
    _place(node, before, after, f"f:{key}", found)


def _list(shape: List, old: Sequence[Any], new: Sequence[Any], found: _Found) -> None:
    before, after = _by_element(shape, old), _by_element(shape, new)
    for element in before.keys() | after.keys():
        _items(shape, element, before.get(element, []), after.get(element, []), found)
    found.settled()


def _by_element(shape: List, items: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(shape.element(item), []).append(item)
    return found


def _items(shape: List, element: str, old: list[Any], new: list[Any], found: _Found) -> None:
    """Items with one element; usually one on each side. Several of them count as a whole."""
    if len(old) > 1 and len(new) > 1:
        if old != new:
            found.changed[element] = LEAF
    elif len(old) > 1:
        if new:
            found.changed[element] = _item_added(shape, new[0])
        found.removed[element] = LEAF
    elif len(new) > 1:
        if old:
            found.removed[element] = _item_added(shape, old[0])
        found.changed[element] = LEAF
    else:
        before, after = old[0] if old else ABSENT, new[0] if new else ABSENT
        if shape.kind == SET:
            if before is ABSENT:
                found.changed[element] = LEAF
            elif after is ABSENT:
                found.removed[element] = LEAF
        elif before != after:
            _place(shape.item, before, after, element, found)


def _item_added(shape: List, item: Any) -> Tree:
    return LEAF if shape.kind == SET else shape.item.added(item)
