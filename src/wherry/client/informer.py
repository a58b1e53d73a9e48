"""A local, current copy of one resource, and callbacks for every change: list, then watch, for ever.

What always holds: handlers see each object's changes in the order of their revisions, on_add before any on_update
before on_delete; a change is seen once, over reconnects too (the watch goes on from the last revision seen; where the
server has forgotten it, 410, a new list is compared with the copy). In the server's own process the copy holds the
server's objects themselves, told by a feed. Objects in the copy are shared: never change them.
What a handler misses while the connection is down it sees as one change; Kubernetes promises no more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from wherry.api.errors import Expired, Gone, StatusError
from wherry.api.resources import Resource, lookup
from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.base.log import Logger
from wherry.client.client import Client, ResourceLike

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped objects) and name."""

IndexFunction = Callable[[Object], Iterable[str]]

RECONNECT = Backoff(initial=0.05, cap=30.0, jitter=0.5)
"""As client-go's reflector (up to 30 s), but with a quick first try, for servers that are just starting."""

WATCH_SECONDS = (300, 600)
"""Each watch is asked for anew after a random time in between, as client-go does, so that load spreads over servers."""

SILENT_SECONDS = 30.0
"""A watch that the server has not ended so long after its time is on a dead connection."""

SHORT_WATCH_SECONDS = 1.0
"""A watch that ends sooner and brought nothing counts as a failure, so that a broken server is not hammered."""


class Handler(NamedTuple):
    """Callbacks of one listener. They must not block; what they raise is logged and does not stop the others."""

    on_add: Callable[[Object], None] | None
    on_update: Callable[[Object, Object], None] | None
    on_delete: Callable[[Object], None] | None


def key_of(obj: Object) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


