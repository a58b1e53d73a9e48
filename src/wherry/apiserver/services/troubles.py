"""Addresses and ports of stored services that cannot be right, in upstream's words. Pure.

Source: pkg/registry/core/service/{ipallocator,portallocator}/controller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wherry.apiserver.services.ip_objects import family_of
from wherry.apiserver.services.pools import PortPool
from wherry.apiserver.services.ranges import Ranges
from wherry.apiserver.services.used import Used

Trouble = tuple[tuple[str, str], str, str, str]
"""Namespace and name of a service, reason, action, message."""


def troubles(
    stored: Mapping[str, Used],
    address_owner: Mapping[str, str],
    port_owner: Mapping[int, str],
    ranges: Ranges,
    ports: PortPool,
) -> Iterator[Trouble]:
    """By key of the service in the store. Of two with one address, the one that does not own it is told."""
    for key, used in stored.items():
        namespace, name = key.split("/")[-2:]
        for address in sorted(used.addresses):
            family, action = family_of(address), "ClusterIPAllocation"
            if address_owner.get(address) != key:
                text = f"Cluster IP [{family}]:{address} was assigned to multiple services; please recreate service"
                yield (namespace, name), "ClusterIPAlreadyAllocated", action, text
            elif address not in ranges:
                text = f"Cluster IP [{family}]: {address} is not within any configured Service CIDR; please recreate service"
                yield (namespace, name), "ClusterIPOutOfRange", action, text
        for port in sorted(used.ports):
            if port_owner.get(port) != key:
                text = f"Port {port} was assigned to multiple services; please recreate service"
                yield (namespace, name), "PortAlreadyAllocated", "PortAllocation", text
            elif port not in ports:
                text = f"Port {port} is not within the port range {ports}; please recreate service"
                yield (namespace, name), "PortOutOfRange", "PortAllocation", text
