"""The definitions as OpenAPI publishes them, with descriptions: for `/openapi/v2`, `/openapi/v3` and `explain`.

Each call builds anew (publishing is rare and the result is sent, not kept); what comes back belongs to the caller.
Source: "The Kubernetes API: OpenAPI" in the Kubernetes documentation; kube-openapi.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from wherry.api.schema import definitions
from wherry.api.types import Object

_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_V3_SPECIAL: dict[str, Object] = {
    _INT_OR_STRING: {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    _QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
}
_V2_SPECIAL: dict[str, Object] = {_QUANTITY: {"type": "string"}}


def closure(names: Iterable[str]) -> set[str]:
    """These definitions and all that they refer to."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo.extend(_references(definitions.structure()[name]))
    return found


def names_of_version(api_version: str) -> set[str]:
    """The definitions of all kinds that belong to `apps/v1` or `v1`, and what they refer to."""
    group, _, version = api_version.rpartition("/")
    wanted = {"group": group, "version": version}
    return closure(
        name
        for name, schema in definitions.structure().items()
        for gvk in schema.get("x-kubernetes-group-version-kind", ())
        if {"group": gvk["group"], "version": gvk["version"]} == wanted
    )


def v2_definitions(names: Iterable[str] | None = None) -> dict[str, Object]:
    """By name, in OpenAPI v2 form (`#/definitions/...`); None means all of them."""
    return {name: _definition(name, _reference_v2, _V2_SPECIAL) for name in sorted(_or_all(names))}


def v3_schemas(names: Iterable[str] | None = None) -> dict[str, Object]:
    """By name, in OpenAPI v3 form (`#/components/schemas/...`); None means all of them."""
    return {name: _definition(name, _reference_v3, _V3_SPECIAL) for name in sorted(_or_all(names))}


def _or_all(names: Iterable[str] | None) -> Iterable[str]:
    return definitions.structure() if names is None else names


def _definition(name: str, reference: Callable[[str], Object], special: Mapping[str, Object]) -> Object:
    text, texts = definitions.descriptions()[name]
    schema = special.get(name) or definitions.structure()[name]
    result = _schema(schema, reference)
    for field, property_ in result.get("properties", {}).items():
        if field in texts:
            property_["description"] = texts[field]
    return {"description": text, **result} if text else result


def _schema(schema: Any, reference: Callable[[str], Object]) -> Object:
    """A copy with references in the form of that version of OpenAPI."""
    if "$ref" in schema:
        return reference(definitions.target(schema["$ref"]))
    result = dict(schema)
    for key in ("items", "additionalProperties"):
        if key in result:
            result[key] = _schema(result[key], reference)
    if "properties" in result:
        result["properties"] = {name: _schema(field, reference) for name, field in result["properties"].items()}
    return result


def _reference_v2(name: str) -> Object:
    return {"$ref": f"#/definitions/{name}"}


def _reference_v3(name: str) -> Object:
    """A reference that may have a description beside it; structs default to an empty one."""
    wrapped: Object = {"allOf": [{"$ref": f"#/components/schemas/{name}"}]}
    return {**wrapped, "default": {}} if "properties" in definitions.structure()[name] else wrapped


def _references(schema: Any) -> Iterator[str]:
    if "$ref" in schema:
        yield definitions.target(schema["$ref"])
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _references(schema[key])
    for field in schema.get("properties", {}).values():
        yield from _references(field)
