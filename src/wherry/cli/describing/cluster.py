"""What descriptions ask the cluster for beside the object itself."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.client.client import Client

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Cluster:
    """`now` is the moment for all ages of one description."""

    client: Client
    now: float
    show_events: bool = True

    async def all(
        self, resource: str, *, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> list[Object]:
        """Every object. Raises `StatusError`."""
        found: list[Object] = []
        continued = ""
        while True:
            page = await self.client.list(
                resource,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                limit=_PAGE,
                continue_=continued,
            )
            found += page.get("items") or ()
            continued = page.get("metadata", {}).get("continue") or ""
            if not continued:
                return found

    async def some(self, resource: str, **selectors: str) -> list[Object]:
        """As `all`, but nothing where the server refuses: a description does without."""
        namespace = selectors.pop("namespace", None)
        try:
            return await self.all(resource, namespace=namespace, **selectors)
        except StatusError:
            return []

    async def events_of(self, obj: Object) -> list[Object] | None:
        """The events about an object; none where they cannot be read. None where they are not wanted."""
        if not self.show_events:
            return None
        metadata = obj["metadata"]
        about = {
            "involvedObject.name": metadata["name"],
            "involvedObject.namespace": metadata.get("namespace"),
            "involvedObject.kind": obj["kind"],
            "involvedObject.uid": metadata.get("uid"),
        }
        text = ",".join(f"{key}={value}" for key, value in about.items() if value)
        namespace = metadata.get("namespace")
        return await self.some("events", field_selector=text, **({"namespace": namespace} if namespace else {}))
