"""The cluster's DNS server: fed by informers, found through the Service `kube-dns`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.client import Client
from wherry.client.informer import Handler, Informer, SharedInformers
from wherry.network.dns import publication
from wherry.network.dns.objects import namespace_record, service_records, zone_records
from wherry.network.dns.resolver import Resolver
from wherry.network.dns.server import DnsListener
from wherry.network.dns.upstream import Server, Upstream
from wherry.network.dns.zone import Records
from wherry.network.services.model import Key
from wherry.network.services.reading import SERVICE_NAME

_INDEX = "service-name"
_RETRY = Backoff(initial=0.2, cap=10.0)
_log = Logger("dns")


class ClusterNames:
    """Keeps `records` true to Services, EndpointSlices and Namespaces, one Service at a time."""

    def __init__(self, *, informers: SharedInformers, zone: str, cluster_ip: str) -> None:
        self.records = Records()
        self.records.replace("zone", zone_records(zone, cluster_ip))
        self._zone = zone
        self._services: Informer = informers.informer("services")
        self._slices: Informer = informers.informer("endpointslices.discovery.k8s.io")
        self._namespaces: Informer = informers.informer("namespaces")
        self._slices.add_index(_INDEX, lambda slice_: ("/".join(_owner(slice_)),))
        self._handlers: list[tuple[Informer, Handler]] = []

    def open(self) -> None:
        """Begin to follow; what is there already is read at once."""
        self._follow(self._services, lambda service: self._read(_key(service)))
        self._follow(self._slices, lambda slice_: self._read(_owner(slice_)))
        self._follow(self._namespaces, self._namespace)

    def close(self) -> None:
        for informer, handler in self._handlers:
            informer.remove_handler(handler)
        self._handlers.clear()

    async def wait_synced(self) -> None:
        for informer in (self._services, self._slices, self._namespaces):
            await informer.wait_synced()

    def _follow(self, informer: Informer, read: Callable[[Object], None]) -> None:
        def moved(old: Object, new: Object) -> None:
            if _owner(old) != _owner(new):
                read(old)
            read(new)

        self._handlers.append((informer, informer.add_handler(read, moved, read)))

    def _read(self, key: Key) -> None:
        slices = self._slices.by_index(_INDEX, "/".join(key))
        self.records.replace(key, service_records(self._services.get(*key), slices, self._zone))

    def _namespace(self, namespace: Object) -> None:
        name = namespace["metadata"]["name"]
        there = self._namespaces.get("", name) is not None
        self.records.replace(("namespace", name), namespace_record(self._zone, name) if there else [])


class DnsServer:
    """Cluster DNS, one for the whole cluster. A component.

    It listens on `address` at `port`, or at any free port where that one cannot be had: the Service leads to the right
    one. `address` is what nodes and pods reach it at; `cluster_ip` is the address of the Service. `serving` is set once it
    answers, `published` once the Service leads to it.
    """

    def __init__(
        self,
        *,
        informers: SharedInformers,
        client: Client,
        clock: Clock,
        cluster_ip: str,
        address: str,
        port: int = publication.PORT,
        cluster_domain: str = "cluster.local",
        resolv_conf: Path | None = Path("/etc/resolv.conf"),
        upstream_servers: Sequence[Server] = (),
    ) -> None:
        """Everything outside of the cluster's domain goes to `upstream_servers`, else to those in `resolv_conf`."""
        zone = cluster_domain.strip(".").lower()
        self._names = ClusterNames(informers=informers, zone=zone, cluster_ip=cluster_ip)
        upstream = Upstream(clock=clock, resolv_conf=resolv_conf, servers=upstream_servers, own=(cluster_ip, address))
        self._resolver = Resolver(names=self._names.records, zone=zone, upstream=upstream, clock=clock)
        self._listener = DnsListener(self._resolver, clock=clock)
        self._services = informers.informer("services")
        self._client = client
        self._clock = clock
        self._cluster_ip = cluster_ip
        self._address = address
        self._wanted_port = port
        self._lost = asyncio.Event()
        self.serving = asyncio.Event()
        self.published = asyncio.Event()

    @property
    def port(self) -> int:
        """Where it really listens; 0 until `serving`."""
        return self._listener.port

    async def run(self) -> None:
        watched = self._services.add_handler(on_delete=self._deleted)
        self._names.open()
        try:
            await self._names.wait_synced()
            await self._listen()
            self.serving.set()
            while True:
                await self._publish()
                await self._lost.wait()
        finally:
            self._services.remove_handler(watched)
            self._names.close()
            await self._listener.close()
            await self._resolver.close()

    async def _listen(self) -> None:
        try:
            await self._listener.open(self._address, self._wanted_port)
        except OSError as error:
            if not self._wanted_port:
                raise
            await self._listener.open(self._address, 0)
            _log.info(
                "the usual port cannot be had, listening at another one",
                address=self._address,
                port=self._listener.port,
                usual=self._wanted_port,
                error=error.strerror or str(error),
            )

    async def _publish(self) -> None:
        failures = 0
        while True:
            self._lost.clear()
            try:
                await publication.publish(
                    self._client, cluster_ip=self._cluster_ip, address=self._address, port=self._listener.port
                )
            except (StatusError, ConnectionError, TimeoutError, OSError) as error:
                failures += 1
                delay = _RETRY.delay(failures)
                _log.warning("cannot publish the DNS server, trying again", error=str(error), seconds=delay)
                await self._clock.sleep(delay)
                continue
            self.published.set()
            return

    def _deleted(self, service: Object) -> None:
        if _key(service) == (publication.NAMESPACE, publication.NAME):
            self._lost.set()


def _key(obj: Object) -> Key:
    metadata: dict[str, Any] = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _owner(obj: Object) -> Key:
    """The Service of a slice."""
    metadata: dict[str, Any] = obj["metadata"]
    return metadata.get("namespace", ""), (metadata.get("labels") or {}).get(SERVICE_NAME, "")
