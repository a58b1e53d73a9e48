"""Custom resources in OpenAPI: a definition for the kind, one for its list.

Source: k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.api.customresources.structural import INT_OR_STRING
from wherry.api.resources import Resource
from wherry.api.types import Object

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
REFERENCED = (_OBJECT_META, _LIST_META)
_NOT_IN_V2 = ("oneOf", "anyOf", "allOf", "not", "nullable", "default", "x-kubernetes-validations")
_API_VERSION = "The versioned schema of this representation of the object, as group/version."
_KIND = "What the object is, in CamelCase; cannot be changed."


def definition_name(resource: Resource) -> str:
    """`com.example.stable.v1.CronTab` for the group `stable.example.com`."""
    return ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind])


def definitions_of(resource: Resource, *, v3: bool) -> Iterator[tuple[str, Object]]:
    """The definitions of a custom resource, by name."""
    if resource.custom is None:
        return
    name = definition_name(resource)
    schema = resource.custom.schema if v3 else _in_v2(resource.custom.schema)
    yield name, _object(resource, schema, v3=v3)
    yield f"{name.removesuffix(resource.kind)}{resource.list_kind}", _list(resource, name, v3=v3)


def _reference(name: str, *, v3: bool) -> Object:
    return {"$ref": ("#/components/schemas/" if v3 else "#/definitions/") + name}


def _meta(name: str, about: str, *, v3: bool) -> Object:
    reference = _reference(name, v3=v3)
    # In v3 nothing may stand beside a reference.
    return {"description": about, "allOf": [reference], "default": {}} if v3 else {"description": about, **reference}


def _kinds(resource: Resource, kind: str) -> list[Object]:
    return [{"group": resource.group, "version": resource.version, "kind": kind}]


def _type_fields() -> Object:
    return {
        "apiVersion": {"description": _API_VERSION, "type": "string"},
        "kind": {"description": _KIND, "type": "string"},
    }


def _object(resource: Resource, schema: Object, *, v3: bool) -> Object:
    properties: Object = {**(schema.get("properties") or {}), **_type_fields()}
    properties["metadata"] = _meta(_OBJECT_META, "Standard object's metadata.", v3=v3)
    found: Object = {**schema, "x-kubernetes-group-version-kind": _kinds(resource, resource.kind)}
    if properties.keys() > _type_fields().keys() | {"metadata"} or not schema.get(
        "x-kubernetes-preserve-unknown-fields"
    ):
        found["properties"] = properties
    return found


def _list(resource: Resource, name: str, *, v3: bool) -> Object:
    items = {"type": "array", "description": f"List of {resource.plural}.", "items": _reference(name, v3=v3)}
    return {
        "description": f"{resource.list_kind} is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {**_type_fields(), "items": items, "metadata": _meta(_LIST_META, "List metadata.", v3=v3)},
        "x-kubernetes-group-version-kind": _kinds(resource, resource.list_kind),
    }


def _in_v2(schema: Object) -> Object:
    """What OpenAPI v2 has no words for is left out; a value that may be null, or of two types, has no type there."""
    found: Object = {key: value for key, value in schema.items() if key not in _NOT_IN_V2}
    if schema.get("nullable") or schema.get(INT_OR_STRING):
        for key in ("type", "items", "properties", "additionalProperties"):
            found.pop(key, None)
        return found
    if "properties" in found:
        found["properties"] = {name: _in_v2(inner) for name, inner in found["properties"].items()}
    for key in ("items", "additionalProperties"):
        inner: Any = found.get(key)
        if isinstance(inner, dict):
            found[key] = _in_v2(inner)
    return found
