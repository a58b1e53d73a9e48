"""OpenAPI documents from the schema and the registry: v2 as one, v3 by group and version. Pure.

Source: https://spec.openapis.org/oas/v3.0.0, KEP-2896 (OpenAPI v3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wherry.api.resources import Resource
from wherry.api.schema.definitions import descriptions, name_of, structure
from wherry.api.types import Object
from wherry.apiserver.discovery.openapi_custom import REFERENCED, definitions_of
from wherry.apiserver.discovery.openapi_paths import (
    body_v2,
    body_v2_custom,
    body_v3,
    body_v3_custom,
    parameter_v2,
    parameter_v3,
    paths_of,
)
from wherry.apiserver.version import GIT_VERSION

_INFO = {"title": "Kubernetes", "version": GIT_VERSION}
_V2, _V3 = "#/definitions/", "#/components/schemas/"


def referenced(names: Iterable[str]) -> list[str]:
    """These definitions and all that they refer to, sorted."""
    known, waiting = structure(), list(names)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found and name in known:
            found.add(name)
            waiting += _references(known[name])
    return sorted(found)


def _references(schema: Any) -> list[str]:
    if isinstance(schema, Mapping):
        own = [schema["$ref"].removeprefix(_V2)] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in _references(value)]
    if isinstance(schema, list):
        return [name for value in schema for name in _references(value)]
    return []


def described(name: str, *, v3: bool) -> Object:
    """A definition with its descriptions, its references in the words of the OpenAPI version."""
    text, fields = descriptions().get(name, ("", {}))
    schema: Object = _translated(structure()[name]) if v3 else dict(structure()[name])
    if text:
        schema = {"description": text, **schema}
    properties = schema.get("properties")
    if properties:
        schema["properties"] = {field: _field(inner, fields.get(field, ""), v3) for field, inner in properties.items()}
    return schema


def _field(schema: Object, text: str, v3: bool) -> Object:
    if not text:
        return schema
    if v3 and "$ref" in schema:
        # In v3 nothing may stand beside a reference.
        return {"description": text, "allOf": [{"$ref": schema["$ref"]}], "default": {}}
    return {"description": text, **schema}


def _translated(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: _V3 + value.removeprefix(_V2) if key == "$ref" and isinstance(value, str) else _translated(value)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_translated(value) for value in schema]
    return schema


def _definition_names(resources: Iterable[Resource]) -> list[str]:
    kinds = [(each.api_version, kind) for each in resources for kind in (each.kind, each.list_kind)]
    return [name for api_version, kind in kinds if (name := name_of(api_version, kind))]


def _custom(resources: Iterable[Resource], *, v3: bool) -> Object:
    return {name: found for each in resources for name, found in definitions_of(each, v3=v3)}


def document_v3(resources: Iterable[Resource]) -> Object:
    """The document of one group and version."""
    resources = list(resources)
    paths = {
        path: item
        for each in resources
        for path, item in paths_of(each, parameter_v3, body_v3 if each.custom is None else body_v3_custom)
    }
    custom = _custom(resources, v3=True)
    names = [*_definition_names(resources), *(REFERENCED if custom else ())]
    schemas = {name: described(name, v3=True) for name in referenced(names)} | custom
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}}


def merge_v2(document: Object, other: Object) -> None:
    """Add to a document (in place) another server's paths, and the definitions that are not there yet."""
    document["paths"].update(other.get("paths") or {})
    for name, definition in (other.get("definitions") or {}).items():
        document["definitions"].setdefault(name, definition)


def document_v2(resources: Iterable[Resource]) -> Object:
    """Everything in one document."""
    resources = list(resources)
    paths = {
        path: item
        for each in resources
        for path, item in paths_of(each, parameter_v2, body_v2 if each.custom is None else body_v2_custom)
    }
    definitions = {name: described(name, v3=False) for name in structure()} | _custom(resources, v3=False)
    return {"swagger": "2.0", "info": _INFO, "paths": paths, "definitions": definitions}
