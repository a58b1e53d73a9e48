"""What one kind of write can own: the shape of the resource, the fields it can change, its other versions.

Source: `GetResetFields` of pkg/registry/<group>/<kind>/strategy.go, managedfields/internal/versionconverter.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.api.schema.shapes import shape_of
from wherry.api.types import Object
from wherry.apiserver.kinds import strategy_of
from wherry.apiserver.registry import Registry, Served
from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.managers import Convert, Keep, Versioned
from wherry.machinery.fieldsets.sets import LEAF, Tree
from wherry.machinery.fieldsets.shape import Map

if TYPE_CHECKING:
    from collections.abc import Iterator

_METADATA_OF_STATUS = ("labels", "annotations", "finalizers", "ownerReferences")
_RESIZED = ("initContainers", "containers")
_ONLY: dict[tuple[str, str], Sequence[Sequence[str]]] = {
    ("pods", "ephemeralcontainers"): (("f:spec", "f:ephemeralContainers"),),
    ("pods", "resize"): (
        *(("f:spec", f"f:{name}", "*", field) for name in _RESIZED for field in ("f:resources", "f:resizePolicy")),
        ("f:spec", "f:resources"),
    ),
    ("namespaces", "finalize"): (("f:spec", "f:finalizers"),),
    ("certificatesigningrequests.certificates.k8s.io", "approval"): (("f:status", "f:conditions"),),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """`filled` gives what the maker of a new object owns."""

    shape: Map
    api_version: str
    keep: Keep

    def filled(self, obj: Object) -> Tree:
        return self.keep(self.shape.filled(obj) or LEAF)


def shape_for(served: Served) -> Map | None:
    """None for kinds that nobody described."""
    custom = served.resource.custom
    return shape_of(served.api_version, served.kind) if custom is None else custom.shape


def scope_of(served: Served, subresource: str) -> Scope | None:
    """Worked out once per served resource and subresource; None where fields are not tracked."""
    scopes = served.scopes
    if subresource not in scopes:
        shape = shape_for(served)
        scopes[subresource] = Scope(shape, served.api_version, _keep(served, subresource)) if shape else None
    found: Scope | None = scopes[subresource]
    return found


def _keep(served: Served, subresource: str) -> Keep:
    if (patterns := _ONLY.get((served.qualified, subresource))) is not None:
        return lambda tree: sets.only_below(tree, patterns)
    if subresource == "status" and served.resource.custom is not None:
        return lambda tree: sets.only_below(tree, (("f:status",),))
    reset = _reset(served, subresource)
    return _all_but(reset) if reset else lambda tree: tree


def _all_but(reset: Tree) -> Callable[[Tree], Tree]:
    return lambda tree: sets.recursive_difference(tree, reset)


def _reset(served: Served, subresource: str) -> Tree:
    """What the strategy takes from the stored object, whatever is sent."""
    strategy = strategy_of(served)
    if subresource != "status":
        return {"f:status": LEAF} if strategy.has_status else {}
    metadata = strategy.status_keeps
    if metadata == _METADATA_OF_STATUS:
        return {"f:metadata": LEAF, "f:spec": LEAF}
    below = {"f:metadata": {f"f:{field}": LEAF for field in sorted(metadata)}} if metadata else {}
    return {**below, "f:spec": LEAF}


def converter(registry: Registry, served: Served) -> Convert:
    """Between the versions at which the objects of a resource are served."""

    def convert(obj: Object, api_version: str) -> Versioned | None:
        target = _at(registry, served, api_version)
        shape = shape_for(target) if target is not None else None
        if target is None or shape is None:
            return None
        if obj["apiVersion"] == api_version:
            return Versioned(shape, obj)
        source = _at(registry, served, obj["apiVersion"])
        if source is None:
            return None
        stored = source.conversion.to_stored(obj) if source.conversion else obj
        found = target.conversion.from_stored(stored) if target.conversion else stored
        # Behind a conversion webhook objects keep their version here: the fields are compared as they are.
        return Versioned(shape, found if found["apiVersion"] == api_version else {**found, "apiVersion": api_version})

    return convert


def _at(registry: Registry, served: Served, api_version: str) -> Served | None:
    if served.api_version == api_version:
        return served
    return next((each for each in _versions(registry, served) if each.api_version == api_version), None)


def _versions(registry: Registry, served: Served) -> Iterator[Served]:
    return (each for each in registry if each.prefix == served.prefix)
