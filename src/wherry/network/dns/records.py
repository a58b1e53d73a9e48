"""Resource records and their wire form.

Names are text without the last dot; what is looked up is in lower case. Labels may hold any byte but a dot (decoded as
Latin-1), which is enough: the cluster's names are ASCII, and other names are passed on as they came.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Type(IntEnum):
    """The types this server gives or treats specially; any other number is passed on."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    TXT = 16
    AAAA = 28
    SRV = 33
    OPT = 41
    ANY = 255


IN = 1
ANSWER_TTL = 30
"""As the Corefile that kubeadm writes."""
NEGATIVE_TTL = 5


class Malformed(Exception):
    """Bytes that are no DNS message."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `fixed` is the part of its data before a name, `target` the name, `rest` what comes after it."""

    name: str
    type: int
    fixed: bytes = b""
    target: str | None = None
    rest: bytes = b""
    ttl: int = ANSWER_TTL


def address(name: str, text: str) -> Record:
    """A or AAAA, as the address is."""
    parsed = ipaddress.ip_address(text)
    return Record(name, Type.A if parsed.version == 4 else Type.AAAA, parsed.packed)


def canonical_name(name: str, target: str) -> Record:
    return Record(name, Type.CNAME, target=target)


def pointer(name: str, target: str) -> Record:
    return Record(name, Type.PTR, target=target)


def name_server(name: str, target: str) -> Record:
    return Record(name, Type.NS, target=target)


def service(name: str, port: int, target: str, *, priority: int = 0, weight: int = 100) -> Record:
    return Record(name, Type.SRV, struct.pack("!HHH", priority, weight, port), target)


def text(name: str, value: str) -> Record:
    data = value.encode()
    return Record(name, Type.TXT, bytes([len(data)]) + data)


def start_of_authority(zone: str, serial: int) -> Record:
    """Its TTL and its last number say how long a resolver may keep that a name does not exist (RFC 2308)."""
    numbers = struct.pack("!IIIII", serial & 0xFFFFFFFF, 7200, 1800, 86400, NEGATIVE_TTL)
    mailbox = encode_name(f"hostmaster.{zone}")
    return Record(zone, Type.SOA, target=f"ns.dns.{zone}", rest=mailbox + numbers, ttl=NEGATIVE_TTL)


def reverse_name(text: str) -> str:
    """`4.3.2.10.in-addr.arpa` for `10.2.3.4`."""
    return ipaddress.ip_address(text).reverse_pointer


def encode_name(name: str) -> bytes:
    """Uncompressed. Raises `Malformed` for what is too long."""
    if not name:
        return b"\0"
    encoded = b""
    for label in name.split("."):
        data = label.encode("latin-1", "replace")
        if not 0 < len(data) < 64:
            raise Malformed(f"label {label!r}")
        encoded += bytes([len(data)]) + data
    if len(encoded) > 254:
        raise Malformed(f"name of {len(encoded)} bytes")
    return encoded + b"\0"


class Writer:
    """Collects a message; names that were written before are pointed to (RFC 1035, 4.1.4)."""

    __slots__ = ("_names", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self._names: dict[str, int] = {}

    def name(self, name: str, *, compress: bool = True) -> None:
        rest = name
        while rest:
            known = self._names.get(rest.lower())
            if known is not None and compress:
                self.data += struct.pack("!H", 0xC000 | known)
                return
            if known is None and len(self.data) < 0x4000:
                self._names[rest.lower()] = len(self.data)
            label, _, rest = rest.partition(".")
            data = label.encode("latin-1", "replace")
            self.data.append(len(data))
            self.data += data
        self.data.append(0)

    def records(self, records: Sequence[Record]) -> None:
        for record in records:
            self.record(record)

    def record(self, record: Record) -> None:
        self.name(record.name)
        self.data += struct.pack("!HHIH", record.type, IN, record.ttl, 0)
        start = len(self.data)
        self.data += record.fixed
        if record.target is not None:
            # Names in SRV must not be compressed (RFC 2782).
            self.name(record.target, compress=record.type != Type.SRV)
        self.data += record.rest
        struct.pack_into("!H", self.data, start - 2, len(self.data) - start)
