"""The records that a Service and its EndpointSlices, and a Namespace, stand for. Pure.

Source: Kubernetes DNS-Based Service Discovery 1.1.0, sections 2.2 to 2.5; where it leaves a choice, as CoreDNS does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.network.dns import records
from wherry.network.dns.records import Record

VERSION = "1.1.0"


@dataclass(frozen=True, slots=True)
class Target:
    """A ready endpoint: its name below the Service, its addresses, and its ports as (name, protocol, number)."""

    hostname: str
    address: str
    ports: tuple[tuple[str, str, int], ...]


def zone_records(zone: str, name_server_address: str) -> list[Record]:
    """What belongs to the zone itself."""
    server = f"ns.dns.{zone}"
    return [
        records.text(f"dns-version.{zone}", VERSION),
        records.name_server(zone, server),
        records.address(server, name_server_address),
    ]


def namespace_record(zone: str, namespace: str) -> list[Record]:
    """Makes `NAMESPACE.svc` and `NAMESPACE.pod` exist without giving them anything to say: the type 0 is never asked."""
    return [Record(f"{namespace}.{kind}.{zone}", 0) for kind in ("svc", "pod")]


def service_records(service: Object | None, slices: Iterable[Object], zone: str) -> list[Record]:
    """Everything that a Service says; nothing for one that is gone."""
    if service is None:
        return []
    metadata, spec = service["metadata"], service["spec"]
    name = f"{metadata['name']}.{metadata['namespace']}.svc.{zone}"
    if spec.get("type") == "ExternalName":
        return [records.canonical_name(name, spec["externalName"].rstrip(".").lower())]
    addresses = [a for a in spec.get("clusterIPs") or [spec.get("clusterIP")] if a]
    targets = list(_targets(slices))
    if addresses == ["None"]:
        found = [*_headless(name, targets)]
    else:
        found = [*_cluster_ips(name, addresses, spec.get("ports") or ())]
    return [*found, *_endpoint_names(name, targets)]


def _cluster_ips(name: str, addresses: Sequence[str], ports: Sequence[Object]) -> Iterator[Record]:
    for address in addresses:
        yield records.address(name, address)
        yield records.pointer(records.reverse_name(address), name)
    for port in ports:
        if port.get("name"):
            yield records.service(_service_name(port["name"], port.get("protocol", "TCP"), name), port["port"], name)


def _headless(name: str, targets: Sequence[Target]) -> Iterator[Record]:
    weight = max(1, 100 // max(1, len(targets)))
    for target in targets:
        yield records.address(name, target.address)
        for port, protocol, number in target.ports:
            if port:
                owner = _service_name(port, protocol, name)
                yield records.service(owner, number, f"{target.hostname}.{name}", weight=weight)


def _endpoint_names(name: str, targets: Sequence[Target]) -> Iterator[Record]:
    for target in targets:
        own = f"{target.hostname}.{name}"
        yield records.address(own, target.address)
        yield records.pointer(records.reverse_name(target.address), own)


def _service_name(port: str, protocol: str, name: str) -> str:
    return f"_{port}._{protocol}.{name}".lower()


def _targets(slices: Iterable[Object]) -> Iterator[Target]:
    for slice_ in slices:
        if slice_.get("addressType") not in ("IPv4", "IPv6"):
            continue
        ports = tuple(
            (port.get("name") or "", port.get("protocol", "TCP"), port["port"])
            for port in slice_.get("ports") or ()
            if port.get("port")
        )
        for entry in slice_.get("endpoints") or ():
            if (entry.get("conditions") or {}).get("ready") is False:
                continue
            for address in entry.get("addresses") or ():
                yield Target(entry.get("hostname") or address.replace(".", "-").replace(":", "-"), address, ports)
