"""One step of a path through an object, as `FieldsV1` writes it.

`f:<name>` is a field, `k:<keys as JSON>` the item of a list with these keys, `v:<JSON>` an item of a set, `i:<n>` an index.
Source: sigs.k8s.io/structured-merge-diff/v6/fieldpath (serialize-pe.go, element.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

DOT = "."
"""In a tree: the place itself belongs to the set."""
_KINDS = {"f": 0, "k": 1, "v": 2, "i": 3}


class ElementError(ValueError):
    """The text is no path element."""


def of_keys(keys: Mapping[str, Any]) -> str:
    """`k:{"containerPort":80,"protocol":"TCP"}`, the keys in order."""
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def of_value(value: Any) -> str:
    return "v:" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(maxsize=8192)
def canonical(element: str) -> str:
    """The one spelling of an element. Raises `ElementError`."""
    kind, text = element[:2], element[2:]
    if kind == "f:":
        return element
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ElementError(f"{element!r} is no path element: {error}") from error
    if kind == "k:" and isinstance(value, dict):
        return of_keys(value)
    if kind == "v:":
        return of_value(value)
    if kind == "i:" and type(value) is int:
        return element
    raise ElementError(f"{element!r} is no path element")


def in_order(elements: Iterable[str]) -> list[str]:
    """As upstream sorts: the place itself, fields, keys, values, indices; numbers by size."""
    return sorted(elements, key=_rank)


@lru_cache(maxsize=8192)
def _rank(element: str) -> tuple[Any, ...]:
    if element == DOT:
        return (-1,)
    kind, text = element[:1], element[2:]
    if kind == "f":
        return (0, text)
    value = orjson.loads(text)
    if kind == "k":
        return (1, *((name, *_value_rank(value[name])) for name in sorted(value)))
    return (_KINDS[kind], *_value_rank(value))


def _value_rank(value: Any) -> tuple[Any, ...]:
    """Numbers before text before truth before the rest, each in its own order."""
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, str):
        return (1, value)
    return (3, orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def shown(path: Iterable[str]) -> str:
    """A path in messages: `.spec.containers[name="app"].image`."""
    return "".join(map(_shown, path))


def _shown(element: str) -> str:
    kind, text = element[:1], element[2:]
    if kind == "f":
        return f".{text}"
    if kind == "i":
        return f"[{text}]"
    value = orjson.loads(text)
    if kind == "k":
        return "[" + ",".join(f"{name}={_text(value[name])}" for name in sorted(value)) + "]"
    return f"[={_text(value)}]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
