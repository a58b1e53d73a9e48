"""Serving what the definitions in the store ask for, from the moment they are established until they are gone.

What always holds: the registry is changed in the delivery of the definition's change, so that nobody who sees the
condition Established finds the resource missing. Conditions are written by a task that lives only while there is work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wherry.api.customresources.definitions import may_differ_from_stored, resources_of
from wherry.api.customresources.naming import settled_status
from wherry.api.types import Object
from wherry.apiserver.customresources.conversions import conversion_of
from wherry.apiserver.customresources.finalizing import instances_of, is_finalizing, step
from wherry.apiserver.objects import decoded, encoder, stamp
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.webhooks.calls import Calls
from wherry.store.port import KeyMissing, RevisionMismatch, StoreError

PREFIX = storage_prefix("apiextensions.k8s.io", "customresourcedefinitions")
FINALIZE_SECONDS = 0.5
"""How long to wait for instances that something holds before looking again."""
RETRY_SECONDS = 1.0
Name = tuple[str, str, str]
"""Group, version and plural."""


class CustomResources:
    """A receiver of the definitions' changes. `start` once, when the store can be read."""

    def __init__(self, parts: Parts, calls: Calls) -> None:
        self._calls = calls
        self._parts = parts
        self._definitions: dict[str, Object] = {}
        self._served: dict[str, list[Name]] = {}
        self._waiting: dict[str, None] = {}
        self._worker: asyncio.Task[None] | None = None
        self._ending: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Serve what is defined already, and follow the changes from now on."""
        self._parts.hubs.of(PREFIX).attach(self)
        for entry in self._parts.store.range(PREFIX).entries:
            self._take(decoded(entry))

    async def run(self) -> None:
        """Until cancelled; then nothing of this is left running."""
        try:
            await asyncio.Event().wait()
        finally:
            for task in (self._worker, *self._ending.values()):
                if task is not None:
                    task.cancel()

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type == DELETED:
                self._forget(decoded(change.entry))
            else:
                self._take(decoded(change.entry))

    def _take(self, definition: Object) -> None:
        name = definition["metadata"]["name"]
        before = self._definitions.get(name)
        self._definitions[name] = definition
        if before is None or _is_served_differently(before, definition):
            self._serve(name, definition)
            if before is not None and before["spec"] != definition["spec"]:
                self._parts.hubs.of(instances_of(definition).prefix).end()
        if is_finalizing(definition):
            self._finalize(name)
        else:
            self._settle_group(definition)

    def _forget(self, definition: Object) -> None:
        name = definition["metadata"]["name"]
        self._definitions.pop(name, None)
        for served in self._served.pop(name, ()):
            self._parts.registry.remove(*served)
        self._parts.hubs.of(instances_of(definition).prefix).end()
        self._settle_group(definition)

    def _serve(self, name: str, definition: Object) -> None:
        registry, resources = self._parts.registry, list(resources_of(definition))
        wanted: list[Name] = [(each.group, each.version, each.plural) for each in resources]
        for gone in set(self._served.get(name, ())) - set(wanted):
            registry.remove(*gone)
        for resource in resources:
            if resource.custom is not None:
                registry.add(resource, conversion=conversion_of(definition, resource, resource.custom, self._calls))
        self._served[name] = wanted

    def _settle_group(self, definition: Object) -> None:
        """Look at its conditions, and at those of the group's others: they may get names that are free now."""
        group = definition["spec"]["group"]
        for name, other in self._definitions.items():
            if other["spec"]["group"] == group:
                self._waiting[name] = None
        if self._waiting and (self._worker is None or self._worker.done()):
            self._worker = asyncio.ensure_future(self._settle_all())

    async def _settle_all(self) -> None:
        while self._waiting:
            name = next(iter(self._waiting))
            del self._waiting[name]
            try:
                await self._settle(name)
            except (RevisionMismatch, KeyMissing):
                # Somebody was faster; that change comes by, too.
                continue
            except StoreError:
                self._parts.log.exception("cannot write the conditions of a definition", name=name)
                self._waiting[name] = None
                await self._parts.clock.sleep(RETRY_SECONDS)

    async def _settle(self, name: str) -> None:
        store, clock = self._parts.store, self._parts.clock
        entry = store.get(PREFIX + name)
        if entry is None or is_finalizing(definition := decoded(entry)):
            return
        group = definition["spec"]["group"]
        others = [o for n, o in self._definitions.items() if n != name and o["spec"]["group"] == group]
        status = settled_status(definition, others, stamp(clock.now()))
        if status == definition.get("status"):
            return
        settled = {**definition, "metadata": dict(definition["metadata"]), "status": status}
        await store.put(entry.key, encoder(settled), expected=entry.mod_revision, memo=settled)

    def _finalize(self, name: str) -> None:
        if name not in self._ending:
            task = self._ending[name] = asyncio.ensure_future(self._keep_finalizing(name))
            task.add_done_callback(lambda _: self._ending.pop(name, None))

    async def _keep_finalizing(self, name: str) -> None:
        while True:
            try:
                if await step(self._parts, PREFIX + name):
                    return
            except StoreError:
                self._parts.log.exception("cannot delete the instances of a definition", name=name)
            await self._parts.clock.sleep(FINALIZE_SECONDS)


def _is_served_differently(before: Object, now: Object) -> bool:
    """Whether anything changed but what only the definition's own readers see."""
    if before["spec"] != now["spec"] or may_differ_from_stored(before) != may_differ_from_stored(now):
        return True
    old, new = before.get("status") or {}, now.get("status") or {}
    return _seen(old) != _seen(new)


def _seen(status: Object) -> Object:
    truths = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    return {"names": status.get("acceptedNames"), "truths": truths}
