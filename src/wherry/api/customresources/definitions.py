"""From a definition to the resources that it asks to be served."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.customresources.definition_state import condition_is_true, established
from wherry.api.customresources.naming import TERMINATING
from wherry.api.resources import STANDARD_VERBS, Resource
from wherry.api.types import Object
from wherry.machinery.version_order import version_key

_WHILE_TERMINATING = ("delete", "deletecollection", "get", "list", "watch")


def storage_version(definition: Object) -> str:
    """The version under which instances are written."""
    return next(str(each["name"]) for each in definition["spec"]["versions"] if each.get("storage"))


def resources_of(definition: Object) -> Iterator[Resource]:
    """The resource of each served version, the preferred first; none before the definition is established."""
    if not established(definition):
        return
    # Only clusters with custom resources load what these need.
    from wherry.api.customresources.kind import CustomKind

    spec: Object = definition["spec"]
    wanted: Object = spec["names"]
    # Plural and kind never change once established; the others are those that were granted.
    names: Object = (definition.get("status") or {}).get("acceptedNames") or {}
    terminating = condition_is_true(definition, TERMINATING)
    stored = storage_version(definition)
    for version in sorted(spec["versions"], key=lambda each: version_key(each["name"])):
        if not version.get("served"):
            continue
        custom = CustomKind(spec, version, terminating=terminating)
        yield Resource(
            spec["group"],
            version["name"],
            wanted["plural"],
            wanted["kind"],
            namespaced=spec["scope"] == "Namespaced",
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            subresources=custom.subresources,
            verbs=_WHILE_TERMINATING if terminating else STANDARD_VERBS,
            storage_version=stored,
            singular=names.get("singular") or "",
            custom=custom,
        )


def may_differ_from_stored(definition: Object) -> bool:
    """Whether stored instances may be of another version, or older than the schema."""
    spec = definition["spec"]
    stored = (definition.get("status") or {}).get("storedVersions") or []
    return len(spec["versions"]) > 1 or len(stored) != 1 or definition["metadata"].get("generation", 1) > 1
