"""APIServices for the groups that this server serves itself: the built-in ones at start, those of custom resources always.

Source: kube-aggregator pkg/controllers/autoregister, pkg/controlplane/controller/crdregistration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from wherry.api.types import Object
from wherry.apiserver.aggregation.backend import InProcessApi
from wherry.apiserver.aggregation.follower import PREFIX, Name
from wherry.apiserver.aggregation.priorities import CUSTOM, OWN, Priority, builtin
from wherry.apiserver.aggregation.registration import (
    ALWAYS,
    ON_START,
    local_service,
    managed_by,
    name_of,
    registration_of,
    with_local,
)
from wherry.apiserver.customresources.follower import PREFIX as DEFINITIONS
from wherry.apiserver.objects import decoded, encoder, new_uid, stamp
from wherry.apiserver.parts import Parts
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.store.port import KeyMissing, RevisionMismatch, StoreError

_RETRY_SECONDS = 1.0


def at_start(groups: Iterable[Name], in_process: Iterable[InProcessApi], now: str) -> list[Object]:
    """The APIServices that every cluster has."""
    known: dict[Name, Priority] = {}
    for name in groups:
        priority = builtin(*name)
        if priority is not None and name[0] != OWN:
            known[name] = priority
    known |= {(each.group, each.version): each.priority for each in in_process}
    return [local_service(*name, priority, managed=ON_START, now=now) for name, priority in known.items()]


class AutoRegistration:
    """Follows definitions of custom resources and APIServices; writes in a task that lives only while there is work."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._wanted: dict[str, frozenset[Name]] = {}
        self._waiting: dict[str, Name] = {}
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        store, hubs = self._parts.store, self._parts.hubs
        hubs.of(DEFINITIONS).attach(self)
        hubs.of(PREFIX).attach(_ApiServiceChanges(self))
        for entry in store.range(DEFINITIONS).entries:
            self._take(decoded(entry))
        for entry in store.range(PREFIX).entries:
            self.look_at(decoded(entry))

    def close(self) -> None:
        if self._worker is not None:
            self._worker.cancel()

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            definition = decoded(change.entry)
            if change.type == DELETED:
                self._settle(self._wanted.pop(definition["metadata"]["name"], frozenset()))
            else:
                self._take(definition)

    def _take(self, definition: Object) -> None:
        name, spec = definition["metadata"]["name"], definition["spec"]
        before = self._wanted.get(name, frozenset())
        now = frozenset((spec["group"], each["name"]) for each in spec["versions"] if each.get("served"))
        self._wanted[name] = now
        self._settle(before ^ now)

    def look_at(self, api_service: Object, *, gone: bool = False) -> None:
        """An APIService may have lost what keeps it, or what it must say."""
        found = registration_of(api_service)
        name = (found.group, found.version)
        if gone:
            if any(name in wanted for wanted in self._wanted.values()):
                self._settle([name])
        elif found.service is None and (
            with_local(api_service, "") is not None or (managed_by(api_service) == ALWAYS and not self._is_wanted(name))
        ):
            self._settle([name])

    def _is_wanted(self, name: Name) -> bool:
        return any(name in wanted for wanted in self._wanted.values())

    def _settle(self, names: Iterable[Name]) -> None:
        self._waiting |= {name_of(*name): name for name in names}
        if self._waiting and (self._worker is None or self._worker.done()):
            self._worker = asyncio.ensure_future(self._settle_all())

    async def _settle_all(self) -> None:
        while self._waiting:
            key, name = next(iter(self._waiting.items()))
            del self._waiting[key]
            try:
                await self._settle_one(key, name)
            except (RevisionMismatch, KeyMissing):
                continue  # somebody was faster; that change comes by, too
            except StoreError:
                self._parts.log.exception("cannot write an APIService", name=key)
                self._waiting[key] = name
                await self._parts.clock.sleep(_RETRY_SECONDS)

    async def _settle_one(self, key: str, name: Name) -> None:
        store, now = self._parts.store, stamp(self._parts.clock.now())
        entry, wanted = store.get(PREFIX + key), self._is_wanted(name)
        if entry is None:
            if wanted:
                made = local_service(*name, CUSTOM, managed=ALWAYS, now=now)
                made["metadata"] |= {"uid": new_uid(), "creationTimestamp": now}
                await store.put(PREFIX + key, encoder(made), expected=0, memo=made)
            return
        obj = decoded(entry)
        if obj["spec"].get("service") is not None:
            return
        if managed_by(obj) == ALWAYS and not wanted:
            await store.delete(entry.key, expected=entry.mod_revision)
        elif (said := with_local(obj, now)) is not None:
            await store.put(entry.key, encoder(said), expected=entry.mod_revision, memo=said)


class _ApiServiceChanges:
    """Hears of APIServices on behalf of the registration."""

    def __init__(self, registration: AutoRegistration) -> None:
        self._registration = registration

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._registration.look_at(decoded(change.entry), gone=change.type == DELETED)
