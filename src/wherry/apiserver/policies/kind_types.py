"""The types that expressions are checked against: of built-in kinds and of custom resources."""

from __future__ import annotations

from wherry.api.customresources.expression_types import declared
from wherry.api.schema.expression_types import type_of
from wherry.api.types import Object
from wherry.apiserver.registry import Registry, Served
from wherry.machinery.cel.types import DYN, AnyField, Type, object_type

_METADATA = object_type("kubernetes.ObjectMeta", AnyField())
"""Of custom resources every field of the metadata is known here, though their schemas name two."""


def kind_of(registry: Registry, group: str, version: str, resource: str) -> tuple[str, Type] | None:
    """What warnings call the kind, and its type; None for a resource that is not served."""
    served = registry.find(group, version, resource)
    type_ = _type(served) if served is not None else None
    if served is None or type_ is None:
        return None
    shown = served.api_version if served.group else f"/{served.version}"
    return f"{shown}, Kind={served.kind}", type_


def type_of_params(registry: Registry, policy: Object) -> Type | None:
    """Of the kind that the policy's parameters are."""
    kind = (policy.get("spec") or {}).get("paramKind") or {}
    wanted = (kind.get("apiVersion"), kind.get("kind"))
    served = next((each for each in registry if (each.api_version, each.kind) == wanted), None)
    return _type(served) if served is not None else None


def _type(served: Served) -> Type | None:
    custom = served.resource.custom
    if custom is None:
        return type_of(served.api_version, served.kind)
    found = declared(custom.schema, root=True)
    if found is None:
        return None
    return object_type(found.type.name, _WithMetadata(found.type))


class _WithMetadata:
    """The fields of a custom resource."""

    __slots__ = ("_type",)

    def __init__(self, type_: Type) -> None:
        self._type = type_

    def get(self, name: str, /) -> Type | None:
        if name == "metadata":
            return _METADATA
        return self._type.fields.get(name) if self._type.fields is not None else DYN
