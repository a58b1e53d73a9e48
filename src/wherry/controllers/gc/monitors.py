"""Watching every resource that can be deleted, custom ones too, as soon as they are served.

Resources that other controllers watch anyway are shared; of all others only the metadata is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wherry.api.errors import StatusError
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.discovery import Discovery
from wherry.client.informer import Informer, SharedInformers

IGNORED = frozenset(
    (
        ("", "events"),
        ("events.k8s.io", "events"),
        ("authentication.k8s.io", "tokenreviews"),
    )
)
NEEDED_VERBS = frozenset(("delete", "list", "watch"))
SETTLE_SECONDS = 1.0
"""After a definition changed: wait until the server serves it, and for other changes that come with it."""
SYNC_SECONDS = 30.0


def is_collected(resource: Resource) -> bool:
    return set(resource.verbs) >= NEEDED_VERBS and (resource.group, resource.plural) not in IGNORED


def metadata_only(obj: Object) -> Object:
    """What the collector keeps of an object."""
    metadata = obj["metadata"]
    kept = {
        name: metadata[name]
        for name in (
            "name", "namespace", "uid", "resourceVersion", "ownerReferences", "finalizers", "deletionTimestamp",
        )
        if name in metadata
    }  # fmt: skip
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": kept}


class Monitors:
    """A component: one informer per resource, kept in step with what the server serves."""

    def __init__(
        self,
        client: Client,
        informers: SharedInformers,
        *,
        put: Callable[[Object], None],
        remove: Callable[[Object], None],
        clock: Clock,
        log: Logger,
    ) -> None:
        self._client = client
        self._informers = informers
        self._put = put
        self._remove = remove
        self._clock = clock
        self._log = log
        self._discovery = Discovery(client)
        self._definitions = informers.informer("customresourcedefinitions.apiextensions.k8s.io")
        self._watched: dict[Resource, tuple[Informer, asyncio.Task[None] | None]] = {}
        self._changed = asyncio.Event()
        self.resources: dict[tuple[str, str], Resource] = {}
        """By (apiVersion, kind), every version that is served."""
        self.synced = asyncio.Event()

    async def run(self) -> None:
        notify = self._changed.set
        handler = self._definitions.add_handler(lambda _: notify(), self._definition_changed, lambda _: notify())
        try:
            await self._refresh()
            await self._wait_synced()
            self.synced.set()
            while True:
                self._changed.clear()
                await self._changed.wait()
                await self._clock.sleep(SETTLE_SECONDS)
                await self._refresh()
        finally:
            self._definitions.remove_handler(handler)
            await cancel_and_wait(*(task for _, task in self._watched.values() if task is not None))

    def _definition_changed(self, old: Object, new: Object) -> None:
        if old["spec"] != new["spec"] or old.get("status") != new.get("status"):
            self._changed.set()

    async def resource_of(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a reference; the server is asked again where it is not known."""
        found = self.resources.get((api_version, kind))
        if found is None:
            await self._refresh()
            found = self.resources.get((api_version, kind))
        return found

    async def _refresh(self) -> None:
        """Start what is new, stop what is gone. Where the server cannot be asked, all stays as it is."""
        try:
            served = await self._discovery.resources(refresh=True)
            preferred = {r for r in await self._discovery.preferred() if is_collected(r)}
        except (StatusError, ConnectionError, TimeoutError, OSError) as error:
            self._log.warning("cannot read what the server serves", error=str(error))
            self._changed.set()
            return
        self.resources = {(r.api_version, r.kind): r for r in reversed(served) if is_collected(r)}
        for resource in preferred - self._watched.keys():
            self._start(resource)
        for resource in self._watched.keys() - preferred:
            await self._stop(resource)

    def _start(self, resource: Resource) -> None:
        shared = self._informers.find(resource)
        task: asyncio.Task[None] | None = None
        informer = shared or Informer(self._client, resource, log=self._log, transform=metadata_only)
        informer.add_handler(self._put, lambda old, new: self._put(new), self._remove)
        if shared is None:
            task = asyncio.ensure_future(informer.run())
        self._watched[resource] = (informer, task)

    async def _stop(self, resource: Resource) -> None:
        informer, task = self._watched.pop(resource)
        if task is not None:
            await cancel_and_wait(task)
        for obj in informer.items():
            self._remove(obj)

    async def _wait_synced(self) -> None:
        """Wait for the first lists, but not for ever: one resource that cannot be listed must not stop all others."""
        try:
            async with self._clock.timeout(SYNC_SECONDS):
                for informer, _ in list(self._watched.values()):
                    await informer.wait_synced()
        except TimeoutError:
            missing = [r.qualified for r, (informer, _) in self._watched.items() if not informer.synced]
            self._log.warning("collecting garbage without some resources", missing=",".join(missing))
