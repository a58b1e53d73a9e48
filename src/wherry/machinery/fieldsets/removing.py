"""An object without some of its fields, or with nothing but them.

Source: sigs.k8s.io/structured-merge-diff/v6/typed (remove.go).
"""

from __future__ import annotations

from typing import Any

from wherry.machinery.fieldsets.sets import Tree, below, contains
from wherry.machinery.fieldsets.shape import ATOMIC, SET, List, Map, Node, Scalar, settle


def remove(shape: Node, value: Any, tree: Tree) -> Any:
    """The value without the fields of the set; a list or map that this empties is None. Shares what it keeps."""
    if not tree:
        return value
    kind = settle(shape, value)
    if isinstance(kind, Map) and value.__class__ is dict:
        return None if kind.atomic else _map_without(kind, value, tree)
    if isinstance(kind, List) and value.__class__ is list:
        return None if kind.kind == ATOMIC else _list_without(kind, value, tree)
    return value


def _map_without(shape: Map, value: dict[str, Any], tree: Tree) -> Any:
    result: dict[str, Any] = {}
    for key, item in value.items():
        element = f"f:{key}"
        node = tree.get(element)
        if node is None:
            result[key] = item
        elif not contains(tree, element):
            inner = shape.at(key)
            result[key] = item if inner is None else remove(inner, item, node)
    return result or None


def _list_without(shape: List, items: list[Any], tree: Tree) -> Any:
    result = []
    for item in items:
        element = shape.element(item)
        node = tree.get(element)
        if node is None:
            result.append(item)
        elif not contains(tree, element):
            result.append(item if shape.kind == SET else remove(shape.item, item, node))
    return result or None


def extract(shape: Node, value: Any, tree: Tree) -> Any:
    """Only the fields of the set, with what tells the items of lists apart. What is owned as a whole comes whole."""
    kind = settle(shape, value)
    if isinstance(kind, Scalar) or not value:
        return value
    if isinstance(kind, Map) and value.__class__ is dict:
        return value if kind.atomic else _map_of(kind, value, tree)
    if isinstance(kind, List) and value.__class__ is list:
        return value if kind.kind == ATOMIC else _list_of(kind, value, tree)
    return value


def _map_of(shape: Map, value: dict[str, Any], tree: Tree) -> Any:
    result: dict[str, Any] = {}
    for key, item in value.items():
        element = f"f:{key}"
        node, inner = tree.get(element), shape.at(key)
        if node is not None and inner is not None:
            result[key] = extract(inner, item, below(tree, element))
    return result


def _list_of(shape: List, items: list[Any], tree: Tree) -> Any:
    result = []
    for item in items:
        element = shape.element(item)
        if element not in tree:
            continue
        if shape.kind == SET or not tree[element]:
            result.append(item)
        else:
            keys = {key: item[key] for key in shape.keys if key in item}
            result.append({**keys, **extract(shape.item, item, below(tree, element))})
    return result
