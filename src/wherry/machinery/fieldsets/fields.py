"""All fields that a configuration sets, and which structs count with a set.

Source: sigs.k8s.io/structured-merge-diff/v6/typed (tofieldset.go) and fieldpath (EnsureNamedFieldsAreMembers).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from wherry.machinery.fieldsets.elements import DOT, in_order
from wherry.machinery.fieldsets.sets import LEAF, Tree
from wherry.machinery.fieldsets.shape import ATOMIC, SET, List, Map, Node, Scalar, settle


def fields_of(shape: Map, obj: Any) -> Tree:
    """The set of what an applied configuration owns. Raises `ItemError`."""
    return _map(shape, obj)


def _value(node: Node, value: Any) -> Tree | None:
    """What is owned at and below a place; None for nothing (an empty list of items)."""
    kind = settle(node, value)
    if isinstance(kind, Scalar):
        return LEAF
    if isinstance(kind, Map):
        if kind.atomic:
            return LEAF
        return (_map(kind, value) or None) if value.__class__ is dict else None
    if kind.kind == ATOMIC:
        return LEAF
    return (_list(kind, value) or None) if value.__class__ is list else None


def _map(shape: Map, value: Any) -> Tree:
    found: Tree = {}
    named = shape.fields
    for key, item in value.items():
        node = shape.at(key)
        if node is None:
            continue
        below = _value(node, item)
        if item is None or item == {} or key not in named:
            below = {DOT: LEAF, **below} if below else LEAF
        if below is not None:
            found[f"f:{key}"] = below
    return {key: found[key] for key in in_order(found)}


def _list(shape: List, items: list[Any]) -> Tree:
    elements = [shape.element(item) for item in items]
    several = {element for element, times in Counter(elements).items() if times > 1}
    found: Tree = {}
    for element, item in zip(elements, items, strict=True):
        below = None if shape.kind == SET or element in several else _value(shape.item, item)
        found[element] = {DOT: LEAF, **below} if below else LEAF
    return {key: found[key] for key in in_order(found)}


def with_structs(shape: Node | None, tree: Tree) -> Tree:
    """The set, and every named field above its paths: to remove them is to remove the field with all that it holds."""
    result: Tree = {}
    for key, node in tree.items():
        if key == DOT or not node:
            result[key] = node
            continue
        inner, named = _below(shape, key)
        below = with_structs(inner, node)
        result[key] = {DOT: LEAF, **below} if named and DOT not in below else below
    return result


def _below(shape: Node | None, element: str) -> tuple[Node | None, bool]:
    """The shape behind an element, and whether it is a field that the shape names."""
    if shape is None:
        return None, False
    if element[:2] == "f:":
        kind = settle(shape, {})
        key = element[2:]
        return (kind.at(key), key in kind.fields) if isinstance(kind, Map) else (None, False)
    kind = settle(shape, [])
    return (kind.item, False) if isinstance(kind, List) and element[:2] == "k:" else (None, False)
