"""From a schema to the type that its values have in expressions, with bounds of their sizes.

Source: k8s.io/apiserver/pkg/cel/common/schemas.go; k8s.io/apiserver/pkg/cel/limits.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.api.customresources.escaping import escape, is_keyword
from wherry.api.customresources.structural import EMBEDDED, INT_OR_STRING, Schema
from wherry.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    map_of,
    object_type,
)

MAX_REQUEST: Final = 3 * 1024 * 1024
_TEXT_MOST: Final = MAX_REQUEST - 2
_FORMATS: Final[Mapping[str, tuple[Type, int, int]]] = {
    "duration": (DURATION, 32, 3), "date": (TIMESTAMP, 12, 12), "date-time": (TIMESTAMP, 32, 21),
}  # fmt: skip
"""Type, greatest size, and smallest size in JSON."""
_SCALARS: Final[Mapping[str, tuple[Type, int]]] = {"boolean": (BOOL, 4), "integer": (INT, 1), "number": (DOUBLE, 1)}
_TEXT_SCHEMA: Final = {"type": "string"}
_META: Final = {"type": "object", "properties": {"name": _TEXT_SCHEMA, "generateName": _TEXT_SCHEMA}}


@dataclass(frozen=True, slots=True)
class Declared:
    """A type, and the fewest bytes that a value of it takes as JSON."""

    type: Type
    least: int


def declared(schema: Schema, *, root: bool, name: str = "selfType") -> Declared | None:
    """None for what expressions cannot see: values without a schema. `root` says whether it is an object of its own."""
    if schema.get(INT_OR_STRING):
        most = schema.get("maxLength")
        return Declared(DYN.sized(_TEXT_MOST if most is None else max(most, 0) * 4), 1)
    if root:
        schema = with_object_meta(schema)
    kind = schema.get("type") or ""
    if kind == "array":
        return _list(schema, name)
    if kind == "object":
        return _map(schema, name) if isinstance(schema.get("additionalProperties"), dict) else _object(schema, name)
    if kind == "string":
        return _text(schema)
    if kind not in _SCALARS:
        return None
    type_, least = _SCALARS[kind]
    return Declared(type_.sized(0), least)


def with_object_meta(schema: Schema) -> Schema:
    """What every object has, whatever its schema says: kind, apiVersion, metadata.name and metadata.generateName."""
    properties: Mapping[str, Any] = schema.get("properties") or {}
    meta = properties.get("metadata") or {}
    inner = meta.get("properties") or {}
    texts = [properties.get("kind"), properties.get("apiVersion"), inner.get("name"), inner.get("generateName")]
    if meta.get("type") == "object" and all(each and each.get("type") == "string" for each in texts):
        return schema
    return {**schema, "properties": {**properties, "kind": _TEXT_SCHEMA, "apiVersion": _TEXT_SCHEMA, "metadata": _META}}


def max_cardinality(least: int) -> int:
    """How many values of that size fit into one request."""
    return MAX_REQUEST // (least + 1)


def _list(schema: Schema, name: str) -> Declared | None:
    items = schema.get("items")
    if not isinstance(items, dict):
        return None
    inner = declared(items, root=bool(items.get(EMBEDDED)), name=f"{name}.@idx")
    if inner is None:
        return None
    most = schema.get("maxItems")
    most = (MAX_REQUEST - 2) // (inner.least + 1) if most is None else max(most, 0)
    return Declared(list_of(inner.type, max_size=most), 2)


def _map(schema: Schema, name: str) -> Declared | None:
    values = schema["additionalProperties"]
    inner = declared(values, root=bool(values.get(EMBEDDED)), name=f"{name}.@elem")
    if inner is None:
        return None
    most = schema.get("maxProperties")
    most = (MAX_REQUEST - 2) // (inner.least + 6) if most is None else max(most, 0)
    # Keys have no bound of their own: upstream counts them as of no size.
    return Declared(map_of(STRING.sized(0), inner.type, max_size=most), 2)


def _object(schema: Schema, name: str) -> Declared:
    fields: dict[str, Type] = {}
    required = schema.get("required") or ()
    least = 2
    for key, inner_schema in (schema.get("properties") or {}).items():
        escaped = escape(key)
        inner = declared(inner_schema, root=bool(inner_schema.get(EMBEDDED)), name=f"{name}.{escaped or key}")
        if inner is None:
            continue
        if escaped is not None:
            fields[escaped] = inner.type
            if is_keyword(key):
                # Most keywords can be written as fields all the same: `self.namespace`.
                fields[key] = inner.type
        if key in required and inner_schema.get("default") is None:
            least += len(key.encode()) + inner.least + 4
    return Declared(object_type(name, fields, max_size=0), least)


def _text(schema: Schema) -> Declared:
    if (known := _FORMATS.get(schema.get("format") or "")) is not None:
        type_, most, least = known
        return Declared(type_.sized(most), least)
    limit = schema.get("maxLength")
    if schema.get("format") == "byte":
        return Declared(BYTES.sized(_TEXT_MOST if limit is None else max(limit, 0)), 2)
    if limit is not None:
        return Declared(STRING.sized(max(limit, 0) * 4), 2)
    if enum := schema.get("enum"):
        return Declared(STRING.sized(max(len(each.encode()) if isinstance(each, str) else 0 for each in enum)), 2)
    return Declared(STRING.sized(_TEXT_MOST), 2)
