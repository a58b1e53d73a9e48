"""Dropping the fields that a schema does not have.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning; "Field pruning" in the Kubernetes documentation.
"""

from __future__ import annotations

from typing import Any

from wherry.api.customresources.structural import Node, path_of
from wherry.api.types import Object

TYPE_FIELDS = frozenset({"apiVersion", "kind", "metadata"})
_NOTHING = Node({})

Found = list[tuple[dict[str, Any], str, str]]
"""The object that has the field, the field, and its path."""


def unknown_fields(node: Node, obj: Object) -> Found:
    """The unknown fields of a custom resource; what is inside an unknown field is not named again."""
    found: Found = []
    _walk(node, obj, "", found, resource=True)
    return found


def prune(node: Node, obj: Object) -> list[str]:
    """Drop them in place; gives their paths."""
    found = unknown_fields(node, obj)
    for holder, key, _ in found:
        del holder[key]
    return [path for _, _, path in found]


def _walk(node: Node, value: Any, path: str, found: Found, *, resource: bool) -> None:
    if value.__class__ is dict:
        _walk_object(node, value, path, found, resource=resource)
    elif value.__class__ is list:
        if node.items is None and node.preserve:
            return
        items = node.items or _NOTHING
        for index, item in enumerate(value):
            if item.__class__ in (dict, list):
                _walk(items, item, f"{path}[{index}]", found, resource=items.embedded)


def _walk_object(node: Node, value: dict[str, Any], path: str, found: Found, *, resource: bool) -> None:
    properties = node.properties
    for key, item in value.items():
        if resource and key in TYPE_FIELDS:
            continue
        inner = properties.get(key)
        if inner is None:
            if node.additional is not None or node.open:
                inner = node.additional or _NOTHING
            elif node.preserve:
                continue
            else:
                found.append((value, key, path_of(path, key)))
                continue
        if item.__class__ is dict or item.__class__ is list:
            _walk(inner, item, path_of(path, key), found, resource=inner.embedded)
