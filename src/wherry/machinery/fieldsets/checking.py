"""Is a configuration of its shape? What can be applied has no unknown fields, no wrong types, no items twice.

Source: sigs.k8s.io/structured-merge-diff/v6/typed (validate.go); the messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from wherry.machinery.fieldsets.elements import shown
from wherry.machinery.fieldsets.shape import ATOMIC, SET, ItemError, List, Map, Node, Open, Scalar, settle


def problems(shape: Node, value: Any) -> str:
    """What is wrong, in upstream's words; empty where nothing is."""
    if _fits(shape, value):
        return ""
    found = [f"{path}: {why}" if path else why for path, why in _check(shape, value, "")]
    if len(found) < 2:
        return "".join(found)
    return "\n".join(["errors:", *(f"  {each}" for each in found)])


def _fits(shape: Node, value: Any) -> bool:
    """Whether nothing is wrong; nearly always so, and found out without a word about where."""
    if value is None:
        return True
    kind = settle(shape, value) if shape.__class__ is Open else shape
    if isinstance(kind, Map):
        return value.__class__ is dict and _map_fits(kind, value)
    if isinstance(kind, List):
        return value.__class__ is list and _list_fits(kind, value)
    return isinstance(kind, Scalar) and value.__class__ in kind.types


def _map_fits(shape: Map, value: dict[str, Any]) -> bool:
    fields, rest = shape.fields, shape.rest
    for key, item in value.items():
        inner = fields.get(key, rest)
        if isinstance(inner, Scalar):
            if item.__class__ not in inner.types and item is not None:
                return False
        elif inner is None or not _fits(inner, item):
            return False
    return True


def _list_fits(shape: List, items: list[Any]) -> bool:
    if shape.kind != ATOMIC:
        try:
            if len({shape.element(item) for item in items}) < len(items):
                return False
        except ItemError:
            return False
    return shape.kind == SET or all(_fits(shape.item, item) for item in items)


def _check(shape: Node, value: Any, path: str) -> Iterator[tuple[str, str]]:
    kind = settle(shape, value)
    if value is None:
        return
    if isinstance(kind, Scalar):
        if why := _scalar(kind, value):
            yield path, why
    elif isinstance(kind, Map):
        yield from _map(kind, value, path)
    else:
        yield from _list(kind, value, path)


def _map(shape: Map, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value.__class__ is not dict:
        yield path, f"expected map, got &{{{_go(value)}}}"
        return
    for key, item in value.items():
        inner = shape.at(key)
        if inner is None:
            yield f"{path}.{key}", "field not declared in schema"
        else:
            yield from _check(inner, item, f"{path}.{key}")


def _list(shape: List, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value.__class__ is not list:
        yield path, f"expected list, got &{{{_go(value)}}}"
        return
    if shape.kind == ATOMIC:
        for index, item in enumerate(value):
            yield from _check(shape.item, item, f"{path}[{index}]")
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        try:
            element = shape.element(item)
        except ItemError as error:
            yield path, f"element {index}: {error}"
            continue
        place = shown([element])
        if element in seen:
            yield path, f"duplicate entries for key {place}"
        seen.add(element)
        if shape.kind != SET:
            yield from _check(shape.item, item, path + place)


def _scalar(shape: Scalar, value: Any) -> str:
    if value.__class__ in shape.types:
        return ""
    if shape.kind == "numeric":
        return f"expected numeric (int or float), got {_go_type(value)}"
    if shape.kind == "string":
        return f"expected string, got &value.valueUnstructured{{Value:{_go(value, quoted=True)}}}"
    what = "boolean" if shape.kind == "boolean" else "any scalar"
    return f"expected {what}, got &{{{_go(value)}}}"


_GO_TYPES = {
    str: "string", bool: "bool", int: "int64", float: "float64", dict: "map[string]interface {}", list: "[]interface {}"
}  # fmt: skip


def _go_type(value: Any) -> str:
    return _GO_TYPES.get(type(value), type(value).__name__)


def _go(value: Any, *, quoted: bool = False) -> str:
    """A value as Go prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go(item)}" for key, item in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go, value)) + "]"
    if isinstance(value, str):
        return orjson.dumps(value).decode() if quoted else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)
