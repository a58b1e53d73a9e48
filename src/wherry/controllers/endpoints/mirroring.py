"""EndpointSlices for Endpoints that were made by hand, for services without a selector."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers import owners
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry
from wherry.controllers.endpoints import addresses, slices
from wherry.controllers.endpoints.endpointslice import STALE_RETRY_SECONDS, service_index, service_of
from wherry.controllers.endpoints.slice_writer import RESOURCE, SliceWriter
from wherry.controllers.endpoints.slices import Plan

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
MAX_PER_SUBSET = 1000


def is_mirrored(endpoints: Object) -> bool:
    metadata = endpoints["metadata"]
    skipped = (metadata.get("labels") or {}).get(SKIP) == "true"
    return not skipped and LEADER not in (metadata.get("annotations") or {})


def mirrored(endpoints: Object) -> Iterator[tuple[str, list[Object], Object]]:
    """(address type, ports, endpoint) of every address in the subsets."""
    for subset in endpoints.get("subsets") or ():
        ports = [{**port, "name": port.get("name", "")} for port in subset.get("ports") or ()]
        found = [(entry, True) for entry in subset.get("addresses") or ()]
        found += [(entry, False) for entry in subset.get("notReadyAddresses") or ()]
        for entry, ready in found[:MAX_PER_SUBSET]:
            endpoint: Object = {"addresses": [entry["ip"]], "conditions": {"ready": ready}}
            endpoint |= {name: entry[name] for name in ("hostname", "nodeName", "targetRef") if entry.get(name)}
            yield addresses.family_of(entry["ip"]), ports, endpoint


class EndpointSliceMirroringController:
    """A component; see the module."""

    name = "endpointslicemirroring"

    def __init__(self, context: Context) -> None:
        self._services = context.informers.informer("services")
        self._endpoints = context.informers.informer("endpoints")
        self._slices = context.informers.informer(RESOURCE)
        self._slices.add_index("service", service_index)
        self._writer = SliceWriter(context.client, context.clock, self._slices)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._services, self._endpoints, self._slices),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        for informer in (self._services, self._endpoints):
            self.loop.follow(informer)
        self._slices.add_handler(self._slice_seen, lambda old, new: self._slice_seen(new), self._slice_gone)

    async def run(self) -> None:
        await self.loop.run()

    def _slice_seen(self, found: Object) -> None:
        if (service := service_of(found, MANAGER)) is not None:
            self._writer.seen(service, found)
            self.loop.queue.add(service)

    def _slice_gone(self, found: Object) -> None:
        if (service := service_of(found, MANAGER)) is not None:
            self._writer.forget(service, found["metadata"]["name"])
            self.loop.queue.add(service)

    async def _reconcile(self, key: Key) -> None:
        if not self._writer.is_current(key):
            raise Retry(STALE_RETRY_SECONDS)
        service, endpoints = self._services.get(*key), self._endpoints.get(*key)
        existing = [s for s in self._slices.by_index("service", "/".join(key)) if service_of(s, MANAGER)]
        if service is None or endpoints is None or service["spec"].get("selector") or not is_mirrored(endpoints):
            await self._writer.write(key, Plan([], [], existing))
            return
        reference = owners.controller_reference(endpoints, lookup("endpoints"))
        labels = endpoints["metadata"].get("labels") or {}
        template = slices.template(service, reference, MANAGER, labels, headless=addresses.is_headless(service))
        groups = slices.grouped(mirrored(endpoints))
        families = sorted({group.address_type for group in groups.values()})
        await self._writer.write(key, slices.plan(template, groups, existing, families))
