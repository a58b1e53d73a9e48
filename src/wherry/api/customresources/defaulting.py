"""Filling in what a schema has defaults for, and dropping nulls that it does not allow.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting; "Defaulting and Nullable" in the documentation.
"""

from __future__ import annotations

from typing import Any

import orjson

from wherry.api.customresources.structural import Node


def fill(node: Node, value: Any) -> None:
    """Set the defaults below `value`, in place."""
    if not node.deep_defaults:
        return
    if value.__class__ is dict:
        for name, inner in node.properties.items():
            if not inner.deep_defaults:
                continue
            if inner.has_default and _left_out(inner, value, name):
                value[name] = _copy(inner.default)
            if name in value:
                fill(inner, value[name])
        if node.additional is not None and node.additional.deep_defaults:
            for name in value.keys() - node.properties.keys():
                _fill_member(node.additional, value, name)
    elif value.__class__ is list and node.items is not None and node.items.deep_defaults:
        for index in range(len(value)):
            _fill_member(node.items, value, index)


def lacks(node: Node, value: Any) -> bool:
    """Whether `fill` would change anything."""
    if not node.deep_defaults:
        return False
    if value.__class__ is dict:
        for name, inner in node.properties.items():
            if inner.has_default and _left_out(inner, value, name):
                return True
            if name in value and lacks(inner, value[name]):
                return True
        others = (value[name] for name in value.keys() - node.properties.keys())
        return node.additional is not None and any(_member_lacks(node.additional, item) for item in others)
    return value.__class__ is list and node.items is not None and any(_member_lacks(node.items, each) for each in value)


def _member_lacks(inner: Node, item: Any) -> bool:
    return (item is None and inner.has_default and not inner.nullable) or lacks(inner, item)


def _left_out(inner: Node, holder: dict[str, Any], name: str) -> bool:
    return name not in holder or (holder[name] is None and not inner.nullable)


def _fill_member(inner: Node, holder: Any, place: Any) -> None:
    """A value of a map or an item of a list: only a null takes the default."""
    if holder[place] is None and inner.has_default and not inner.nullable:
        holder[place] = _copy(inner.default)
    fill(inner, holder[place])


def drop_nulls(node: Node, value: Any) -> None:
    """Take out, in place, the nulls of fields that are not nullable: they count as left out."""
    if value.__class__ is dict:
        for name, item in list(value.items()):
            inner = node.properties.get(name) or node.additional
            if inner is None:
                continue
            if item is None:
                if not inner.nullable:
                    del value[name]
            else:
                drop_nulls(inner, item)
    elif value.__class__ is list and node.items is not None:
        for item in value:
            drop_nulls(node.items, item)


def _copy(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))
