"""Writing planned slices, and waiting until the informer shows them before planning again."""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.client.client import Client
from wherry.client.informer import Informer, Key, key_of
from wherry.controllers.endpoints.slices import Plan

RESOURCE = "endpointslices.discovery.k8s.io"
GIVE_UP_SECONDS = 60.0


class SliceWriter:
    """Keeps per service the slices whose writes the informer has not shown yet.

    A plan made from an informer that lags behind our own writes would create slices twice.
    """

    def __init__(self, client: Client, clock: Clock, informer: Informer) -> None:
        self._client = client
        self._clock = clock
        self._informer = informer
        self._unseen: dict[Key, dict[str, tuple[str, float]]] = {}

    async def write(self, service: Key, plan: Plan) -> None:
        for new in plan.create:
            self._note(service, await self._client.create(RESOURCE, new))
        for changed in plan.update:
            self._note(service, await self._client.update(RESOURCE, changed))
        for gone in plan.delete:
            metadata = gone["metadata"]
            try:
                await self._client.delete(RESOURCE, metadata["name"], namespace=metadata["namespace"])
            except NotFound:
                continue

    def _note(self, service: Key, written: Object) -> None:
        metadata = written["metadata"]
        seen = self._informer.get(*key_of(written))
        if seen is None or _older(seen, metadata["resourceVersion"]):
            until = self._clock.monotonic() + GIVE_UP_SECONDS
            self._unseen.setdefault(service, {})[metadata["name"]] = (metadata["resourceVersion"], until)

    def seen(self, service: Key, slice_: Object) -> None:
        """The informer showed this state of a slice."""
        waiting = self._unseen.get(service)
        if waiting and (expected := waiting.get(slice_["metadata"]["name"])) and not _older(slice_, expected[0]):
            self.forget(service, slice_["metadata"]["name"])

    def forget(self, service: Key, name: str) -> None:
        waiting = self._unseen.get(service)
        if waiting is not None:
            waiting.pop(name, None)
            if not waiting:
                del self._unseen[service]

    def is_current(self, service: Key) -> bool:
        """Whether the informer shows all that was written for the service (or it took too long)."""
        now = self._clock.monotonic()
        waiting = self._unseen.get(service, {})
        return all(until <= now for _, until in waiting.values())


def _older(obj: Object, revision: str) -> bool:
    return int(obj["metadata"]["resourceVersion"]) < int(revision)
