"""Which pod has which address, kept in a directory so that a new agent finds it again.

One file per address, named by it, holding the pod's uid; making the file is what takes the address (it fails if it is
there), so even two processes cannot give it twice. An address that was given back is used again as late as possible.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path


class AddressesExhausted(Exception):
    """Every address of the range is in use."""


class AddressPool:
    """The addresses of one node's pods. `reserved` ones are never given."""

    def __init__(self, cidr: str, directory: Path, *, reserved: Iterable[str] = ()) -> None:
        self._network = ipaddress.ip_network(cidr)
        self._directory = directory
        edges = (str(self._network.network_address), str(self._network.broadcast_address))
        self._reserved = {*reserved, *edges}
        self._by_owner: dict[str, str] = {}
        self._cursor = 0

    def open(self) -> None:
        """Read what is taken; files that name no address of the range are removed."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._by_owner.clear()
        for file in sorted(self._directory.iterdir()):
            if self._belongs(file.name) and (owner := file.read_text().strip()):
                self._by_owner[owner] = file.name
                self._cursor = max(self._cursor, self._offset(file.name) + 1)
            else:
                file.unlink(missing_ok=True)

    def owners(self) -> dict[str, str]:
        """Address by owner."""
        return dict(self._by_owner)

    def take(self, owner: str) -> str:
        """The owner's address: the one it has, else a free one. Raises `AddressesExhausted`."""
        if owner in self._by_owner:
            return self._by_owner[owner]
        taken = set(self._by_owner.values()) | self._reserved
        for address in self._candidates():
            if address not in taken and self._claim(address, owner):
                self._by_owner[owner] = address
                self._cursor = self._offset(address) + 1
                return address
        raise AddressesExhausted(f"all {len(taken) - len(self._reserved)} pod addresses of {self._network} are in use")

    def give_back(self, owner: str) -> None:
        if address := self._by_owner.pop(owner, None):
            (self._directory / address).unlink(missing_ok=True)

    def _claim(self, address: str, owner: str) -> bool:
        try:
            descriptor = os.open(self._directory / address, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w") as file:
            file.write(owner)
        return True

    def _candidates(self) -> Iterator[str]:
        size = self._network.num_addresses
        return (str(self._network[offset % size]) for offset in itertools.islice(itertools.count(self._cursor), size))

    def _offset(self, address: str) -> int:
        return int(ipaddress.ip_address(address)) - int(self._network.network_address)

    def _belongs(self, name: str) -> bool:
        try:
            return ipaddress.ip_address(name) in self._network
        except ValueError:
            return False