class Informer:
    """A component: `run` until cancelled. Everything else may be called before, while and after it runs."""

    def __init__(
        self,
        client: Client,
        resource: ResourceLike,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        log: Logger | None = None,
        backoff: Backoff = RECONNECT,
        page_size: int = 0,
        transform: Callable[[Object], Object] | None = None,
    ) -> None:
        """`transform` gives what is kept of each object, for listeners that need only a part of it."""
        self.resource: Resource = lookup(resource) if isinstance(resource, str) else resource
        self._client = client
        self._selection: dict[str, Any] = {
            "namespace": namespace,
            "label_selector": label_selector,
            "field_selector": field_selector,
        }
        self._log = log or Logger("client")
        self._backoff = backoff
        self._page_size = page_size
        self._transform = transform
        self._objects: dict[Key, Object] = {}
        self._indexes: dict[str, tuple[IndexFunction, dict[str, dict[Key, Object]]]] = {}
        self._handlers: tuple[Handler, ...] = ()
        self._synced = asyncio.Event()
        self._revision = ""

    @property
    def synced(self) -> bool:
        """Whether the first list is in the copy."""
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        await self._synced.wait()

    def get(self, namespace: str, name: str) -> Object | None:
        return self._objects.get((namespace, name))

    def items(self) -> list[Object]:
        return list(self._objects.values())

    def by_index(self, index: str, value: str) -> list[Object]:
        """Objects whose index function gave that value. Raises `KeyError` for an unknown index."""
        return list(self._indexes[index][1].get(value, {}).values())

    def count(self, index: str, value: str) -> int:
        """How many `by_index` would give."""
        return len(self._indexes[index][1].get(value, ()))

    def in_namespace(self, namespace: str) -> list[Object]:
        """Objects of one namespace; the index for it is made at the first use."""
        if "namespace" not in self._indexes:
            self.add_index("namespace", lambda obj: (obj["metadata"].get("namespace", ""),))
        return self.by_index("namespace", namespace)

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Keep objects findable by what `function` gives for each. A name that is there already stays as it is."""
        if name in self._indexes:
            return
        self._indexes[name] = (function, {})
        for key, obj in self._objects.items():
            self._index(name, key, obj)

    def add_handler(
        self,
        on_add: Callable[[Object], None] | None = None,
        on_update: Callable[[Object, Object], None] | None = None,
        on_delete: Callable[[Object], None] | None = None,
    ) -> Handler:
        """Be told of every change; what is already in the copy is told at once, as added."""
        handler = Handler(on_add, on_update, on_delete)
        self._handlers = (*self._handlers, handler)
        for obj in list(self._objects.values()):
            self._call(on_add, obj)
        return handler

    def remove_handler(self, handler: Handler) -> None:
        self._handlers = tuple(other for other in self._handlers if other is not handler)

    async def run(self) -> None:
        failures = 0
        while True:
            seen = self._revision
            try:
                began = self._client.clock.monotonic()
                await (self._share() if self._client.shares else self._list_and_watch())
                if self._revision == seen and self._client.clock.monotonic() - began < SHORT_WATCH_SECONDS:
                    raise ConnectionError("the watch ended at once")
                failures = 0
            except (Expired, Gone):
                self._revision = ""
                failures = 0
            except (StatusError, ConnectionError, TimeoutError, OSError, ValueError) as error:
                failures = 1 if self._revision != seen else failures + 1
                delay = self._backoff.delay(failures)
                self._log.warning(
                    "lost the watch, trying again", resource=self.resource.qualified, error=str(error), seconds=delay
                )
                await self._client.clock.sleep(delay)

    async def _share(self) -> None:
        """Follow a server in the same process: its own objects, a batch at a time."""
        feed = await self._client.feed(self.resource, resource_version=self._revision, **self._selection)
        async with aclosing(feed):
            if feed.state is not None:
                self._replace({key_of(obj): self._kept(obj) for obj in feed.state})
                self._revision = str(feed.revision)
                self._synced.set()
            async for batch in feed:
                for type_, obj in batch:
                    self._take(type_, obj)

    async def _list_and_watch(self) -> None:
        if not self._revision:
            await self._list()
        await self._watch()

    async def _list(self) -> None:
        found: dict[Key, Object] = {}
        continue_, revision = "", "0"
        while True:
            page = await self._client.list(self.resource, limit=self._page_size, continue_=continue_, **self._selection)
            for obj in page["items"]:
                found[key_of(obj)] = self._kept(obj)
            revision = page["metadata"]["resourceVersion"]
            continue_ = page["metadata"].get("continue", "")
            if not continue_:
                break
        self._replace(found)
        self._revision = revision
        self._synced.set()

    def _replace(self, found: Mapping[Key, Object]) -> None:
        """Bring the copy to a new list, telling the differences."""
        for key in [key for key in self._objects if key not in found]:
            self._remove(key, self._objects[key])
        for key, obj in found.items():
            old = self._objects.get(key)
            if old is None:
                self._put(key, obj)
            elif old["metadata"].get("uid") != obj["metadata"].get("uid"):
                self._remove(key, old)
                self._put(key, obj)
            elif old["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
                self._put(key, obj)

    async def _watch(self) -> None:
        seconds = random.randint(*WATCH_SECONDS)
        try:
            async with self._client.clock.timeout(seconds + SILENT_SECONDS):
                await self._follow(seconds)
        except TimeoutError as error:
            raise ConnectionError("the server fell silent") from error

    async def _follow(self, seconds: int) -> None:
        stream = self._client.watch(
            self.resource,
            resource_version=self._revision,
            timeout_seconds=seconds,
            **self._selection,
        )
        async with aclosing(stream) as events:
            async for type_, obj in events:
                self._take(type_, obj)

    def _take(self, type_: str, obj: Object) -> None:
        """One event of a watch."""
        self._revision = obj["metadata"]["resourceVersion"]
        if type_ == "BOOKMARK":
            return
        kept = self._kept(obj)
        if type_ == "DELETED":
            self._remove(key_of(kept), kept)
        else:
            self._put(key_of(kept), kept)

    def _kept(self, obj: Object) -> Object:
        return obj if self._transform is None else self._transform(obj)

    def _put(self, key: Key, obj: Object) -> None:
        old = self._objects.get(key)
        self._objects[key] = obj
        if self._indexes:
            for name in self._indexes:
                if old is not None:
                    self._unindex(name, key, old)
                self._index(name, key, obj)
        for handler in self._handlers:
            if old is None:
                self._call(handler.on_add, obj)
            else:
                self._call(handler.on_update, old, obj)

    def _remove(self, key: Key, last: Object) -> None:
        old = self._objects.pop(key, None)
        if old is None:
            return
        for name in self._indexes:
            self._unindex(name, key, old)
        for handler in self._handlers:
            self._call(handler.on_delete, last)

    def _index(self, name: str, key: Key, obj: Object) -> None:
        function, values = self._indexes[name]
        for value in function(obj):
            values.setdefault(value, {})[key] = obj

    def _unindex(self, name: str, key: Key, obj: Object) -> None:
        function, values = self._indexes[name]
        for value in function(obj):
            if (found := values.get(value)) is not None:
                found.pop(key, None)
                if not found:
                    del values[value]

    def _call(self, callback: Callable[..., None] | None, *objects: Object) -> None:
        if callback is None:
            return
        try:
            callback(*objects)
        except Exception:  # noqa: BLE001 - one listener's bug must not silence the others
            self._log.exception("an informer's handler failed", resource=self.resource.qualified)


class SharedInformers:
    """One informer per resource and selection for everybody in the process. A component that runs them all.

    Informers asked for while it runs are started at once.
    """

    def __init__(self, client: Client, *, log: Logger | None = None) -> None:
        self._client = client
        self._log = log
        self._informers: dict[tuple[Any, ...], Informer] = {}
        self._group: asyncio.TaskGroup | None = None

    def informer(
        self,
        resource: ResourceLike,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Informer:
        found = lookup(resource) if isinstance(resource, str) else resource
        key = (found.group, found.version, found.plural, namespace, label_selector, field_selector)
        informer = self._informers.get(key)
        if informer is None:
            informer = self._informers[key] = Informer(
                self._client,
                found,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                log=self._log,
            )
            if self._group is not None:
                self._group.create_task(informer.run())
        return informer

    def find(self, resource: ResourceLike) -> Informer | None:
        """The informer of everything of a resource, if somebody has asked for one."""
        found = lookup(resource) if isinstance(resource, str) else resource
        return self._informers.get((found.group, found.version, found.plural, None, "", ""))

    async def wait_synced(self) -> None:
        """Return when every informer asked for so far has its first list."""
        for informer in list(self._informers.values()):
            await informer.wait_synced()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for informer in list(self._informers.values()):
                    group.create_task(informer.run())
                await asyncio.Event().wait()
            finally:
                self._group = None
