"""Serving what the APIServices in the store ask for.

What always holds: the registry says in the delivery of an APIService's change who answers for its group and version; an
API that is said to be available has been asked for its resources before. Without an APIService that names a Service
nothing of this costs anything but a look at each change of an APIService.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from wherry.api.types import Object
from wherry.apiserver.aggregation.backend import Backend, InProcessApi, LocalBackend, RemoteBackend
from wherry.apiserver.aggregation.checking import describe, discovery_check
from wherry.apiserver.aggregation.described import Described
from wherry.apiserver.aggregation.identity import FrontProxy
from wherry.apiserver.aggregation.location import Address, Verdict, addresses, trouble
from wherry.apiserver.aggregation.registration import (
    Registration,
    ServiceReference,
    is_available,
    registration_of,
    with_condition,
)
from wherry.apiserver.objects import decoded, encoder, stamp
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.base.backoff import Backoff
from wherry.store.port import KeyMissing, RevisionMismatch
from wherry.wire.client import HttpClient
from wherry.wire.errors import WireError

PREFIX = storage_prefix("apiregistration.k8s.io", "apiservices")
_SERVICES, _SLICES = storage_prefix("", "services"), storage_prefix("discovery.k8s.io", "endpointslices")
CHECK_SECONDS = 30.0
_RETRY = Backoff(initial=0.1, cap=CHECK_SECONDS)
Name = tuple[str, str]
"""Group and version."""


@dataclass(slots=True, eq=False)
class Aggregated:
    """One group and version that somebody else serves."""

    registration: Registration
    backend: Backend
    described: Described = field(default_factory=Described)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Aggregator:
    """A receiver of the APIServices' changes. `start` once, when the store can be read; `close` at the end."""

    def __init__(
        self,
        parts: Parts,
        *,
        proxy: FrontProxy | None = None,
        http: HttpClient | None = None,
        in_process: Sequence[InProcessApi] = (),
        chance: Random | None = None,
    ) -> None:
        self._parts = parts
        self._proxy = proxy
        self._own = HttpClient(clock=parts.clock) if http is None else None
        self._http = http or self._own or HttpClient()
        self._handlers = {(each.group, each.version): each for each in in_process}
        self._chance = chance or Random()
        self._places: dict[ServiceReference, list[Address]] = {}
        self._neighbours = _ServiceChanges(self)

    def start(self) -> None:
        self._parts.hubs.of(PREFIX).attach(self)
        for entry in self._parts.store.range(PREFIX).entries:
            self._take(decoded(entry))

    async def close(self) -> None:
        """Nothing of this is left running."""
        for name in list(self._parts.registry.aggregated):
            self._stop(name)
        if self._own is not None:
            await self._own.aclose()

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            api_service = decoded(change.entry)
            if change.type == DELETED:
                self._forget(registration_of(api_service))
            else:
                self._take(api_service)

    def _take(self, api_service: Object) -> None:
        wanted, registry = registration_of(api_service), self._parts.registry
        name = (wanted.group, wanted.version)
        if registry.priorities.get(name) != wanted.priority:
            registry.priorities[name] = wanted.priority
            registry.touch()
        known = registry.aggregated.get(name)
        if known is None or known.registration != wanted:
            if known is not None:
                self._stop(name)
            known = self._begin(name, wanted)
        if known is not None and isinstance(known.backend, RemoteBackend):
            known.backend.available = is_available(api_service)

    def _begin(self, name: Name, wanted: Registration) -> Aggregated | None:
        backend = self._backend(name, wanted)
        if backend is None:
            return None
        registry = self._parts.registry
        made = registry.aggregated[name] = Aggregated(wanted, backend)
        registry.touch()
        for prefix in (_SERVICES, _SLICES):
            self._parts.hubs.of(prefix).attach(self._neighbours)
        made.task = asyncio.ensure_future(self._keep_checking(made))
        return made

    def _backend(self, name: Name, wanted: Registration) -> Backend | None:
        reference = wanted.service
        if reference is None:
            own = self._handlers.get(name)
            return LocalBackend(own.handler) if own else None
        return RemoteBackend(
            wanted,
            reference,
            http=self._http,
            proxy=self._proxy,
            addresses=lambda: self._addresses(reference),
            chance=self._chance,
        )

    def _forget(self, gone: Registration) -> None:
        registry, name = self._parts.registry, (gone.group, gone.version)
        registry.priorities.pop(name, None)
        self._stop(name)
        registry.touch()

    def _stop(self, name: Name) -> None:
        registry = self._parts.registry
        known = registry.aggregated.pop(name, None)
        if known is None:
            return
        if known.task is not None:
            known.task.cancel()
        registry.touch()
        if not registry.aggregated:
            self._places.clear()
            for prefix in (_SERVICES, _SLICES):
                self._parts.hubs.of(prefix).detach(self._neighbours)

    # Where services are.

    def look_again(self, namespace: str) -> None:
        """Something about the services of a namespace has changed."""
        for known in self._parts.registry.aggregated.values():
            reference = known.registration.service
            if reference is not None and reference.namespace == namespace:
                self._places.pop(reference, None)
                known.changed.set()

    def _addresses(self, reference: ServiceReference) -> list[Address]:
        found = self._places.get(reference)
        if found is None:
            service, slices = self._service(reference)
            found = addresses(reference, service, slices) if service else []
            self._places[reference] = found
        return found

    def _service(self, reference: ServiceReference) -> tuple[Object | None, list[Object]]:
        store = self._parts.store
        entry = store.get(f"{_SERVICES}{reference.namespace}/{reference.name}")
        slices = [decoded(each) for each in store.range(f"{_SLICES}{reference.namespace}/").entries]
        label = "kubernetes.io/service-name"
        own = [one for one in slices if (one["metadata"].get("labels") or {}).get(label) == reference.name]
        return decoded(entry) if entry else None, own

    # Whether they answer.

    async def _keep_checking(self, known: Aggregated) -> None:
        """Check, say so, and wait for a change or until it is time again."""
        failures = 0
        while True:
            known.changed.clear()
            good = await self._check(known)
            failures = 0 if good else failures + 1
            try:
                async with self._parts.clock.timeout(CHECK_SECONDS if good else _RETRY.delay(failures)):
                    await known.changed.wait()
            except TimeoutError:
                continue

    async def _check(self, known: Aggregated) -> bool:
        wanted = known.registration
        verdict = await self._verdict(known)
        good = verdict is None or verdict.status == "True"
        await self._describe(known, answers=good)
        if verdict is not None:
            await self._say(wanted.name, verdict)
        return good

    async def _verdict(self, known: Aggregated) -> Verdict | None:
        """None where there is nothing to say: a handler in this process is always there."""
        wanted, backend = known.registration, known.backend
        if wanted.service is None or not isinstance(backend, RemoteBackend):
            return None
        service, slices = self._service(wanted.service)
        return trouble(wanted.service, service, slices) or await discovery_check(backend, wanted.group, wanted.version)

    async def _describe(self, known: Aggregated, *, answers: bool) -> None:
        before, found = known.described, None
        if answers:
            try:
                found = await describe(known.backend, known.registration.group, known.registration.version)
            except (WireError, OSError) as error:
                self._parts.log.info(
                    "an aggregated API does not describe itself", name=known.registration.name, error=str(error)
                )
        if found is None:
            found = Described(before.resources, fresh=False, openapi_v3=before.openapi_v3, openapi_v2=before.openapi_v2)
        if found != before:
            known.described = found
            self._parts.registry.touch()

    async def _say(self, name: str, verdict: Verdict) -> None:
        store, now = self._parts.store, stamp(self._parts.clock.now())
        while (entry := store.get(PREFIX + name)) is not None:
            said = with_condition(decoded(entry), verdict.status, verdict.reason, verdict.message, now)
            if said is None:
                return
            try:
                await store.put(entry.key, encoder(said), expected=entry.mod_revision, memo=said)
            except (RevisionMismatch, KeyMissing):
                continue


class _ServiceChanges:
    """Hears of Services and EndpointSlices on behalf of the aggregator."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    def deliver(self, changes: Sequence[Change]) -> None:
        for namespace in {change.entry.key.split("/")[4] for change in changes}:
            self._aggregator.look_again(namespace)
