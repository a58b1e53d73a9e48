"""The shape of a custom kind for ownership of fields, from its structural schema.

Where unknown fields are preserved, shape follows the value: maps have fields, lists are one field.
Source: k8s.io/kube-openapi/pkg/schemaconv, k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wherry.api.customresources.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    Schema,
)
from wherry.api.schema.shapes import TYPE_FIELDS, metadata, own_metadata
from wherry.machinery.fieldsets.shape import ATOMIC, DEDUCED, MAP, UNTYPED, List, Map, Node, Scalar

_STRING: Final = Scalar("string")
_SCALARS: Final = {
    "string": _STRING,
    "boolean": Scalar("boolean"),
    "integer": Scalar("numeric"),
    "number": Scalar("numeric"),
}
_TYPED: Final[Mapping[str, Node]] = {"apiVersion": _STRING, "kind": _STRING}


def shape_of(schema: Schema) -> Map:
    """The shape of an object of the kind."""
    fields = {key: _node(inner) for key, inner in (schema.get("properties") or {}).items()}
    fields = {**fields, **_TYPED, "metadata": own_metadata()}
    rest = DEDUCED if schema.get(PRESERVE) else None
    return Map(lambda: fields, rest=rest, embedded=frozenset({"metadata"}), hidden=TYPE_FIELDS)


def _node(schema: Schema) -> Node:
    if schema.get(INT_OR_STRING):
        return Scalar()
    kind = schema.get("type")
    if kind == "array":
        return _list(schema)
    if kind == "object" or schema.get("properties"):
        return _map(schema)
    return _SCALARS.get(kind or "", DEDUCED if schema.get(PRESERVE) else UNTYPED)


def _list(schema: Schema) -> Node:
    items = schema.get("items")
    item = _node(items) if isinstance(items, Mapping) else UNTYPED
    kind = schema.get(LIST_TYPE) or ATOMIC
    keys = tuple(schema.get(LIST_MAP_KEYS) or ()) if kind == MAP else ()
    return List(item, kind, keys, _defaults(items, keys))


def _defaults(items: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    properties = items.get("properties") or {} if isinstance(items, Mapping) else {}
    return {key: properties[key]["default"] for key in keys if (properties.get(key) or {}).get("default") is not None}


def _map(schema: Schema) -> Node:
    properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
    atomic = schema.get(MAP_TYPE) == ATOMIC
    embedded = bool(schema.get(EMBEDDED))
    if not properties and not additional and not embedded:
        return DEDUCED if schema.get(PRESERVE) and not atomic else UNTYPED
    rest = _rest(schema, additional)

    def load() -> Mapping[str, Node]:
        fields = {key: _node(inner) for key, inner in properties.items()}
        return {**fields, **_TYPED, "metadata": metadata()} if embedded else fields

    return Map(load, rest=rest, atomic=atomic)


def _rest(schema: Schema, additional: Any) -> Node | None:
    if isinstance(additional, Mapping):
        return _node(additional)
    if schema.get(PRESERVE):
        return DEDUCED
    return UNTYPED if additional is True else None
