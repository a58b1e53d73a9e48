"""What is served where: a registry object, so that custom resources can come and go while the server runs.

`Served` is one resource at one version with all that the verbs need to know of it; objects of one kind at several
versions share their storage, in which case `conversion` translates between the served and the stored form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from wherry.api.resources import BUILTIN, Resource
from wherry.apiserver.aggregation.priorities import Priority, ordered
from wherry.apiserver.conversion import CONVERSIONS, Conversion
from wherry.apiserver.deprecations import WARNINGS
from wherry.machinery.version_order import version_key

if TYPE_CHECKING:
    from wherry.apiserver.aggregation.follower import Aggregated


def storage_prefix(group: str, plural: str) -> str:
    """`/registry/apps/deployments/`; the core group is spelled out."""
    return f"/registry/{group or 'core'}/{plural}/"


class Served:
    """One resource at one version, as the verbs see it."""

    __slots__ = (
        "api_version", "conversion", "group", "has_status", "item_head", "kind", "namespaced", "plural", "prefix",
        "qualified", "resource", "scopes", "stored", "subresources", "verbs", "version", "warning",
    )  # fmt: skip

    def __init__(self, resource: Resource, stored: Resource, conversion: Conversion | None) -> None:
        self.resource = resource
        self.stored = stored
        """The resource under which objects are kept: the same one, or another version or group."""
        self.conversion = conversion
        self.group = resource.group
        self.version = resource.version
        self.plural = resource.plural
        self.kind = resource.kind
        self.api_version = resource.api_version
        self.namespaced = resource.namespaced
        self.qualified = resource.qualified
        self.prefix = storage_prefix(stored.group, stored.plural)
        self.verbs = frozenset(resource.verbs)
        self.subresources = frozenset(resource.subresources)
        self.has_status = "status" in self.subresources
        self.item_head = (
            b"{"
            if resource.custom
            else b'{"kind":"%b","apiVersion":"%b",'
            % (
                resource.kind.encode(),
                resource.api_version.encode(),
            )
        )
        """What an object's bytes start with that is left out in a list: Go's typed lists name the kind once."""
        self.scopes: dict[str, Any] = {}
        """What writes can own, by subresource, once it was worked out (`ownership.scope`)."""
        self.warning = WARNINGS.get(resource.qualified, "")
        if resource.custom is not None:
            self.warning = resource.custom.warning
            # Not told by discovery while instances are being deleted, but needed to take their finalizers away.
            self.verbs |= {"update", "patch"}

    def key(self, namespace: str, name: str) -> str:
        """Where the object is kept."""
        return f"{self.prefix}{namespace}/{name}" if self.namespaced else self.prefix + name

    def list_prefix(self, namespace: str) -> str:
        """What the keys of a namespace's objects start with; an empty namespace means all."""
        return f"{self.prefix}{namespace}/" if self.namespaced and namespace else self.prefix


def _discovery_order(resource: Resource) -> tuple[object, ...]:
    if resource.custom is None:
        return (0,)
    return (1, resource.group, version_key(resource.version), resource.plural)


class Registry:
    """The resources that are served now. `generation` counts changes, so that caches know when to forget."""

    def __init__(self, resources: Iterable[Resource] = BUILTIN) -> None:
        self.generation = 0
        self._served: dict[tuple[str, str, str], Served] = {}
        self._resources: list[Resource] = []
        self.aggregated: dict[tuple[str, str], Aggregated] = {}
        """What somebody else serves, by group and version; it goes before what is served here."""
        self.priorities: dict[tuple[str, str], Priority] = {}
        """As the APIServices have them."""
        self._groups: tuple[int, dict[str, list[str]]] = (-1, {})
        for resource in resources:
            self.add(resource)

    def add(self, resource: Resource, *, conversion: Conversion | None = None) -> Served:
        """Serve a resource from now on, in place of one with the same names."""
        key = (resource.group, resource.version, resource.plural)
        conversion = conversion or CONVERSIONS.get((resource.api_version, resource.kind))
        stored = conversion.stored if conversion else resource
        served = Served(resource, stored, conversion)
        if key in self._served:
            self._resources = [r for r in self._resources if (r.group, r.version, r.plural) != key]
        self._served[key] = served
        self._resources.append(resource)
        if resource.custom is not None:
            # Stable: built-in resources keep their order before all custom ones.
            self._resources.sort(key=_discovery_order)
        self.generation += 1
        return served

    def remove(self, group: str, version: str, plural: str) -> None:
        """Serve it no longer. Raises `KeyError`."""
        del self._served[group, version, plural]
        self._resources = [r for r in self._resources if (r.group, r.version, r.plural) != (group, version, plural)]
        self.generation += 1

    def touch(self) -> None:
        """Something that is told of the resources has changed."""
        self.generation += 1

    def find(self, group: str, version: str, plural: str) -> Served | None:
        return self._served.get((group, version, plural))

    def stored_as(self, served: Served) -> Served:
        """The entry under which the objects are kept."""
        stored = served.stored
        return self._served[stored.group, stored.version, stored.plural]

    def of(self, qualified: str) -> Served:
        """By `pods` or `deployments.apps`, the first version. Raises `KeyError`."""
        plural, _, group = qualified.partition(".")
        for served in self._served.values():
            if served.plural == plural and served.group == group:
                return served
        raise KeyError(qualified)

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served.values())

    def has_version(self, group: str, version: str) -> bool:
        return version in self.groups().get(group, ())

    def groups(self) -> dict[str, list[str]]:
        """Each group with its versions, both in the order of discovery; the core group is `""`. Not to be changed."""
        generation, found = self._groups
        if generation != self.generation:
            names = dict.fromkeys((r.group, r.version) for r in self._resources) | dict.fromkeys(self.aggregated)
            found = ordered(names, self.priorities)
            self._groups = (self.generation, found)
        return found

    def all(self) -> list[Resource]:
        """Every resource, in the order of discovery."""
        return list(self._resources)

    def resources(self, group: str, version: str) -> list[Resource]:
        return [r for r in self._resources if r.group == group and r.version == version]
