"""Addresses for pods that only pretend: nothing listens there, but no two pods of a node have the same."""

from __future__ import annotations

import ipaddress

FIRST_NETWORK = int(ipaddress.IPv4Address("100.64.0.0"))
"""Of the range that carriers use inside their networks (RFC 6598): 16,384 nodes with 254 pods each."""
MOST_NODES = 1 << 14


def network_of(number: int) -> str:
    """The pods' network of the node with a number from 1 on."""
    return f"{ipaddress.IPv4Address(FIRST_NETWORK + ((number - 1) % MOST_NODES << 8))}/24"


class Addresses:
    """The addresses of one node's pods, by uid."""

    def __init__(self, network: str) -> None:
        self._first = int(ipaddress.ip_network(network).network_address) + 1
        self._count = ipaddress.ip_network(network).num_addresses - 2
        self._of: dict[str, str] = {}
        self._used: set[str] = set()
        self._next = 0

    def keep(self, uid: str, address: str) -> None:
        """A pod that was there before has it."""
        self._of[uid] = address
        self._used.add(address)

    def take(self, uid: str) -> str:
        """The pod's address; a new one for a new pod. Empty when all are in use."""
        if uid in self._of:
            return self._of[uid]
        for _ in range(self._count):
            address = str(ipaddress.IPv4Address(self._first + self._next))
            self._next = (self._next + 1) % self._count
            if address not in self._used:
                self.keep(uid, address)
                return address
        return ""

    def give_back(self, uid: str) -> None:
        if (address := self._of.pop(uid, None)) is not None:
            self._used.discard(address)
