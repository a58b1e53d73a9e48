"""The types of CEL: what the checker computes with, and what schemas are turned into.

A type is compared by its kind, name and parameters. What a schema knows besides (fields of objects, the greatest size of
a value) hangs on the type and plays no part in comparisons. Source: the CEL specification; cel-go `common/types`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol


class Kind(StrEnum):
    BOOL = "bool"
    BYTES = "bytes"
    DOUBLE = "double"
    DURATION = "duration"
    DYN = "dyn"
    ERROR = "*error*"
    INT = "int"
    LIST = "list"
    MAP = "map"
    NULL = "null"
    OBJECT = "object"
    OPAQUE = "opaque"
    PARAM = "param"
    STRING = "string"
    TIMESTAMP = "timestamp"
    TYPE = "type"
    UINT = "uint"


class Fields(Protocol):
    """The fields of an object type, by the names that expressions use."""

    def get(self, name: str, /) -> Type | None: ...


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `name` is what `type(x)` gives; `max_size` bounds the size of values where a schema says so."""

    kind: Kind
    name: str
    params: tuple[Type, ...] = ()
    fields: Fields | None = field(default=None, compare=False, repr=False)
    max_size: int | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        """As error messages write it."""
        if self.kind in (Kind.OBJECT, Kind.PARAM):
            return self.name
        if self.kind in (Kind.LIST, Kind.MAP, Kind.TYPE, Kind.OPAQUE) and self.params:
            return f"{self.name}({', '.join(map(str, self.params))})"
        return self.name if self.kind is Kind.OPAQUE else str(self.kind)

    def described(self) -> str:
        """As messages about the result of an expression write it: by the names of types."""
        return f"{self.name}({', '.join(each.described() for each in self.params)})" if self.params else self.name

    def sized(self, most: int | None) -> Type:
        return replace(self, max_size=most)


BOOL: Final = Type(Kind.BOOL, "bool")
BYTES: Final = Type(Kind.BYTES, "bytes")
DOUBLE: Final = Type(Kind.DOUBLE, "double")
DURATION: Final = Type(Kind.DURATION, "google.protobuf.Duration")
DYN: Final = Type(Kind.DYN, "dyn")
ERROR: Final = Type(Kind.ERROR, "*error*")
INT: Final = Type(Kind.INT, "int")
NULL: Final = Type(Kind.NULL, "null_type")
STRING: Final = Type(Kind.STRING, "string")
TIMESTAMP: Final = Type(Kind.TIMESTAMP, "google.protobuf.Timestamp")
TYPE: Final = Type(Kind.TYPE, "type")
UINT: Final = Type(Kind.UINT, "uint")
A: Final = Type(Kind.PARAM, "A")
B: Final = Type(Kind.PARAM, "B")

SCALARS: Final = frozenset({Kind.BOOL, Kind.DOUBLE, Kind.DURATION, Kind.INT, Kind.NULL, Kind.TIMESTAMP, Kind.UINT})
"""Kinds whose values have the size 1."""


def list_of(item: Type, *, max_size: int | None = None) -> Type:
    return Type(Kind.LIST, "list", (item,), None, max_size)


def map_of(key: Type, value: Type, *, max_size: int | None = None) -> Type:
    return Type(Kind.MAP, "map", (key, value), None, max_size)


def object_type(name: str, fields: Mapping[str, Type] | Fields, *, max_size: int | None = None) -> Type:
    return Type(Kind.OBJECT, name, (), fields, max_size)


def optional_of(inner: Type) -> Type:
    return Type(Kind.OPAQUE, "optional_type", (inner,))


def type_of(inner: Type) -> Type:
    return Type(Kind.TYPE, "type", (inner,))


def opaque(name: str, *params: Type) -> Type:
    return Type(Kind.OPAQUE, name, params)


def is_optional(type_: Type) -> bool:
    return type_.kind is Kind.OPAQUE and type_.name == "optional_type"


def is_dyn(type_: Type) -> bool:
    return type_.kind in (Kind.DYN, Kind.ERROR)


class AnyField:
    """The fields of an object of which nothing is known: every one is there."""

    def __init__(self, inner: Type = DYN) -> None:
        self._inner = inner

    def get(self, name: str, /) -> Type | None:
        return self._inner


NAMED: Final[Mapping[str, Type]] = {
    "bool": BOOL, "bytes": BYTES, "double": DOUBLE, "int": INT, "uint": UINT, "string": STRING, "null_type": NULL,
    "list": list_of(DYN), "map": map_of(DYN, DYN), "type": TYPE, "dyn": DYN,
    "google.protobuf.Timestamp": TIMESTAMP, "google.protobuf.Duration": DURATION, "optional_type": optional_of(DYN),
}  # fmt: skip
"""The types that expressions can name, as in `type(x) == int`."""
