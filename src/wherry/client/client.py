"""The asynchronous client for any Kubernetes API server: a method per verb, objects as dicts, errors as classes.

Errors are those of `wherry.api.errors`; a server out of reach raises `ConnectionError`. An answer that asks for it by
`Retry-After` (429 and 5xx) is retried up to ten times, as client-go does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import orjson

from wherry.api.errors import from_status
from wherry.api.resources import Resource, lookup
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.client.answers import content, error_of, warnings_of
from wherry.client.feed import Feed
from wherry.client.request_counts import RequestCounts
from wherry.client.transport import SharingTransport, StreamedAnswer, Transport, WebSocket
from wherry.wire.messages import Response

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
MAX_RETRIES = 10

ResourceLike = Resource | str


class WatchEvent(NamedTuple):
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK. The object is the receiver's own."""

    type: str
    object: Object


class Client:
    """One identity at one API server. `resource` is `pods`, `deployments.apps`, or a `Resource` (for custom ones)."""

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock,
        user_agent: str = "wherry",
        on_warning: Callable[[str], None] | None = None,
        counts: RequestCounts | None = None,
    ) -> None:
        """`on_warning` gets the text of each `Warning` that the server sends with an answer; `counts` counts requests."""
        self._transport = transport
        self._clock = clock
        self._on_warning = on_warning
        self._counts = counts
        self._sharing = transport if isinstance(transport, SharingTransport) else None
        self._headers = {"accept": "application/json", "user-agent": user_agent}

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def shares(self) -> bool:
        """Whether the server is in this process, so that `feed` works."""
        return self._sharing is not None

    @property
    def transport(self) -> Transport:
        return self._transport

    async def get(
        self, resource: ResourceLike, name: str, *, namespace: str | None = None, subresource: str = ""
    ) -> Object:
        return await self._call("GET", _path(resource, namespace, name, subresource))

    async def list(
        self,
        resource: ResourceLike,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_: str = "",
        resource_version: str = "",
    ) -> Object:
        """The whole List object, kind and version in each item; `metadata.continue` is set where `limit` cut it."""
        query = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "limit": limit,
            "continue": continue_,
            "resourceVersion": resource_version,
        }
        return with_kinds(await self._call("GET", _target(_path(resource, namespace), query)))

    async def create(
        self,
        resource: ResourceLike,
        obj: Object,
        *,
        namespace: str | None = None,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "",
        field_validation: str = "",
    ) -> Object:
        """Create an object, or post to a subresource of the object `name` (binding, eviction, token)."""
        found = _resolve(resource)
        namespace = namespace or obj.get("metadata", {}).get("namespace")
        query = {
            "dryRun": "All" if dry_run else "",
            "fieldManager": field_manager,
            "fieldValidation": field_validation,
        }
        target = _target(_path(found, namespace, name, subresource), query)
        body = obj if "kind" in obj or subresource else {"apiVersion": found.api_version, "kind": found.kind, **obj}
        return await self._call("POST", target, body=orjson.dumps(body))

    async def update(
        self, resource: ResourceLike, obj: Object, *, subresource: str = "", dry_run: bool = False
    ) -> Object:
        """Replace an object. Raises `Conflict` where its resourceVersion is not the newest."""
        found, metadata = _resolve(resource), obj["metadata"]
        path = _path(found, metadata.get("namespace"), metadata["name"], subresource)
        body = obj if "kind" in obj else {"apiVersion": found.api_version, "kind": found.kind, **obj}
        return await self._call("PUT", _target(path, {"dryRun": "All" if dry_run else ""}), body=orjson.dumps(body))

    async def patch(
        self,
        resource: ResourceLike,
        name: str,
        patch: Any,
        *,
        namespace: str | None = None,
        type: str = "merge",
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "",
        field_validation: str = "",
        force: bool = False,
    ) -> Object:
        """`type`: json (a list of operations), merge, strategic, or apply (server-side)."""
        query = {
            "dryRun": "All" if dry_run else "",
            "fieldManager": field_manager,
            "fieldValidation": field_validation,
            "force": "true" if force else "",
        }
        target = _target(_path(resource, namespace, name, subresource), query)
        return await self._call("PATCH", target, body=orjson.dumps(patch), content_type=PATCH_TYPES[type])

    async def delete(
        self,
        resource: ResourceLike,
        name: str,
        *,
        namespace: str | None = None,
        grace_period_seconds: int | None = None,
        propagation_policy: str = "",
        uid: str = "",
        resource_version: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Delete an object; `uid` and `resource_version` are preconditions (`Conflict` where they do not hold)."""
        options = _delete_options(grace_period_seconds, propagation_policy, uid, resource_version, dry_run)
        return await self._call("DELETE", _path(resource, namespace, name), body=options)

    async def delete_collection(
        self,
        resource: ResourceLike,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        grace_period_seconds: int | None = None,
        propagation_policy: str = "",
        resource_version: str = "",
    ) -> Object:
        options = _delete_options(grace_period_seconds, propagation_policy, "", "", False)
        query = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "resourceVersion": resource_version,
        }
        return await self._call("DELETE", _target(_path(resource, namespace), query), body=options)

    async def watch(
        self,
        resource: ResourceLike,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        timeout_seconds: int = 0,
        bookmarks: bool = True,
    ) -> AsyncGenerator[WatchEvent, None]:
        """The changes after `resource_version`, until the server ends the stream (then reconnect from the last one).

        An ERROR event raises its `StatusError`: `Expired` means list again.
        """
        query = {
            "watch": "true",
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "resourceVersion": resource_version,
            "timeoutSeconds": timeout_seconds,
            "allowWatchBookmarks": "true" if bookmarks else "",
        }
        answer = await self.stream("GET", _target(_path(resource, namespace), query))
        async with aclosing(_events(answer)) as events:
            async for event in events:
                yield event

    async def feed(
        self,
        resource: ResourceLike,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
    ) -> Feed:
        """The changes after `resource_version`, or the state and what comes, as the server's own objects.

        Only where `shares`; the objects must not be changed. Raises `Expired` where the revision is forgotten.
        """
        assert self._sharing is not None
        query = {
            "watch": "true",
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "resourceVersion": resource_version,
        }
        return await self._sharing.open_feed(_target(_path(resource, namespace), query), headers=self._headers)

    async def raw(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Response:
        """Any request, whatever its answer; `path` may carry a query. Errors are answers here, not exceptions."""
        return await self._transport.request(method, path, headers={**self._headers, **(headers or {})}, body=body)

    async def stream(self, method: str, path: str) -> StreamedAnswer:
        """An answer read piece by piece: `async for chunk in answer`; the caller closes it with `aclose()`."""
        answer = await self._transport.open_stream(method, path, headers=self._headers)
        if answer.status < 400:
            return answer
        try:
            body = b"".join([piece async for piece in answer])
        finally:
            await answer.aclose()
        raise error_of(answer.status, body)

    async def websocket(self, path: str, *, subprotocols: Sequence[str]) -> WebSocket:
        return await self._transport.open_websocket(path, headers=self._headers, subprotocols=subprotocols)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _call(
        self, method: str, target: str, *, body: bytes = b"", content_type: str = "application/json"
    ) -> Object:
        headers = {**self._headers, "content-type": content_type} if body else self._headers
        retries = 0
        while True:
            response = await self._request(method, target, headers, body)
            if self._on_warning is not None:
                for text in warnings_of(response):
                    self._on_warning(text)
            if response.status < 400:
                return orjson.loads(content(response))
            wait = _retry_after(response)
            if wait is None or retries == MAX_RETRIES:
                raise error_of(response.status, content(response))
            retries += 1
            await self._clock.sleep(wait)

    async def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        if self._counts is None:
            return await self._transport.request(method, target, headers=headers, body=body)
        began = self._clock.monotonic()
        try:
            response = await self._transport.request(method, target, headers=headers, body=body)
        except OSError:
            self._counts.failed(method)
            raise
        self._counts.answered(method, response.status, self._clock.monotonic() - began)
        return response


def _resolve(resource: ResourceLike) -> Resource:
    return lookup(resource) if isinstance(resource, str) else resource


def _path(resource: ResourceLike, namespace: str | None, name: str = "", subresource: str = "") -> str:
    return quote(_resolve(resource).path(namespace, name, subresource), safe="/:@!$&'()*+,;=~")


def _target(path: str, query: Mapping[str, Any]) -> str:
    given = {key: value for key, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def with_kinds(page: Object) -> Object:
    """A list whose items say what they are, as the list itself does (servers leave it out of typed items); in place."""
    kind, api_version = page.get("kind", "").removesuffix("List"), page.get("apiVersion", "")
    for item in page.get("items") or ():
        if "kind" in item:
            break
        item["apiVersion"], item["kind"] = api_version, kind
    return page


def _delete_options(
    grace_period_seconds: int | None, propagation_policy: str, uid: str, resource_version: str, dry_run: bool
) -> bytes:
    options: Object = {}
    if grace_period_seconds is not None:
        options["gracePeriodSeconds"] = grace_period_seconds
    if propagation_policy:
        options["propagationPolicy"] = propagation_policy
    if preconditions := {k: v for k, v in (("uid", uid), ("resourceVersion", resource_version)) if v}:
        options["preconditions"] = preconditions
    if dry_run:
        options["dryRun"] = ["All"]
    return orjson.dumps({"apiVersion": "v1", "kind": "DeleteOptions", **options}) if options else b""


def _retry_after(response: Response) -> float | None:
    """Seconds the server asks to wait before trying the same again; None where it does not ask."""
    if response.status != 429 and response.status < 500:
        return None
    for name, value in response.headers:
        if name.lower() == "retry-after" and value.isdecimal():
            return float(value)
    return None


async def _events(answer: StreamedAnswer) -> AsyncGenerator[WatchEvent, None]:
    """One event per line; pieces may end anywhere."""
    rest = b""
    try:
        async for piece in answer:
            *lines, rest = (rest + piece if rest else piece).split(b"\n")
            for line in lines:
                if not line:
                    continue
                frame = orjson.loads(line)
                if frame["type"] == "ERROR":
                    raise from_status(frame["object"], frame["object"].get("code", 500))
                yield WatchEvent(frame["type"], frame["object"])
    finally:
        await answer.aclose()
