"""What else a definition's schema must keep to: supported keywords, list and map types, defaults.
Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation (ValidateCustomResourceDefinitionOpenAPISchema).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from wherry.api.customresources.checks import Check
from wherry.api.customresources.pruning import prune
from wherry.api.customresources.rule_checks import Total, check_form, check_rules
from wherry.api.customresources.rule_validation import RuleValidator
from wherry.api.customresources.structural import (
    EMBEDDED,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    VALIDATIONS,
    Node,
    Schema,
)
from wherry.api.customresources.structural_rules import check_structural, junctors, property_path
from wherry.api.validation.errors import Errors
from wherry.machinery.cel.bounds import MOST

TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = (
    ("id", "id is not supported"),
    ("additionalItems", "additionalItems is not supported"),
    ("patternProperties", "patternProperties is not supported"),
    ("definitions", "definitions is not supported"),
    ("dependencies", "dependencies is not supported"),
    ("$ref", "$ref is not supported"),
)
_TYPE_FIELDS = frozenset({"metadata", "kind", "apiVersion"})
_AT_ROOT_WITH_STATUS = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum", "MaxLength",
    "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required", "Items", "Properties",
    "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
)  # fmt: skip
_ROOT_KEYS = frozenset({name[0].lower() + name[1:] for name in _AT_ROOT_WITH_STATUS[:-2]} | {PRESERVE, VALIDATIONS})


def check_schema(errors: Errors, schema: Schema, path: str, *, status: bool) -> None:
    """Note all that is wrong with the schema of one version; `status` says whether status is a subresource."""
    if status:
        _root_with_status(errors, schema, path)
    if schema.get("nullable"):
        errors.forbidden(f"{path}.nullable", "nullable cannot be true at the root")
    found, of_rules, total = Errors(), Errors(), Total()
    check_structural(found, schema, path)
    context = _Context(rules=None if found else of_rules, total=total)
    if not found:
        _check_defaults(found, schema, path)
    errors.extend(found)
    _check(errors, schema, path, context, root=True)
    errors.extend(of_rules)
    total.report(errors, path)


def _root_with_status(errors: Errors, schema: Schema, path: str) -> None:
    if (kind := schema.get("type")) and kind != "object":
        why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        errors.invalid(f"{path}.type", kind, why)
    elif any(value and key not in _ROOT_KEYS for key, value in schema.items() if key != "nullable"):
        allowed = " ".join(_AT_ROOT_WITH_STATUS)
        why = f"only [{allowed}] fields are allowed at the root of the schema if the status subresource is enabled"
        errors.invalid(path, schema, why)


@dataclass(frozen=True, slots=True)
class _Context:
    """Where in the schema we are: inside of metadata, and why there may be no default here."""

    in_metadata: bool = False
    no_defaults: str = ""
    rules: Errors | None = None
    """Where errors of rules go; None where rules are not looked at."""
    total: Total = field(default_factory=Total)
    cardinality: int | None = 1
    """How often the node can be there in one object; None if there is no bound."""
    uncorrelated: str = ""
    """The path of the list or map around, whose parts cannot be matched with the old ones."""


def _check(errors: Errors, schema: Schema, path: str, context: _Context, *, root: bool = False) -> None:
    before = len(errors)
    _keywords(errors, schema, path, context)
    inside = _inside(schema, path, context)
    properties: dict[str, Any] = schema.get("properties") or {}
    additional, items = schema.get("additionalProperties"), schema.get("items")
    if additional is not None and additional is not True and properties:
        errors.forbidden(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if isinstance(additional, dict):
        why = "inside additionalProperties applying to object metadata" if context.in_metadata else context.no_defaults
        _check(errors, additional, f"{path}.additionalProperties", replace(inside, no_defaults=why))
    for name, inner in properties.items():
        below = inside
        if name in _TYPE_FIELDS and (root or schema.get(EMBEDDED)):
            why = f"in top-level {name}" if root else context.no_defaults
            below = replace(inside, in_metadata=True, no_defaults=why)
        _check(errors, inner, property_path(path, name), below)
    for _, inner, here in junctors(schema, path):
        _check(errors, inner, here, replace(context, rules=None))
    if isinstance(items, dict):
        _check(errors, items, f"{path}.items", inside)
    _map_type(errors, schema, path)
    _list_type(errors, schema, path)
    check_form(errors, schema, path)
    if context.rules is not None and len(errors) == before:
        check_rules(
            context.rules,
            schema,
            path,
            context.total,
            root=root or bool(schema.get(EMBEDDED)),
            cardinality=context.cardinality,
            uncorrelated=context.uncorrelated,
        )


def _inside(schema: Schema, path: str, context: _Context) -> _Context:
    """What holds for the nodes below: how many there can be, and whether they can be matched with old ones."""
    apart = schema.get(MAP_TYPE) == "atomic" or (schema.get("type") == "array" and schema.get(LIST_TYPE) != "map")
    uncorrelated = context.uncorrelated or (path if apart else "")
    factor = _most_elements(schema)
    cardinality = None if context.cardinality is None or factor is None else min(context.cardinality * factor, MOST)
    return replace(context, cardinality=cardinality, uncorrelated=uncorrelated)


def _most_elements(schema: Schema) -> int | None:
    if schema.get("type") == "array":
        most = schema.get("maxItems")
    elif schema.get("type") == "object" and schema.get("additionalProperties") is not None:
        most = schema.get("maxProperties")
    else:
        return 1
    return None if most is None else max(most, 0)


def _keywords(errors: Errors, schema: Schema, path: str, context: _Context) -> None:
    kind = schema.get("type") or ""
    if kind and kind not in TYPES:
        errors.not_supported(f"{path}.type", kind, TYPES)
    if schema.get("default") is not None and context.no_defaults:
        errors.forbidden(f"{path}.default", f"must not be set {context.no_defaults}")
    for key, why in _UNSUPPORTED:
        if schema.get(key):
            errors.forbidden(f"{path}.{key}", why)
    if kind == "null":
        errors.forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        errors.forbidden(f"{path}.items", "items must be a schema object and not an array")
    if context.in_metadata and schema.get(EMBEDDED):
        errors.forbidden(f"{path}.{EMBEDDED}", "must not be used inside of resource meta")
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.forbidden(f"{path}.uniqueItems", why)
    if schema.get(PRESERVE) is False:
        errors.invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")


def _must_be(errors: Errors, schema: Schema, path: str, wanted: str, key: str) -> bool:
    kind = schema.get("type") or ""
    if kind == wanted:
        return True
    why = f"must be {wanted} if {key} is specified"
    if kind:
        errors.invalid(f"{path}.type", kind, why)
    else:
        errors.required(f"{path}.type", why)
    return False


def _map_type(errors: Errors, schema: Schema, path: str) -> None:
    found = schema.get(MAP_TYPE)
    if found is None:
        return
    _must_be(errors, schema, path, "object", MAP_TYPE)
    if found not in ("atomic", "granular"):
        errors.not_supported(f"{path}.{MAP_TYPE}", found, ("atomic", "granular"))


def _list_type(errors: Errors, schema: Schema, path: str) -> None:
    found, keys = schema.get(LIST_TYPE), schema.get(LIST_MAP_KEYS) or []
    items = schema.get("items") if isinstance(schema.get("items"), dict) else None
    if found is not None:
        if _must_be(errors, schema, path, "array", LIST_TYPE) and found == "set" and items:
            _set_items(errors, items, path)
        if found not in ("atomic", "set", "map"):
            errors.not_supported(f"{path}.{LIST_TYPE}", found, ("atomic", "set", "map"))
    if keys and found != "map":
        why = f"must be map if {LIST_MAP_KEYS} is non-empty"
        if found is None:
            errors.required(f"{path}.{LIST_TYPE}", why)
        else:
            errors.invalid(f"{path}.{LIST_TYPE}", found, why)
    if found == "map":
        _map_list(errors, keys, items, path)
    if found in ("set", "map") and items and items.get("nullable"):
        errors.forbidden(f"{path}.items.nullable", f"cannot be nullable when {LIST_TYPE} is {found}")


def _set_items(errors: Errors, items: Schema, path: str) -> None:
    why = f"must be atomic as item of a list with {LIST_TYPE}=set"
    if items.get("type") == "array" and items.get(LIST_TYPE) not in (None, "atomic"):
        errors.invalid(f"{path}.items.{LIST_TYPE}", items.get(LIST_TYPE), why)
    elif items.get("type") == "object" and items.get(MAP_TYPE) != "atomic":
        errors.invalid(f"{path}.items.{MAP_TYPE}", items.get(MAP_TYPE), why)


def _map_list(errors: Errors, keys: list[str], items: Schema | None, path: str) -> None:
    if not keys:
        errors.required(f"{path}.{LIST_MAP_KEYS}", f"must not be empty if {LIST_TYPE} is map")
    if items is None:
        errors.required(f"{path}.items", f"must have a schema if {LIST_TYPE} is map")
        return
    if items.get("type") != "object":
        why = f"must be object if parent array's {LIST_TYPE} is map"
        errors.invalid(f"{path}.items.type", items.get("type") or "", why)
        return
    if len(set(keys)) < len(keys):
        errors.invalid(f"{path}.{LIST_MAP_KEYS}", keys, "must not contain duplicate entries")
    for key in keys:
        _map_key(errors, key, keys, items, path)


def _map_key(errors: Errors, key: str, keys: list[str], items: Schema, path: str) -> None:
    field = (items.get("properties") or {}).get(key)
    if field is None:
        errors.invalid(f"{path}.{LIST_MAP_KEYS}", keys, "entries must all be names of item properties")
        return
    here = property_path(f"{path}.items", key)
    if field.get("type") in ("array", "object"):
        errors.invalid(f"{here}.type", field["type"], f"must be a scalar type if parent array's {LIST_TYPE} is map")
    if key not in (items.get("required") or ()) and field.get("default") is None:
        why = f"this property is in {LIST_MAP_KEYS}, so it must have a default or be a required property"
        errors.required(f"{here}.default", why)
    if field.get("nullable"):
        errors.forbidden(f"{here}.nullable", f"this property is in {LIST_MAP_KEYS}, so it cannot be nullable")


def _check_defaults(errors: Errors, schema: Schema, path: str) -> None:
    """A default must be what the schema allows, without fields that would be pruned."""
    if schema.get("default") is not None:
        _check_default(errors, schema, f"{path}.default")
    for name, inner in (schema.get("properties") or {}).items():
        _check_defaults(errors, inner, property_path(path, name))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            _check_defaults(errors, schema[key], f"{path}.{key}")


def _check_default(errors: Errors, schema: Schema, path: str) -> None:
    value = schema["default"]
    pruned = orjson.loads(orjson.dumps({"value": value}))
    if prune(Node({"type": "object", "properties": {"value": schema}}), pruned):
        errors.invalid(path, value, "must not have unknown fields")
    before = len(errors)
    Check(schema)(value, path, errors)
    rules = RuleValidator.make(schema, root=bool(schema.get(EMBEDDED))) if len(errors) == before else None
    if rules is not None:
        rules.check_default(errors, value, path)
