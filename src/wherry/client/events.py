"""Telling people what happened to an object, as core/v1 Events: fire and forget.

Alike events are counted in one object instead of written again; more than ten with different messages within ten
minutes are combined; and an object that floods is cut off at 25 events, with one more every five minutes.
Source: client-go tools/record (events_cache.go).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from zlib import crc32

from wherry.api.errors import NotFound, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.times import rfc3339
from wherry.client.client import Client

CACHE_SIZE = 4096
COMBINE_AFTER = 10
COMBINE_SECONDS = 600.0
BURST = 25
SECONDS_PER_TOKEN = 300.0
SEND_TRIES = 12
SEND_RETRY_SECONDS = 10.0
QUEUE_LIMIT = 1000

V = TypeVar("V")


class _Recent(Generic[V]):
    """A dictionary of the most recently used entries."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        if (value := self._entries.get(key)) is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Hashable, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > CACHE_SIZE:
            self._entries.popitem(last=False)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class _Similar:
    """Messages of events that differ only by their message."""

    last: float
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Written:
    """An event object that stands in the cluster (or is on its way)."""

    name: str
    count: int
    first: str


class _Send(NamedTuple):
    namespace: str
    key: Hashable
    event: Object


class EventRecorder:
    """Records events of one component. `event` returns at once; a task of its own writes them while there are any."""

    def __init__(
        self, client: Client, component: str, clock: Clock, *, host: str = "", log: Logger | None = None
    ) -> None:
        self._client = client
        self._component = component
        self._clock = clock
        self._host = host
        self._log = log or Logger("client")
        self._buckets: _Recent[_Bucket] = _Recent()
        self._similar: _Recent[_Similar] = _Recent()
        self._written: _Recent[_Written] = _Recent()
        self._queue: deque[_Send] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._last_stamp = 0
        self._shift = crc32(component.encode()) % 1_000_000

    def event(self, obj: Object, type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """Record that something happened to `obj`. `type` is Normal or Warning; `reason` is one CamelCase word."""
        reference = reference_to(obj, field_path)
        if len(self._queue) >= QUEUE_LIMIT or not self._spend(reference):
            return
        who = tuple(value for name, value in reference.items() if name != "resourceVersion")
        alike: Hashable = (who, type, reason)
        key, message = self._combine(alike, message)
        namespace = reference.get("namespace") or "default"
        self._queue.append(_Send(namespace, key, self._compose(reference, namespace, key, type, reason, message)))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.ensure_future(self._send_all())

    async def flush(self) -> None:
        """Return when everything recorded so far has been written or given up."""
        while self._sender is not None and not self._sender.done():
            await asyncio.shield(self._sender)

    def _spend(self, reference: Object) -> bool:
        now = self._clock.monotonic()
        key = tuple(reference.get(part, "") for part in ("apiVersion", "kind", "namespace", "name", "uid"))
        bucket = self._buckets.get(key)
        if bucket is None:
            self._buckets.put(key, bucket := _Bucket(BURST, now))
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) / SECONDS_PER_TOKEN)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _combine(self, alike: Hashable, message: str) -> tuple[Hashable, str]:
        """The identity under which the event is counted, and its message."""
        now = self._clock.monotonic()
        similar = self._similar.get(alike)
        if similar is None or now - similar.last > COMBINE_SECONDS:
            self._similar.put(alike, similar := _Similar(now))
        similar.last = now
        if len(similar.messages) < COMBINE_AFTER or message in similar.messages:
            similar.messages.add(message)
        if len(similar.messages) < COMBINE_AFTER:
            return (alike, message), message
        return alike, f"(combined from similar events): {message}"

    def _compose(
        self, reference: Object, namespace: str, key: Hashable, type: str, reason: str, message: str
    ) -> Object:
        now = self._clock.now()
        written = self._written.get(key)
        if written is None:
            written = _Written(f"{reference['name']}.{self._stamp(now):x}", 0, rfc3339(now))
            self._written.put(key, written)
        written.count += 1
        source = {"component": self._component, **({"host": self._host} if self._host else {})}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": written.name, "namespace": namespace},
            "involvedObject": reference,
            "reason": reason,
            "message": message,
            "source": source,
            "firstTimestamp": written.first,
            "lastTimestamp": rfc3339(now),
            "count": written.count,
            "type": type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    def _stamp(self, now: float) -> int:
        """Nanoseconds, never the same twice, also where the clock stands still.

        Shifted a little for each component: two that speak of one object at one moment must not choose the same name.
        """
        self._last_stamp = max(int(now * 1e9) + self._shift, self._last_stamp + 1)
        return self._last_stamp

    async def _send_all(self) -> None:
        while self._queue:
            send = self._queue.popleft()
            for attempt in range(SEND_TRIES):
                try:
                    await self._send(send)
                    break
                except StatusError as error:
                    self._log.debug("event rejected", event=send.event["message"], error=str(error))
                    break
                except (ConnectionError, TimeoutError, OSError):
                    if attempt + 1 < SEND_TRIES:
                        await self._clock.sleep(SEND_RETRY_SECONDS)

    async def _send(self, send: _Send) -> None:
        event, written = send.event, self._written.get(send.key)
        if event["count"] > 1:
            name = written.name if written is not None else event["metadata"]["name"]
            patch = {part: event[part] for part in ("count", "lastTimestamp", "message")}
            try:
                await self._client.patch("events", name, patch, namespace=send.namespace)
                return
            except NotFound:
                event["metadata"]["name"] = f"{event['involvedObject']['name']}.{self._stamp(self._clock.now()):x}"
                if written is not None:
                    written.name = event["metadata"]["name"]
        await self._client.create("events", event)


def reference_to(obj: Object, field_path: str = "") -> Object:
    """The `ObjectReference` by which an event names its object."""
    metadata = obj["metadata"]
    pairs = (
        ("kind", obj.get("kind")),
        ("namespace", metadata.get("namespace")),
        ("name", metadata["name"]),
        ("uid", metadata.get("uid")),
        ("apiVersion", obj.get("apiVersion")),
        ("resourceVersion", metadata.get("resourceVersion")),
        ("fieldPath", field_path),
    )
    return {name: value for name, value in pairs if value}
