"""Pools of addresses and ports: which are free is asked of the caller, which one to take is decided here.

The lower part of each range is left for those who ask for a certain one (KEP-3070, KEP-3668).
"""

from __future__ import annotations

import random
from collections.abc import Container
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class Exhausted(Exception):
    """Nothing is left."""


class AddressPool:
    """The addresses of services: all of the network but its first and (IPv4) its last."""

    def __init__(self, cidr: str) -> None:
        self.network: IPv4Network | IPv6Network = ip_network(cidr)
        self._first = int(self.network.network_address) + 1
        size = self.network.num_addresses - (2 if self.network.version == 4 else 1)
        self._size = min(size, 1 << 16)
        self._reserved = min(max(16, self._size // 16), 256) if self._size > 16 else 0

    @property
    def family(self) -> str:
        return f"IPv{self.network.version}"

    def __contains__(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return parsed in self.network and 0 <= int(parsed) - self._first < self._size

    def first(self) -> str:
        return str(ip_address(self._first))

    def pick(self, taken: Container[str], rng: random.Random) -> str:
        """A free address. Raises `Exhausted`."""
        for low, high in ((self._reserved, self._size), (0, self._reserved)):
            if high <= low:
                continue
            start = rng.randrange(low, high)
            for offset in range(high - low):
                address = str(ip_address(self._first + low + (start - low + offset) % (high - low)))
                if address not in taken:
                    return address
        raise Exhausted


class PortPool:
    """A range of port numbers, the last included."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        size = last - first + 1
        self._reserved = min(max(16, size // 32), 128) if size > 16 else 0

    def __contains__(self, port: int) -> bool:
        return self.first <= port <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def pick(self, taken: Container[int], rng: random.Random) -> int:
        """A free port. Raises `Exhausted`."""
        middle, end = self.first + self._reserved, self.last + 1
        for low, high in ((middle, end), (self.first, middle)):
            if high <= low:
                continue
            start = rng.randrange(low, high)
            for offset in range(high - low):
                port = low + (start - low + offset) % (high - low)
                if port not in taken:
                    return port
        raise Exhausted
