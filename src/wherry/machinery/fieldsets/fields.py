"""All fields that a configuration sets, and which structs count with a set.

Source: sigs.k8s.io/structured-merge-diff/v6/typed (tofieldset.go) and fieldpath (EnsureNamedFieldsAreMembers).
"""

from __future__ import annotations

from typing import Any

from wherry.machinery.fieldsets.elements import DOT
from wherry.machinery.fieldsets.sets import LEAF, Tree
from wherry.machinery.fieldsets.shape import List, Map, Node, settle


def fields_of(shape: Map, obj: Any) -> Tree:
    """The set of what an applied configuration owns. Raises `ItemError`."""
    return shape.applied(obj) or {}


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
