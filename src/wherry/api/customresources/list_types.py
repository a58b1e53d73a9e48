"""`x-kubernetes-list-type`: items of a set, and keys of a map, must be there only once.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from wherry.api.customresources.structural import Node, path_of
from wherry.api.validation.errors import Errors


def check(errors: Errors, node: Node, value: Any, path: str = "") -> None:
    """Note every second appearance in the lists below `value`."""
    if value.__class__ is dict:
        for key, item in value.items():
            inner = node.properties.get(key) or node.additional
            if inner is not None and item.__class__ in (dict, list):
                check(errors, inner, item, path_of(path, key))
    elif value.__class__ is list:
        _CHECKS.get(node.list_type, _atomic)(errors, node, value, path)
        if node.items is not None:
            for index, item in enumerate(value):
                check(errors, node.items, item, f"{path}[{index}]")


def _atomic(errors: Errors, node: Node, items: list[Any], path: str) -> None:
    """Anything goes."""


def _set(errors: Errors, node: Node, items: list[Any], path: str) -> None:
    for index in _repeated(items):
        errors.duplicate(f"{path}[{index}]", items[index])


def _map(errors: Errors, node: Node, items: list[Any], path: str) -> None:
    for index, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            errors.invalid(f"{path}[{index}]", item, "must be an object for an array of list-type map")
            return
    keys = [key_of(node, item) for item in items]
    for index in _repeated(keys):
        errors.duplicate(f"{path}[{index}]", keys[index])


def key_of(node: Node, item: Any) -> dict[str, Any]:
    """The part of an item that tells it from the others."""
    return {key: item[key] for key in node.map_keys if key in item} if isinstance(item, dict) else {}


def _repeated(values: Sequence[Any]) -> Iterator[int]:
    """The places of second appearances; a third is not told again."""
    seen: dict[bytes, int] = {}
    for index, value in enumerate(values):
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        seen[text] = times = seen.get(text, 0) + 1
        if times == 2:
            yield index


_CHECKS = {"set": _set, "map": _map}
