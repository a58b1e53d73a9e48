"""The component that keeps a dataplane true to Services and EndpointSlices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.informer import Informer, SharedInformers
from wherry.network.services.dataplane import Dataplane, DataplaneFailure
from wherry.network.services.endpoints import Place
from wherry.network.services.model import Key, ServicePort
from wherry.network.services.nftables.dataplane import NftablesDataplane
from wherry.network.services.reading import service_of, service_ports

COALESCE_SECONDS = 0.1
"""How long changes are gathered after one was applied; the first after a pause is applied at once."""
COALESCE_FACTOR = 4.0
"""Nor is it shorter than this times what the last one took, so that churn in a large cluster cannot eat the machine."""

RETRY = Backoff(initial=0.2, cap=30.0)

_log = Logger("network")


class NodePlace(Protocol):
    """What the proxy needs of a node's network (`nodes.NodeNetwork` has it)."""

    @property
    def namespace(self) -> Path | None: ...
    @property
    def node_addresses(self) -> Sequence[str]: ...


class DataplaneKeeper:
    """Reads what has changed into a model and hands it to a dataplane. A component: run until cancelled.

    `applied` is set once the first state is in force.
    """

    def __init__(self, *, informers: SharedInformers, dataplane: Dataplane, clock: Clock, place: Place) -> None:
        self._services: Informer = informers.informer("services")
        self._slices: Informer = informers.informer("endpointslices.discovery.k8s.io")
        self._slices.add_index("service", _index)
        self._dataplane = dataplane
        self._clock = clock
        self._place = place
        self._model: dict[Key, tuple[ServicePort, ...]] = {}
        self._dirty: set[Key] = set()
        self._wake = asyncio.Event()
        self.applied = asyncio.Event()

    async def run(self) -> None:
        services = self._services.add_handler(self._service, lambda old, new: self._service(new), self._service)
        slices = self._slices.add_handler(self._slice, self._slice_moved, self._slice)
        try:
            await self._services.wait_synced()
            await self._slices.wait_synced()
            await self._apply(everything=True)
            while True:
                await self._wake.wait()
                began = self._clock.monotonic()
                await self._apply()
                took = self._clock.monotonic() - began
                await self._clock.sleep(max(COALESCE_SECONDS, COALESCE_FACTOR * took))
        finally:
            self._services.remove_handler(services)
            self._slices.remove_handler(slices)
            await self._dataplane.close()

    async def _apply(self, *, everything: bool = False) -> None:
        """Put in force what there is now; tries until it works, each time with what is then the newest."""
        failures = 0
        while True:
            changed = self._read()
            if not changed and not everything:
                return
            try:
                await self._dataplane.apply(self._model, None if everything else changed)
                self.applied.set()
                return
            except DataplaneFailure as error:
                failures += 1
                everything = True
                delay = RETRY.delay(failures)
                _log.error(
                    "cannot set up Services, trying again", node=self._place.node, error=str(error), seconds=delay
                )
                await self._clock.sleep(delay)

    def _read(self) -> set[Key]:
        """Bring the model up to date; gives the Services that really differ."""
        self._wake.clear()
        dirty, self._dirty = self._dirty, set()
        return {key for key in dirty if self._read_one(key)}

    def _read_one(self, key: Key) -> bool:
        slices = self._slices.by_index("service", "/".join(key))
        ports = service_ports(self._services.get(*key), slices, place=self._place)
        if ports == self._model.get(key, ()):
            return False
        if ports:
            self._model[key] = ports
        else:
            del self._model[key]
        return True

    def _service(self, service: Object) -> None:
        metadata = service["metadata"]
        self._touch((metadata["namespace"], metadata["name"]))

    def _slice(self, slice_: Object) -> None:
        self._touch(service_of(slice_))

    def _slice_moved(self, old: Object, new: Object) -> None:
        self._touch(service_of(old))
        self._touch(service_of(new))

    def _touch(self, key: Key) -> None:
        if key[1]:
            self._dirty.add(key)
            self._wake.set()


class ServiceProxy(DataplaneKeeper):
    """Services on one node with a network namespace of its own, by nftables."""

    def __init__(
        self,
        *,
        informers: SharedInformers,
        network: NodePlace,
        clock: Clock,
        node_name: str,
        pod_cidr: str,
        service_cidr: str = "",
        zone: str = "",
    ) -> None:
        """`pod_cidr` is the whole cluster's."""

        def namespace() -> Path:
            found = network.namespace
            if found is None:
                raise DataplaneFailure("the node has no network namespace")
            return found

        super().__init__(
            informers=informers,
            dataplane=NftablesDataplane(
                namespace=namespace,
                node_addresses=network.node_addresses,
                pod_cidr=pod_cidr,
                service_cidr=service_cidr,
            ),
            clock=clock,
            place=Place(node=node_name, zone=zone),
        )


def _index(slice_: Object) -> tuple[str]:
    return ("/".join(service_of(slice_)),)
