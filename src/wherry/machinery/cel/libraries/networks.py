"""IP addresses and CIDRs. Source: k8s.io/apiserver/pkg/cel/library/ip.go and cidr.go; Go's `net/netip`."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import ceil
from typing import Any

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import BOOL, INT, STRING, Type, opaque
from wherry.machinery.cel.values import EvaluationError, Opaque

IP_TYPE: Type = opaque("net.IP")
CIDR_TYPE: Type = opaque("net.CIDR")
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")


class Ip(Opaque):
    __slots__ = ("address",)
    cel_type = IP_TYPE

    def __init__(self, address: IPv4Address | IPv6Address) -> None:
        self.address = address

    def __len__(self) -> int:
        return self.address.max_prefixlen // 8

    def __bool__(self) -> bool:
        return True

    def same(self, other: Any) -> bool:
        return isinstance(other, Ip) and self.address == other.address

    def __str__(self) -> str:
        return str(self.address)


class Cidr(Opaque):
    """An address with the length of its prefix; `address` may have bits behind the prefix."""

    __slots__ = ("address", "length", "network")
    cel_type = CIDR_TYPE

    def __init__(self, address: IPv4Address | IPv6Address, length: int) -> None:
        self.address = address
        self.length = length
        self.network: IPv4Network | IPv6Network = ip_network((address, length), strict=False)

    def __len__(self) -> int:
        return ceil(self.length / 8)

    def __bool__(self) -> bool:
        return True

    def same(self, other: Any) -> bool:
        return isinstance(other, Cidr) and (self.address, self.length) == (other.address, other.length)

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


def parse_ip(text: str) -> Ip:
    """Raises `EvaluationError`."""
    try:
        if "%" in text:
            raise EvaluationError(f"IP address {_quoted(text)} with zone value is not allowed")
        address = ip_address(text)
    except ValueError as error:
        raise EvaluationError(
            f"IP Address {_quoted(text)} parse error during conversion from string: ParseAddr({_quoted(text)}): unable to parse IP"
        ) from error
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise EvaluationError(f"IPv4-mapped IPv6 address {_quoted(text)} is not allowed")
    return Ip(address)


def parse_cidr(text: str) -> Cidr:
    """Raises `EvaluationError`."""
    why = f"network address parse error during conversion from string: network address parse error: netip.ParsePrefix({_quoted(text)})"
    host, slash, length = text.rpartition("/")
    if not slash:
        raise EvaluationError(f"{why}: no '/'")
    try:
        address = ip_address(host)
    except ValueError as error:
        raise EvaluationError(f"{why}: ParseAddr({_quoted(host)}): unable to parse IP") from error
    if "%" in host:
        raise EvaluationError(f"{why}: IPv6 zones cannot be present in a prefix")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise EvaluationError(f"IPv4-mapped IPv6 address {_quoted(text)} is not allowed")
    if _PREFIX.fullmatch(length) is None:
        raise EvaluationError(f"{why}: bad bits after slash: {_quoted(length)}")
    if int(length) > address.max_prefixlen:
        raise EvaluationError(f"{why}: prefix length out of range")
    return Cidr(address, int(length))


def _quoted(text: str) -> str:
    return f'"{text}"'


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def run(text: str) -> bool:
        try:
            parse(text)
        except EvaluationError:
            return False
        return True

    return run


def _is_global_unicast(ip: Ip) -> bool:
    address = ip.address
    broadcast = isinstance(address, IPv4Address) and int(address) == 0xFFFFFFFF
    other = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not (other or broadcast)


def _is_link_local_multicast(ip: Ip) -> bool:
    address = ip.address
    if isinstance(address, IPv4Address):
        return address.packed[:3] == b"\xe0\x00\x00"
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 2


def _contains(cidr: Cidr, ip: Ip) -> bool:
    return ip.address.version == cidr.network.version and ip.address in cidr.network


def _contains_cidr(cidr: Cidr, other: Cidr) -> bool:
    same = other.network.version == cidr.network.version
    return same and other.length >= cidr.length and other.network.network_address in cidr.network


LIBRARY: Library = library(
    globals_=[
        ("ip", "string_to_ip", (STRING,), IP_TYPE, parse_ip),
        ("isIP", "is_ip", (STRING,), BOOL, _parses(parse_ip)),
        ("ip.isCanonical", "ip_is_canonical", (STRING,), BOOL, lambda text: str(parse_ip(text)) == text),
        ("cidr", "string_to_cidr", (STRING,), CIDR_TYPE, parse_cidr),
        ("isCIDR", "is_cidr", (STRING,), BOOL, _parses(parse_cidr)),
        ("string", "ip_to_string", (IP_TYPE,), STRING, str),
        ("string", "cidr_to_string", (CIDR_TYPE,), STRING, str),
    ],
    members=[
        ("family", "ip_family", (IP_TYPE,), INT, lambda ip: ip.address.version),
        ("isUnspecified", "ip_is_unspecified", (IP_TYPE,), BOOL, lambda ip: ip.address.is_unspecified),
        ("isLoopback", "ip_is_loopback", (IP_TYPE,), BOOL, lambda ip: ip.address.is_loopback),
        ("isLinkLocalMulticast", "ip_is_link_local_multicast", (IP_TYPE,), BOOL, _is_link_local_multicast),
        ("isLinkLocalUnicast", "ip_is_link_local_unicast", (IP_TYPE,), BOOL, lambda ip: ip.address.is_link_local),
        ("isGlobalUnicast", "ip_is_global_unicast", (IP_TYPE,), BOOL, _is_global_unicast),
        ("containsIP", "cidr_contains_ip_string", (CIDR_TYPE, STRING), BOOL, lambda cidr, ip: _contains(cidr, parse_ip(ip))),
        ("containsIP", "cidr_contains_ip_ip", (CIDR_TYPE, IP_TYPE), BOOL, _contains),
        ("containsCIDR", "cidr_contains_cidr_string", (CIDR_TYPE, STRING), BOOL, lambda cidr, other: _contains_cidr(cidr, parse_cidr(other))),
        ("containsCIDR", "cidr_contains_cidr", (CIDR_TYPE, CIDR_TYPE), BOOL, _contains_cidr),
        ("ip", "cidr_ip", (CIDR_TYPE,), IP_TYPE, lambda cidr: Ip(cidr.address)),
        ("prefixLength", "cidr_prefix_length", (CIDR_TYPE,), INT, lambda cidr: cidr.length),
        ("masked", "cidr_masked", (CIDR_TYPE,), CIDR_TYPE, lambda cidr: Cidr(cidr.network.network_address, cidr.length)),
    ],
    types={"net.IP": IP_TYPE, "net.CIDR": CIDR_TYPE},
)  # fmt: skip
