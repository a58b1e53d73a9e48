"""Values with parts: structs, lists, maps. Each is compiled once from the schema, structs when first met.

Decoding is two walks. `ok` goes over what is present and stops at the first thing that cannot stay as it is; nearly
every object passes it, without anything being allocated. Only an object that fails it is walked again by `fix`, which
knows where it is: it drops unknown fields and nulls in place, spells quantities and times canonically, and raises
`DecodeError` for a wrong type. Nulls end as Go leaves them: absent in a struct, the zero value in a list or a map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

from wherry.api.schema import definitions
from wherry.api.schema.go_names import GO_MAPS, GO_STRINGS, go_type
from wherry.api.schema.problems import DecodeError, Place, Report
from wherry.api.schema.scalars import ANYTHING, BY_NAME, BY_TYPE, STRING, plain


class Node(Protocol):
    """What a schema compiles to."""

    @property
    def go(self) -> str: ...
    @property
    def leaf(self) -> type | None: ...
    @property
    def ok(self) -> Callable[[Any], bool]: ...
    @property
    def fix(self) -> Callable[[Any, Place], Any]: ...
    def zero(self) -> Any: ...


class Struct:
    """A definition with properties."""

    leaf = None

    def __init__(self, name: str, schema: definitions.Schema) -> None:
        self.name = name
        self.go = go_type(name)
        self._short = name.rpartition(".")[2]
        self._schema = schema
        self._fields: dict[str, Node] | None = None
        self._leaves: dict[str, type] = {}
        self._tests: dict[str, Callable[[Any], bool]] = {}

    def fields(self) -> Mapping[str, Node]:
        """The compiled properties, by name."""
        if self._fields is None:
            properties = self._schema.get("properties", {})
            fields = {key: compile_schema(schema, self._short, key) for key, schema in properties.items()}
            self._leaves = {key: node.leaf for key, node in fields.items() if node.leaf is not None}
            self._tests = {key: node.ok for key, node in fields.items() if node.leaf is None}
            self._fields = fields
        return self._fields

    def ok(self, value: Any) -> bool:
        if value.__class__ is not dict:
            return False
        if self._fields is None:
            self.fields()
        leaves, tests = self._leaves, self._tests
        for key, item in value.items():
            if item.__class__ is not leaves.get(key):
                test = tests.get(key)
                if test is None or not test(item):
                    return False
        return True

    def fix(self, value: Any, place: Place) -> Any:
        if value.__class__ is not dict:
            raise place.mismatch(value, self.go)
        fields = self.fields()
        for key, item in list(value.items()):
            node = fields.get(key)
            if node is None:
                place.unknown(key)
                del value[key]
            elif item is None:
                del value[key]
            elif not node.ok(item):
                value[key] = node.fix(item, place.at_field(self._short, key))
        return value

    def zero(self) -> Any:
        return {}


def _items_test(item: Node) -> Callable[[Iterable[Any]], bool]:
    """Whether all items can stay, without a Python frame of its own for each."""
    test, leaf = item.ok, item.leaf
    if leaf is None:
        return lambda items: all(map(test, items))
    only = frozenset((leaf,)).issuperset
    return lambda items: only(map(type, items))


class List:
    """An array."""

    leaf = None

    def __init__(self, item: Node, go: str = "") -> None:
        self.item = item
        self.go = go or f"[]{item.go}"
        self._all = _items_test(item)

    def ok(self, value: Any) -> bool:
        return value.__class__ is list and self._all(value)

    def fix(self, value: Any, place: Place) -> Any:
        if value.__class__ is not list:
            raise place.mismatch(value, self.go)
        for index, item in enumerate(value):
            if item is None:
                value[index] = self.item.zero()
            elif not self.item.ok(item):
                value[index] = self.item.fix(item, place.at_index(index))
        return value

    def zero(self) -> Any:
        return []


class Map:
    """An object with keys of the user's."""

    leaf = None

    def __init__(self, item: Node, go: str = "") -> None:
        self.item = item
        self.go = go or f"map[string]{item.go}"
        self._all = _items_test(item)

    def ok(self, value: Any) -> bool:
        return value.__class__ is dict and self._all(value.values())

    def fix(self, value: Any, place: Place) -> Any:
        if value.__class__ is not dict:
            raise place.mismatch(value, self.go)
        for key, item in value.items():
            if item is None:
                value[key] = self.item.zero()
            elif not self.item.ok(item):
                value[key] = self.item.fix(item, place.at_key(key))
        return value

    def zero(self) -> Any:
        return {}


class Union:
    """The `JSONSchemaPropsOr...` of custom resource definitions: one shape per JSON type.

    Upstream decodes these by hand, so unknown fields inside are dropped without being reported.
    """

    leaf = None

    def __init__(self, name: str, choices: Callable[[], Mapping[type, Node]], complaint: str) -> None:
        self.go = go_type(name)
        self._choices = cache(choices)
        self._complaint = complaint

    def ok(self, value: Any) -> bool:
        node = self._choices().get(value.__class__)
        return node is not None and node.ok(value)

    def fix(self, value: Any, place: Place) -> Any:
        node = self._choices().get(value.__class__)
        if node is None:
            raise DecodeError(self._complaint)
        return node.fix(value, Place(Report()))

    def zero(self) -> Any:
        return {}


_CRD = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."


def _schema_node() -> Node:
    return named(_CRD + "JSONSchemaProps")


_UNIONS: dict[str, tuple[Callable[[], Mapping[type, Node]], str]] = {
    _CRD + "JSONSchemaPropsOrArray": (
        lambda: {dict: _schema_node(), list: List(_schema_node())},
        "json: cannot unmarshal value into Go value of type v1.JSONSchemaPropsOrArray",
    ),
    _CRD + "JSONSchemaPropsOrBool": (
        lambda: {dict: _schema_node(), bool: BY_TYPE["boolean", ""]},
        "boolean or JSON schema expected",
    ),
    _CRD + "JSONSchemaPropsOrStringArray": (
        lambda: {dict: _schema_node(), list: List(STRING)},
        "json: cannot unmarshal value into Go value of type v1.JSONSchemaPropsOrStringArray",
    ),
}


@cache
def named(name: str) -> Node:
    """The node of a definition. Raises `KeyError` when there is none of that name."""
    if name in BY_NAME:
        return BY_NAME[name]
    if name in _UNIONS:
        choices, complaint = _UNIONS[name]
        return Union(name, choices, complaint)
    return Struct(name, definitions.structure()[name])


def compile_schema(schema: definitions.Schema, struct: str = "", key: str = "") -> Node:
    """The node of a property's schema; `struct` and `key` say whose it is, for Go's names of types."""
    if "$ref" in schema:
        return named(definitions.target(schema["$ref"]))
    kind = schema.get("type", "")
    if kind == "array":
        return List(compile_schema(schema["items"]))
    if kind == "object":
        item = compile_schema(schema["additionalProperties"]) if "additionalProperties" in schema else ANYTHING
        return Map(item, GO_MAPS.get(item.go, ""))
    if kind == "string" and (go := GO_STRINGS.get((struct, key))):
        return plain(go, str, "")
    return BY_TYPE.get((kind, schema.get("format", "")), ANYTHING)
