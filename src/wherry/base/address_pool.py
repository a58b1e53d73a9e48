"""A stock of IPv4 addresses, written as networks and ranges: `10.130.0.0/24,192.168.7.10-192.168.7.20`."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address, summarize_address_range


@dataclass(frozen=True, slots=True)
class AddressPool:
    """`networks` hold exactly the pool's addresses; the first and the last of a network of four or more are not given out."""

    text: str
    networks: tuple[IPv4Network, ...] = ()

    def __contains__(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return isinstance(address, IPv4Address) and any(address in network for network in self.networks)

    def first_free(self, taken: Container[str]) -> str | None:
        """The lowest address that is not taken; None where all are."""
        return next((text for address in self._addresses() if (text := str(address)) not in taken), None)

    def _addresses(self) -> Iterator[IPv4Address]:
        for network in self.networks:
            yield from network.hosts()


def parse_pool(text: str) -> AddressPool:
    """Raises `ValueError`; its message names the part that cannot be read."""
    networks = [network for part in text.split(",") if part.strip() for network in _networks(part.strip())]
    for number, network in enumerate(networks):
        if any(network.overlaps(other) for other in networks[:number]):
            raise ValueError(f"{network} is there twice")
    return AddressPool(text, tuple(networks))


def _networks(part: str) -> list[IPv4Network]:
    try:
        first, dash, last = part.partition("-")
        if not dash:
            return [IPv4Network(part)]
        found = summarize_address_range(IPv4Address(first.strip()), IPv4Address(last.strip()))
        # As single addresses where they are few: then none is left out.
        return [each for network in found for each in _split(network)]
    except ValueError as error:
        raise ValueError(
            f"{part} is no IPv4 network such as 10.130.0.0/24, nor a range such as 10.0.0.5-10.0.0.9"
        ) from error


def _split(network: IPv4Network) -> list[IPv4Network]:
    return list(network.subnets(new_prefix=31)) if 24 <= network.prefixlen < 31 else [network]
