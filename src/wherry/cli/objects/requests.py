"""Reading from the API server in a form of one's choice: tables, or whole objects page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from wherry.api.errors import from_status
from wherry.api.types import Object
from wherry.cli.objects.wanted import Wanted
from wherry.cli.target import warn
from wherry.client.answers import content, error_of, warnings_of
from wherry.client.client import Client

JSON = "application/json"
TABLE = f"{JSON};as=Table;v=v1;g=meta.k8s.io,{JSON}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read: which form, which objects of a collection, how many at a time."""

    accept: str = JSON
    label_selector: str = ""
    field_selector: str = ""
    limit: int = 500
    include_objects: bool = False
    """In a table: whole objects beside the rows, not only their metadata."""

    def query(self, wanted: Wanted) -> dict[str, Any]:
        whole = {"includeObject": "Object"} if self.include_objects and self.accept == TABLE else {}
        if wanted.name:
            return whole
        return {
            "labelSelector": self.label_selector,
            "fieldSelector": self.field_selector,
            "limit": self.limit,
            **whole,
        }


def target(wanted: Wanted, query: Mapping[str, Any] | None = None, subresource: str = "") -> str:
    """The request target."""
    path = quote(wanted.resource.path(wanted.namespace, wanted.name, subresource), safe="/:@!$&'()*+,;=~")
    given = {key: value for key, value in (query or {}).items() if value not in ("", 0, None)}
    return f"{path}?{urlencode(given)}" if given else path


async def read(client: Client, where: str, accept: str = JSON) -> Object:
    """One answer. Raises `StatusError`."""
    response = await client.raw("GET", where, headers={"accept": accept})
    for text in warnings_of(response):
        warn(text)
    if response.status >= 400:
        raise error_of(response.status, content(response))
    return orjson.loads(content(response))


async def pages(client: Client, wanted: Wanted, reading: Reading) -> AsyncIterator[Object]:
    """The object, or the collection page by page. Raises `StatusError`."""
    query = reading.query(wanted)
    while True:
        page = await read(client, target(wanted, query), reading.accept)
        yield page
        query["continue"] = page.get("metadata", {}).get("continue") if not wanted.name else None
        if not query["continue"]:
            return


async def objects(client: Client, wanted: Wanted, reading: Reading | None = None) -> list[Object]:
    """The object, or every object of the collection, each with its `apiVersion` and `kind`."""
    found: list[Object] = []
    async for page in pages(client, wanted, reading or Reading()):
        found += [page] if wanted.name else complete(page, wanted)
    return found


def complete(page: Object, wanted: Wanted) -> list[Object]:
    """The items of a list, with the `apiVersion` and `kind` that servers leave out of them."""
    resource = wanted.resource
    return [{"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in page.get("items") or ()]


async def watch(
    client: Client, wanted: Wanted, reading: Reading, resource_version: str
) -> AsyncGenerator[tuple[str, Object], None]:
    """Changes as (type, object or table), until the server ends the stream. Raises `StatusError`."""
    query: dict[str, Any] = {
        "watch": "true",
        "resourceVersion": resource_version,
        "labelSelector": reading.label_selector,
        "fieldSelector": f"metadata.name={wanted.name}" if wanted.name else reading.field_selector,
    }
    if reading.include_objects and reading.accept == TABLE:
        query["includeObject"] = "Object"
    where = target(Wanted(wanted.resource, wanted.namespace), query)
    answer = await client.transport.open_stream(
        "GET", where, headers={"accept": reading.accept, "user-agent": "wherry"}
    )
    rest = b""
    try:
        if answer.status >= 400:
            raise error_of(answer.status, b"".join([piece async for piece in answer]))
        async for piece in answer:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise from_status(event["object"], event["object"].get("code", 500))
                    yield event["type"], event["object"]
    finally:
        await answer.aclose()


async def watch_again(
    client: Client, wanted: Wanted, reading: Reading, resource_version: str
) -> AsyncGenerator[tuple[str, Object], None]:
    """As `watch`, going on where the server ends the stream."""
    version = resource_version
    while True:
        async with aclosing(watch(client, wanted, reading, version)) as events:
            async for kind, found in events:
                version = version_of(found) or version
                yield kind, found
        await client.clock.sleep(0.5)


def version_of(found: Object) -> str:
    """The resource version of an object or of a table's only row."""
    if found.get("kind") == "Table" and found.get("rows"):
        found = found["rows"][0].get("object") or {}
    return str(found.get("metadata", {}).get("resourceVersion") or "")
