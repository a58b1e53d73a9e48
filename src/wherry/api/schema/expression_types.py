"""The types that the fields of built-in kinds have in expressions, worked out when an expression asks for a field.

Source: k8s.io/apiserver/pkg/cel/openapi, k8s.io/apiserver/pkg/cel/common/schemas.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from wherry.api.customresources.escaping import escape
from wherry.api.schema import definitions
from wherry.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    AnyField,
    Type,
    list_of,
    map_of,
    object_type,
)

_SCALARS: Final[Mapping[str, Type]] = {"boolean": BOOL, "integer": INT, "number": DOUBLE}
_FORMATS: Final[Mapping[str, Type]] = {"byte": BYTES, "date-time": TIMESTAMP, "int-or-string": DYN}
_OPEN: Final = frozenset({"io.k8s.apimachinery.pkg.api.resource.Quantity"})
"""What is a string or a number as it comes."""


def type_of(api_version: str, kind: str) -> Type | None:
    """The type of a built-in kind's objects; None for others."""
    name = definitions.name_of(api_version, kind)
    return _named(name) if name is not None else None


@cache
def _named(name: str) -> Type:
    schema = definitions.structure()[name]
    if name in _OPEN:
        return DYN
    if not schema.get("properties"):
        return _plain(schema)
    return object_type(name, _Fields(name))


class _Fields:
    """The fields of one definition."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def get(self, name: str, /) -> Type | None:
        return _fields(self._name).get(name)


@cache
def _fields(name: str) -> Mapping[str, Type]:
    properties: Mapping[str, Any] = definitions.structure()[name].get("properties") or {}
    found: dict[str, Type] = {}
    for key, schema in properties.items():
        if (escaped := escape(key)) is not None:
            found[escaped] = _type(schema)
    return found


def _type(schema: Mapping[str, Any]) -> Type:
    reference = schema.get("$ref")
    return _named(definitions.target(reference)) if reference else _plain(schema)


def _plain(schema: Mapping[str, Any]) -> Type:
    kind = schema.get("type") or ""
    if kind == "array":
        return list_of(_type(schema.get("items") or {}))
    if kind == "object":
        values = schema.get("additionalProperties")
        return map_of(STRING, _type(values)) if isinstance(values, dict) else object_type("object", AnyField())
    if kind == "string":
        return _FORMATS.get(schema.get("format") or "", STRING)
    return _SCALARS.get(kind, DYN)
