"""Merge keys and list types of a kind, for strategic merge patch and server-side apply.

Compiled per definition when first asked for. Source: the `x-kubernetes-*` extensions of the published OpenAPI.
"""

from __future__ import annotations

from functools import cache

from wherry.api.schema import definitions
from wherry.machinery.patch_schema import PatchField, PatchSchema, StrategicPatchError


class StructPatch:
    """`PatchSchema` of a definition, and its list types."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._properties = definitions.structure()[name].get("properties", {})
        self._fields: dict[str, PatchField] = {}

    def field(self, name: str) -> PatchField:
        found = self._fields.get(name)
        if found is None:
            if name not in self._properties:
                struct = self.name.rpartition(".")[2]
                raise StrategicPatchError(f'unable to find api field in struct {struct} for the json field "{name}"')
            found = self._fields[name] = _field(self._properties[name])
        return found


class MapPatch:
    """A map with keys of the user's: every field is alike."""

    def __init__(self, values: PatchSchema) -> None:
        self._field = PatchField(values)

    def field(self, name: str) -> PatchField:
        return self._field


class FreePatch:
    """Anything goes: no schema below here."""

    def field(self, name: str) -> PatchField:
        return PatchField(self)


@cache
def patch_schema(api_version: str, kind: str) -> PatchSchema | None:
    """How objects of a built-in kind are patched; None for any other kind."""
    name = definitions.name_of(api_version, kind)
    return _named(name) if name else None


@cache
def _named(name: str) -> PatchSchema:
    return StructPatch(name) if "properties" in definitions.structure()[name] else FreePatch()


def _field(schema: definitions.Schema) -> PatchField:
    strategies = schema.get("x-kubernetes-patch-strategy", "").split(",")
    return PatchField(
        _inside(schema),
        merge="merge" in strategies,
        replace="replace" in strategies,
        retain_keys="retainKeys" in strategies,
        merge_key=schema.get("x-kubernetes-patch-merge-key", ""),
        list_type=schema.get("x-kubernetes-list-type", ""),
        map_keys=tuple(schema.get("x-kubernetes-list-map-keys", ())),
        atomic=_is_atomic(schema),
    )


def _is_atomic(schema: definitions.Schema) -> bool:
    """`x-kubernetes-map-type: atomic`, on the field or on the definition that it refers to."""
    if "$ref" in schema:
        schema = definitions.structure()[definitions.target(schema["$ref"])]
    return schema.get("x-kubernetes-map-type") == "atomic"


def _inside(schema: definitions.Schema) -> PatchSchema:
    if "$ref" in schema:
        return _named(definitions.target(schema["$ref"]))
    if "items" in schema:
        return _inside(schema["items"])
    if "additionalProperties" in schema:
        return MapPatch(_inside(schema["additionalProperties"]))
    return FreePatch()
