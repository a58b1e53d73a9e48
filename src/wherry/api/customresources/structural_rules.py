"""What makes a schema structural.

Source: KEP-1979; k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go and complete.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.api.customresources.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    VALIDATIONS,
    Schema,
)
from wherry.api.validation.errors import Errors
from wherry.machinery.go_regex import GoRegexError, compile_go

ROOT, ITEM, FIELD = "root", "item", "field"
_NO_TYPE = {
    ROOT: "must not be empty at the root",
    ITEM: "must not be empty for specified array items",
    FIELD: "must not be empty for specified object fields",
}
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_STRUCTURAL_ONLY = (
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (PRESERVE, "must be false to be structural"),
    (EMBEDDED, "must be false to be structural"),
    (INT_OR_STRING, "must be false to be structural"),
    (LIST_MAP_KEYS, "must be empty to be structural"),
    (LIST_TYPE, "must be undefined to be structural"),
    (MAP_TYPE, "must be undefined to be structural"),
    (VALIDATIONS, "must be empty to be structural"),
)
"""What only the structure itself may say, not the schemas under allOf, anyOf, oneOf and not."""


def check_structural(errors: Errors, schema: Schema, path: str) -> None:
    """Note all that is not structural, in the order of the fields' names."""
    found = Errors()
    _invariants(found, schema, ROOT, path)
    _complete(found, schema, path)
    errors.extend(sorted(found, key=str))


def property_path(path: str, name: str) -> str:
    return f"{path}.properties[{name}]"


def junctors(schema: Schema, path: str) -> Iterator[tuple[str, Schema, str]]:
    """The schemas under allOf, anyOf, oneOf and not, each with its keyword and path."""
    for key in ("anyOf", "allOf", "oneOf"):
        for index, inner in enumerate(schema.get(key) or ()):
            yield key, inner, f"{path}.{key}[{index}]"
    if schema.get("not") is not None:
        yield "not", schema["not"], f"{path}.not"


def _invariants(errors: Errors, schema: Schema, level: str, path: str) -> None:
    items, additional = schema.get("items"), schema.get("additionalProperties")
    if schema.get("type") == "array" and items is None:
        errors.required(f"{path}.items", "must be specified")
    if isinstance(items, dict):
        _invariants(errors, items, ITEM, f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        _invariants(errors, inner, FIELD, property_path(path, name))
    if additional is not None and level == ROOT:
        errors.forbidden(f"{path}.additionalProperties", "must not be used at the root")
    if isinstance(additional, dict):
        _invariants(errors, additional, FIELD, f"{path}.additionalProperties")
    _extensions(errors, schema, path)
    _values(errors, schema, path)
    _type(errors, schema, level, path)
    _metadata(errors, schema, level, path)


def _extensions(errors: Errors, schema: Schema, path: str) -> None:
    if not schema.get(INT_OR_STRING):
        return
    for key in (PRESERVE, EMBEDDED):
        if schema.get(key):
            errors.invalid(f"{path}.{key}", True, f"must be false if {INT_OR_STRING} is true")


def _type(errors: Errors, schema: Schema, level: str, path: str) -> None:
    kind, embedded = schema.get("type") or "", bool(schema.get(EMBEDDED))
    if embedded and kind != "object":
        why = f"must be object if {EMBEDDED} is true"
        if kind:
            errors.invalid(f"{path}.type", kind, why)
        else:
            errors.required(f"{path}.type", why)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        errors.required(f"{path}.type", _NO_TYPE[level])
    if embedded and schema.get("additionalProperties") is not None:
        errors.forbidden(f"{path}.additionalProperties", f"must not be used if {EMBEDDED} is set")
    if level == ROOT and kind and kind != "object":
        errors.invalid(f"{path}.type", kind, "must be object at the root")


def _metadata(errors: Errors, schema: Schema, level: str, path: str) -> None:
    properties = schema.get("properties") or {}
    embedded = bool(schema.get(EMBEDDED))
    if level == ROOT or embedded:
        for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
            kind = properties.get(name, {}).get("type") or ""
            if name in properties and kind != wanted:
                errors.invalid(f"{property_path(path, name)}.type", kind, f"must be {wanted}")
    if level == ROOT and "metadata" in properties and not _plain_metadata(properties["metadata"]):
        errors.forbidden(
            property_path(path, "metadata"),
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        )
    if embedded and not schema.get(PRESERVE) and not properties:
        why = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        errors.required(f"{path}.properties", why)


def _plain_metadata(metadata: Schema) -> bool:
    rest = {key for key, value in metadata.items() if value and key not in ("type", "properties", "default")}
    return not rest and set(metadata.get("properties") or ()) <= {"name", "generateName"}


def _values(errors: Errors, schema: Schema, path: str, *, skip_any_of: bool = False) -> None:
    """The validations of a schema, apart from its structure."""
    for key, inner, here in junctors(schema, path):
        if key == "anyOf" and (skip_any_of or schema.get("anyOf") == _INT_OR_STRING):
            continue
        first = key == "allOf" and here.endswith("allOf[0]") and inner.get("anyOf") == _INT_OR_STRING
        _nested(errors, inner, here, skip_any_of=first)
    if pattern := schema.get("pattern"):
        try:
            compile_go(pattern)
        except GoRegexError as error:
            why = f"must be a valid regular expression, but isn't: {error}"
            errors.invalid(f"{path}.pattern", pattern, why)


def _nested(errors: Errors, schema: Schema, path: str, *, skip_any_of: bool = False) -> None:
    _values(errors, schema, path, skip_any_of=skip_any_of)
    if isinstance(schema.get("items"), dict):
        _nested(errors, schema["items"], f"{path}.items")
    properties: dict[str, Any] = schema.get("properties") or {}
    for name, inner in properties.items():
        _nested(errors, inner, property_path(path, name))
    for key, why in _STRUCTURAL_ONLY:
        if schema.get(key) or (key == "additionalProperties" and key in schema):
            errors.forbidden(f"{path}.{key}", why)
    if "metadata" in properties:
        errors.forbidden(property_path(path, "metadata"), "must not be specified in a nested context")


def _complete(errors: Errors, schema: Schema, path: str) -> None:
    """Whatever a nested validation speaks of must be in the structure."""
    _covers(errors, schema, schema, path, path)
    for name, inner in (schema.get("properties") or {}).items():
        _complete(errors, inner, property_path(path, name))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            _complete(errors, schema[key], f"{path}.{key}")


def _covers(errors: Errors, validation: Schema, structure: Schema, where: str, path: str) -> None:
    for _, inner, here in junctors(validation, path):
        _covers_nested(errors, inner, structure, where, here)


def _covers_nested(errors: Errors, validation: Schema, structure: Schema | None, where: str, path: str) -> None:
    if not isinstance(structure, dict):
        errors.required(where, f"because it is defined in {path}")
        return
    _covers(errors, validation, structure, where, path)
    if isinstance(validation.get("items"), dict):
        _covers_nested(errors, validation["items"], structure.get("items"), f"{where}.items", f"{path}.items")
    known = structure.get("properties") or {}
    for name, inner in (validation.get("properties") or {}).items():
        _covers_nested(errors, inner, known.get(name), property_path(where, name), property_path(path, name))
