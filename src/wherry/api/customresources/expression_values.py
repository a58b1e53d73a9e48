"""From JSON to the values that expressions see: times, bytes, doubles, lists that are sets, escaped names.

A schema is compiled once; where nothing in it needs a change there is no conversion, and the JSON itself is the value.
Source: k8s.io/apiserver/pkg/cel/common/values.go.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final

from wherry.api.customresources.escaping import escape, is_keyword
from wherry.api.customresources.structural import INT_OR_STRING, LIST_MAP_KEYS, LIST_TYPE, Schema
from wherry.machinery.cel.libraries.times import parse_duration, parse_timestamp
from wherry.machinery.cel.values import EvaluationError, MapList, SetList

Conversion = Callable[[Any], Any]


def conversion(schema: Schema) -> Conversion | None:
    """How values of the schema are made from JSON; None where they are what they are."""
    if schema.get(INT_OR_STRING):
        return None
    kind = schema.get("type")
    if kind == "array":
        return _list(schema)
    if kind == "object":
        return _map(schema) if isinstance(schema.get("additionalProperties"), dict) else _object(schema)
    if kind == "string":
        return _FORMATS.get(schema.get("format") or "")
    return _NUMBERS.get(kind or "")


def _double(value: Any) -> Any:
    return float(value) if value.__class__ is int else value


def _whole(value: Any) -> Any:
    return int(value) if value.__class__ is float and value.is_integer() else value


def _tolerant(parse: Callable[[str], Any]) -> Conversion:
    """A text that is no such value stays a text: an expression that uses it fails."""

    def run(value: Any) -> Any:
        try:
            return parse(value) if value.__class__ is str else value
        except (EvaluationError, ValueError):
            return value

    return run


_NUMBERS: Final[Mapping[str, Conversion]] = {"number": _double, "integer": _whole}
_FORMATS: Final[Mapping[str, Conversion]] = {
    "byte": _tolerant(lambda text: b64decode(text, validate=True)),
    "duration": _tolerant(parse_duration),
    "date": _tolerant(lambda text: parse_timestamp(f"{text}T00:00:00Z")),
    "date-time": _tolerant(parse_timestamp),
}


def _list(schema: Schema) -> Conversion | None:
    items = schema.get("items")
    inner = conversion(items) if isinstance(items, dict) else None
    kind, keys = schema.get(LIST_TYPE), tuple(schema.get(LIST_MAP_KEYS) or ())
    if inner is None and kind not in ("set", "map"):
        return None

    def run(value: Any) -> Any:
        if value.__class__ is not list:
            return value
        found = value if inner is None else [inner(item) for item in value]
        if kind == "set":
            return SetList(found)
        return MapList(found, keys) if kind == "map" else found

    return run


def _map(schema: Schema) -> Conversion | None:
    inner = conversion(schema["additionalProperties"])
    if inner is None:
        return None

    def run(value: Any) -> Any:
        if value.__class__ is not dict:
            return value
        return {key: inner(item) for key, item in value.items()}

    return run


def _object(schema: Schema) -> Conversion | None:
    changes: dict[str, tuple[str, Conversion | None]] = {}
    for key, inner_schema in (schema.get("properties") or {}).items():
        inner, name = conversion(inner_schema), escape(key) or key
        # An integer is one as JSON has it, but for `1.0`, which is rare: no reason to copy every object.
        if name != key or (inner is not None and inner is not _whole):
            changes[key] = (name, inner)
    if not changes:
        return None

    def run(value: Any) -> Any:
        if value.__class__ is not dict:
            return value
        found = dict(value)
        for key, (name, inner) in changes.items():
            if key in found:
                item = found.pop(key) if name != key and not is_keyword(key) else found[key]
                found[name] = item if inner is None else inner(item)
        return found

    return run
