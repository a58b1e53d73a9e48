"""What a test does with objects: names as kubectl takes them, manifests as files or text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from wherry.api.errors import AlreadyExists, NotFound
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.client.answers import content, error_of
from wherry.testing.cluster.plane import Plane

Manifests = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""YAML text, a file of it, a folder of such files, or objects."""
Found = list[Object]


def documents(source: Manifests) -> Iterator[Object]:
    """The objects, those of lists one by one. A one-line text that names a file is that file."""
    if isinstance(source, str) and "\n" not in source and (source.endswith((".yaml", ".yml", ".json"))):
        source = Path(source)
    if isinstance(source, Path):
        files = sorted([*source.glob("*.yaml"), *source.glob("*.yml")]) if source.is_dir() else [source]
        for file in files:
            yield from documents(file.read_text() + "\n")
        return
    if isinstance(source, str):
        source = [found for found in yaml.safe_load_all(source) if found]
    for obj in [source] if isinstance(source, Mapping) else source:
        if str(obj.get("kind", "")).endswith("List") and "items" in obj:
            yield from documents(obj["items"])
        else:
            yield dict(obj)


class Objects:
    """Reads and writes as the administrator, past all faults."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._client = plane.client

    def resource(self, name: str) -> Resource:
        """`pods`, `pod`, `po`, `Pod`, `deployments.apps`, `deployments.v1.apps`. Raises `ValueError`."""
        plural, _, rest = name.lower().partition(".")
        for each in self._plane.api.parts.registry.all():
            known = (each.plural, each.singular_name, each.kind.lower(), *each.short_names)
            if plural in known and rest in ("", each.group, f"{each.version}.{each.group}"):
                return each
        raise ValueError(f"the cluster serves no resource {name!r}")

    def target(self, what: str, name: str, namespace: str | None) -> tuple[Resource, str, str | None]:
        """`pod/web` or `pod` and `web`; the namespace is `default` where one is needed and none is given."""
        kind, _, after = what.partition("/")
        resource = self.resource(kind)
        if not (after or name):
            raise ValueError(f"{what!r}: which one? Say {what}/NAME")
        return resource, after or name, (namespace or "default") if resource.namespaced else None

    async def get(self, what: str, name: str, namespace: str | None) -> Object:
        resource, name, namespace = self.target(what, name, namespace)
        return await self._client.get(resource, name, namespace=namespace)

    async def list(self, what: str, namespace: str | None, label_selector: str, field_selector: str) -> Found:
        resource = self.resource(what)
        found = await self._client.list(
            resource, namespace=namespace or None, label_selector=label_selector, field_selector=field_selector
        )
        items: Found = found["items"]
        for item in items:
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        return items

    async def apply(self, source: Manifests, namespace: str | None) -> Found:
        """Create what is missing; of what is there, change what the manifest says and leave the rest."""
        done = []
        for obj in documents(source):
            resource = await self._served(obj)
            if resource.namespaced:
                metadata = {"namespace": namespace or "default", **obj["metadata"]}
                obj = {**obj, "metadata": metadata}
            done.append(await self._put(resource, obj))
        return done

    async def _served(self, obj: Object) -> Resource:
        """By apiVersion and kind; a definition that was applied just before may need a moment."""
        group, _, version = str(obj["apiVersion"]).rpartition("/")
        for _ in range(2000):
            for each in self._plane.api.parts.registry.all():
                if (each.group, each.version, each.kind) == (group, version, obj["kind"]):
                    return each
            if not await self._pending(group):
                break
            await self._plane.let_pass(1.0)
        raise ValueError(f"the cluster serves no {obj['kind']} of {obj['apiVersion']}")

    async def _pending(self, group: str) -> bool:
        found = await self._client.list("customresourcedefinitions.apiextensions.k8s.io")
        return any(each["spec"]["group"] == group for each in found["items"])

    async def _put(self, resource: Resource, obj: Object) -> Object:
        metadata = obj["metadata"]
        try:
            return await self._client.create(resource, obj)
        except AlreadyExists:
            kind = "merge" if resource.custom else "strategic"
            return await self._client.patch(
                resource, metadata["name"], obj, namespace=metadata.get("namespace"), type=kind
            )

    async def patch(self, what: str, name: str, patch: Any, namespace: str | None, type: str, sub: str) -> Object:
        resource, name, namespace = self.target(what, name, namespace)
        return await self._client.patch(resource, name, patch, namespace=namespace, type=type, subresource=sub)

    async def delete(self, what: str, name: str, namespace: str | None, grace: int | None) -> None:
        """What is not there is gone already."""
        resource, name, namespace = self.target(what, name, namespace)
        try:
            await self._client.delete(
                resource, name, namespace=namespace, grace_period_seconds=grace, propagation_policy="Background"
            )
        except NotFound:
            return

    async def logs(self, pod: str, container: str, namespace: str | None) -> str:
        path = f"/api/v1/namespaces/{namespace or 'default'}/pods/{pod.removeprefix('pod/')}/log"
        answer = await self._client.raw("GET", path + (f"?container={container}" if container else ""))
        if answer.status != 200:
            raise error_of(answer.status, content(answer))
        return content(answer).decode()
