"""What an extension API server says of its resources, brought into the form of aggregated discovery. Pure.

Source: apidiscovery.k8s.io/v2; k8s.io/apiserver/pkg/endpoints/discovery/aggregated (for servers that only know the old form).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wherry.api.types import Object

ACCEPT = ",".join(
    [
        *(f"application/json;g=apidiscovery.k8s.io;v={each};as=APIGroupDiscoveryList" for each in ("v2", "v2beta1")),
        "application/json",
    ]
)
CURRENT, STALE = "Current", "Stale"


@dataclass(slots=True)
class Described:
    """One group and version. `fresh` is False while its server does not answer; then this is what it said last."""

    resources: list[Object] = field(default_factory=list)
    fresh: bool = False
    openapi_v3: str = ""
    """Where its document is, with a hash; empty where the server has none."""
    openapi_v2: Object = field(default_factory=dict)

    def item(self, version: str) -> Object:
        """Its part of an APIGroupDiscovery."""
        return {"version": version, "resources": self.resources, "freshness": CURRENT if self.fresh else STALE}


def resources_of_group_list(document: Any, group: str, version: str) -> list[Object] | None:
    """The resources of one version in an APIGroupDiscoveryList; None where it is not told there."""
    for item in _objects(document, "items"):
        if (item.get("metadata") or {}).get("name") != group:
            continue
        for each in _objects(item, "versions"):
            if each.get("version") == version:
                return _objects(each, "resources")
    return None


def resources_of_list(document: Any, group: str, version: str) -> list[Object]:
    """The same from an APIResourceList: subresources stand below their resource there."""
    found: dict[str, Object] = {}
    for entry in _objects(document, "resources"):
        name, _, sub = str(entry.get("name", "")).partition("/")
        kind = {
            "group": entry.get("group") or group,
            "version": entry.get("version") or version,
            "kind": entry.get("kind", ""),
        }
        verbs = entry.get("verbs") or []
        if not sub:
            found[name] = _resource(name, entry, kind, verbs)
        elif name in found:
            told = {"subresource": sub, "responseKind": kind, "verbs": verbs}
            found[name].setdefault("subresources", []).append(told)
    return list(found.values())


def _resource(name: str, entry: Object, kind: Object, verbs: list[str]) -> Object:
    resource: Object = {
        "resource": name,
        "responseKind": kind,
        "scope": "Namespaced" if entry.get("namespaced") else "Cluster",
        "singularResource": entry.get("singularName") or str(entry.get("kind", "")).lower(),
        "verbs": verbs,
    }
    for key in ("shortNames", "categories"):
        if entry.get(key):
            resource[key] = entry[key]
    return resource


def _objects(document: Any, key: str) -> list[Object]:
    values = document.get(key) if isinstance(document, dict) else None
    return [each for each in values or () if isinstance(each, dict)] if isinstance(values, list) else []


def openapi_v3_url(index: Any, group: str, version: str) -> str:
    """Where `/openapi/v3` says that the document of one version is."""
    paths = index.get("paths") if isinstance(index, dict) else None
    entry = paths.get(f"apis/{group}/{version}") if isinstance(paths, dict) else None
    url = entry.get("serverRelativeURL") if isinstance(entry, dict) else None
    return url if isinstance(url, str) else ""


def part_of_openapi_v2(document: Any, group: str, version: str) -> Object:
    """The paths of one version and all definitions."""
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        return {}
    base = f"/apis/{group}/{version}/"
    paths = {path: item for path, item in document["paths"].items() if path.startswith(base)}
    definitions = document.get("definitions")
    return {"paths": paths, "definitions": definitions if isinstance(definitions, dict) else {}} if paths else {}
