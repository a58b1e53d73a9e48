"""Discovery documents from the registry: pure data to data.

Source: meta/v1 `APIGroupList`, `APIResourceList`; KEP-3352 (aggregated discovery), apidiscovery.k8s.io/v2.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.apiserver.aggregation.described import CURRENT
from wherry.apiserver.discovery.subresources import subresource
from wherry.apiserver.registry import Registry


def api_versions(address: str) -> Object:
    """`/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def api_group(name: str, versions: list[str]) -> Object:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def api_group_list(registry: Registry) -> Object:
    """`/apis`."""
    groups = [api_group(name, versions) for name, versions in registry.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def single_group(registry: Registry, name: str) -> Object | None:
    """`/apis/{group}`; None where it is not served."""
    versions = registry.groups().get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **api_group(name, versions)} if name and versions else None


def _storage_hash(resource: Resource) -> str:
    text = f"{resource.group}/{resource.stored_at}/{resource.kind}"
    return b64encode(sha256(text.encode()).digest()[:8]).decode()


def api_resource_list(registry: Registry, group: str, version: str) -> Object | None:
    """`/api/v1`, `/apis/{group}/{version}`; None where it is not served."""
    resources = registry.resources(group, version)
    if not resources:
        return None
    entries: list[Object] = []
    for resource in sorted(resources, key=lambda each: each.plural):
        entries.append(_entry(resource))
        entries += [_sub_entry(resource, name) for name in sorted(resource.subresources)]
    listed: Object = {"kind": "APIResourceList"}
    if group:
        listed["apiVersion"] = "v1"
    group_version = f"{group}/{version}" if group else version
    return {**listed, "groupVersion": group_version, "resources": entries}


def _entry(resource: Resource) -> Object:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular_name,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": sorted(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if "watch" in resource.verbs:
        entry["storageVersionHash"] = _storage_hash(resource)
    return entry


def _sub_entry(resource: Resource, name: str) -> Object:
    sub = subresource(resource, name)
    entry: Object = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
    if sub.version:
        entry |= {"group": sub.group, "version": sub.version}
    return {**entry, "kind": sub.kind or resource.kind, "verbs": list(sub.verbs)}


def aggregated(registry: Registry, *, core: bool) -> Object:
    """The whole of `/api` or `/apis` in one document."""
    items = [
        _group_item(registry, name, versions) for name, versions in registry.groups().items() if (not name) is core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _group_item(registry: Registry, group: str, versions: list[str]) -> Object:
    metadata: Object = {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None}
    return {"metadata": metadata, "versions": [_version_item(registry, group, version) for version in versions]}


def _version_item(registry: Registry, group: str, version: str) -> Object:
    if aggregated := registry.aggregated.get((group, version)):
        return aggregated.described.item(version)
    resources = sorted(registry.resources(group, version), key=lambda each: each.plural)
    return {"version": version, "resources": [_item(each) for each in resources], "freshness": CURRENT}


def _item(resource: Resource) -> Object:
    item: Object = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular_name,
        "verbs": sorted(resource.verbs),
    }
    if resource.short_names:
        item["shortNames"] = list(resource.short_names)
    if resource.categories:
        item["categories"] = list(resource.categories)
    if resource.subresources:
        item["subresources"] = [_sub_item(resource, name) for name in sorted(resource.subresources)]
    return item


def _sub_item(resource: Resource, name: str) -> Object:
    sub = subresource(resource, name)
    group, version = (sub.group, sub.version) if sub.version else (resource.group, resource.version)
    kind = {"group": group, "version": version, "kind": sub.kind or resource.kind}
    return {"subresource": name, "responseKind": kind, "verbs": list(sub.verbs)}
