"""What a server serves: resources by any name that people use, custom ones too.

`resolve` answers from the built-in table where it can; only unknown names cost a request. Discovery is read in its
aggregated form (one request for everything, KEP-3352), or group by group where the server does not know that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson

from wherry.api.errors import NotFound
from wherry.api.resources import BUILTIN, Resource
from wherry.api.types import Object
from wherry.client.answers import content, error_of
from wherry.client.client import Client

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


class Discovery:
    """The resources of one server, read once and again on `refresh`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._resources: tuple[Resource, ...] | None = None
        self.stale: tuple[str, ...] = ()
        """Groups and versions whose own server did not answer when discovery was read last; told as they were before."""

    async def resources(self, *, refresh: bool = False) -> tuple[Resource, ...]:
        """Every resource at every version, preferred versions first within a group."""
        if self._resources is None or refresh:
            core, named = await asyncio.gather(self._read("/api"), self._read("/apis"))
            self._resources = (*core, *named)
        return self._resources

    async def preferred(self, *, refresh: bool = False) -> tuple[Resource, ...]:
        """Each resource once, at its group's preferred version."""
        first: dict[tuple[str, str], Resource] = {}
        for resource in await self.resources(refresh=refresh):
            first.setdefault((resource.group, resource.plural), resource)
        return tuple(first.values())

    async def resolve(self, name: str) -> Resource:
        """The resource that `po`, `pod`, `Pods`, `deploy.apps` or `deployments.v1.apps` means. Raises `NotFound`."""
        found = match(name, BUILTIN) or match(name, await self.resources())
        # What has come since the server was asked last.
        found = found or match(name, await self.resources(refresh=True))
        if found is None:
            raise NotFound(f'the server doesn\'t have a resource type "{name}"')
        return found

    async def for_kind(self, api_version: str, kind: str) -> Resource:
        """The resource of an object's `apiVersion` and `kind`. Raises `NotFound`."""
        found = _of_kind(api_version, kind, BUILTIN) or _of_kind(api_version, kind, await self.resources())
        found = found or _of_kind(api_version, kind, await self.resources(refresh=True))
        if found is not None:
            return found
        raise NotFound(f'no matches for kind "{kind}" in version "{api_version}"')

    async def _read(self, root: str) -> list[Resource]:
        document = await self._get(root, {"accept": AGGREGATED})
        if document.get("kind") == "APIGroupDiscoveryList":
            if root == "/apis":
                self.stale = stale_versions(document)
            return [resource for group in document.get("items", ()) for resource in from_aggregated(group)]
        if root == "/api":
            paths = [f"/api/{version}" for version in document.get("versions", ())]
        else:
            paths = [f"/apis/{version['groupVersion']}" for group in document["groups"] for version in _ordered(group)]
        lists = await asyncio.gather(*(self._get(path) for path in paths), return_exceptions=True)
        return [resource for found in lists if isinstance(found, dict) for resource in from_list(found)]

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> Object:
        response = await self._client.raw("GET", path, headers=headers)
        body = content(response)
        if response.status >= 400:
            raise error_of(response.status, body)
        return orjson.loads(body)


def match(name: str, resources: Iterable[Resource]) -> Resource | None:
    """The first resource a name stands for: plural, singular, kind or short name, with `.group` or `.version.group`."""
    wanted, _, rest = name.lower().partition(".")
    for resource in resources:
        if rest and not _in_group(resource, rest):
            continue
        if wanted in (resource.plural, resource.singular_name, resource.kind.lower(), *resource.short_names):
            return resource
    return None


def _of_kind(api_version: str, kind: str, resources: Iterable[Resource]) -> Resource | None:
    return next((found for found in resources if found.kind == kind and found.api_version == api_version), None)


def _in_group(resource: Resource, rest: str) -> bool:
    """`apps`, `v1.apps` or an unfinished group as kubectl takes it (`networking` for `networking.k8s.io`)."""
    version, _, group = rest.partition(".")
    return (
        resource.group == rest
        or (version == resource.version and resource.group == group)
        or (resource.group != "" and resource.group.startswith(f"{rest}."))
    )


def _ordered(group: Object) -> list[Object]:
    preferred = group.get("preferredVersion", {}).get("version")
    return sorted(group["versions"], key=lambda version: version["version"] != preferred)


def stale_versions(document: Object) -> tuple[str, ...]:
    """Of an `APIGroupDiscoveryList`: what its servers could not be asked for."""
    return tuple(
        f"{group.get('metadata', {}).get('name', '')}/{version['version']}"
        for group in document.get("items", ())
        for version in group.get("versions", ())
        if version.get("freshness") == "Stale"
    )


def from_aggregated(group: Object) -> list[Resource]:
    """The resources of one `APIGroupDiscovery`."""
    name = group.get("metadata", {}).get("name", "")
    return [
        Resource(
            name,
            version["version"],
            entry["resource"],
            entry.get("responseKind", {}).get("kind", ""),
            namespaced=entry.get("scope") == "Namespaced",
            short_names=tuple(entry.get("shortNames") or ()),
            categories=tuple(entry.get("categories") or ()),
            subresources=tuple(sub["subresource"] for sub in entry.get("subresources") or ()),
            verbs=tuple(entry.get("verbs") or ()),
            singular=entry.get("singularResource", ""),
        )
        for version in group.get("versions", ())
        for entry in version.get("resources", ())
    ]


def from_list(document: Object) -> list[Resource]:
    """The resources of one `APIResourceList`."""
    group, _, version = document["groupVersion"].rpartition("/")
    subresources: dict[str, list[str]] = {}
    for entry in document["resources"]:
        parent, slash, sub = entry["name"].partition("/")
        if slash:
            subresources.setdefault(parent, []).append(sub)
    return [
        Resource(
            group,
            version,
            entry["name"],
            entry["kind"],
            namespaced=entry["namespaced"],
            short_names=tuple(entry.get("shortNames") or ()),
            categories=tuple(entry.get("categories") or ()),
            subresources=tuple(subresources.get(entry["name"], ())),
            verbs=tuple(entry.get("verbs") or ()),
            singular=entry.get("singularName", ""),
        )
        for entry in document["resources"]
        if "/" not in entry["name"]
    ]
