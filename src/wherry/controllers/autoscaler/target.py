"""What an autoscaler scales: anything with a scale subresource, custom resources too."""

from __future__ import annotations

from wherry.api.errors import NotFound, StatusError
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.client.client import Client
from wherry.client.discovery import Discovery


class NoTarget(Exception):
    """There is no such scale. `why` is for the condition and the event, the text for the log."""

    def __init__(self, why: str, whole: str) -> None:
        super().__init__(whole)
        self.why = why


class Targets:
    """Finds and changes scales."""

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self._client = client
        self._discovery = discovery

    async def scale(self, namespace: str, reference: Object) -> tuple[Resource, Object]:
        """The target's resource and its Scale. Raises `NoTarget`."""
        try:
            resource = await self._resource(reference)
        except NotFound as error:
            raise NoTarget(
                error.message, f"unable to determine resource for scale target reference: {error}"
            ) from error
        try:
            found = await self._client.get(resource, reference["name"], namespace=namespace, subresource="scale")
        except StatusError as error:
            where = f"{reference['kind']}/{namespace}/{reference['name']}"
            raise NoTarget(error.message, f"failed to query scale subresource for {where}: {error.message}") from error
        return resource, found

    async def _resource(self, reference: Object) -> Resource:
        """At the version that is named, else at any of the group. Raises `NotFound`."""
        api_version, kind = reference.get("apiVersion") or "v1", reference["kind"]
        try:
            return await self._discovery.for_kind(api_version, kind)
        except NotFound:
            group = api_version.rpartition("/")[0]
            for resource in await self._discovery.resources():
                if (resource.group, resource.kind) == (group, kind):
                    return resource
            raise NotFound(f'no matches for kind "{kind}" in group "{group}"') from None

    async def resize(self, resource: Resource, scale: Object, replicas: int) -> None:
        """Raises `StatusError`."""
        wanted = {**scale, "spec": {**(scale.get("spec") or {}), "replicas": replicas}}
        await self._client.update(resource, wanted, subresource="scale")
