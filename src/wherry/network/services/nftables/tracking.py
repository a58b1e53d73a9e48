"""The kernel's memory of connections, where UDP needs it corrected.

A UDP "connection" is remembered as long as its client goes on sending, so a client that never closes its socket would be
sent to an endpoint that is long gone. TCP clients notice; for UDP the entry is deleted. No tool is needed: the kernel is
asked by netlink.
Source: linux/netfilter/nfnetlink_conntrack.h; kube-proxy's conntrack reconciler.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from wherry.base import netns

Spot = tuple[str, int]
"""An address and a UDP port."""

_NETLINK_NETFILTER = 12
_GET, _DELETE = 0x101, 0x102
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_FAMILY = struct.pack("!BBH", socket.AF_INET, 0, 0)
_KIND = 0x3FFF
_ORIGINAL, _REPLY = 1, 2
_ADDRESSES, _PORTS = 1, 2
_SOURCE, _DESTINATION = 1, 2
_PROTOCOL, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_PATIENCE_SECONDS = 2.0


class Tracked(NamedTuple):
    """An entry: where its client sent to, and who answers. `original` is the kernel's own description of it."""

    protocol: int
    sent_to: Spot
    answered_by: Spot
    original: bytes


def stale(entry: Tracked, goals: Mapping[Spot, Collection[Spot]]) -> bool:
    """Whether a UDP entry leads where its Service does not lead any more. `goals`: the endpoints by what clients send to."""
    allowed = goals.get(entry.sent_to)
    return entry.protocol == socket.IPPROTO_UDP and allowed is not None and entry.answered_by not in allowed


def forget_stale(namespace: Path, goals: Mapping[Spot, Collection[Spot]]) -> int:
    """Delete the entries of a namespace that are stale; gives how many. Blocks shortly. Raises `OSError`."""
    with netns.socket_in(
        namespace, socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER, nonblocking=False
    ) as kernel:
        kernel.settimeout(_PATIENCE_SECONDS)
        kernel.sendall(_message(_GET, _REQUEST | _DUMP))
        found = [entry for data in _dumped(kernel) for entry in parse(data) if stale(entry, goals)]
        for entry in found:
            # Never without its description: that would be the order to forget everything.
            kernel.sendall(_message(_DELETE, _REQUEST | _ACK, entry.original))
            kernel.recv(65536)
        return len(found)


def parse(data: bytes) -> Iterator[Tracked]:
    """The IPv4 entries in what one read of a dump gave."""
    for kind, body in _messages(data):
        if kind & 0xFF or kind < 0x100:
            continue
        parts = dict(_attributes(body[len(_FAMILY) :]))
        if _ORIGINAL not in parts or _REPLY not in parts:
            continue
        protocol, _, sent_to = _ends(parts[_ORIGINAL])
        _, answered_by, _ = _ends(parts[_REPLY])
        if sent_to is not None and answered_by is not None:
            yield Tracked(protocol, sent_to, answered_by, _nested(_ORIGINAL, parts[_ORIGINAL]))


def _dumped(kernel: socket.socket) -> Iterator[bytes]:
    while True:
        data = kernel.recv(1 << 18)
        for kind, body in _messages(data):
            if kind == _ERROR and (number := -struct.unpack_from("=i", body)[0]):
                raise OSError(number, f"connection tracking: {os.strerror(number)}")
        yield data
        if any(kind in (_DONE, _ERROR) for kind, _ in _messages(data)):
            return


def _ends(body: bytes) -> tuple[int, Spot | None, Spot | None]:
    """Protocol, source and destination of one direction."""
    parts = dict(_attributes(body))
    addresses, ports = dict(_attributes(parts.get(_ADDRESSES, b""))), dict(_attributes(parts.get(_PORTS, b"")))
    protocol = ports.get(_PROTOCOL, b"\0")[0]
    source = _spot(addresses.get(_SOURCE), ports.get(_SOURCE_PORT))
    return protocol, source, _spot(addresses.get(_DESTINATION), ports.get(_DESTINATION_PORT))


def _spot(address: bytes | None, port: bytes | None) -> Spot | None:
    if address is None or port is None or len(address) != 4:
        return None
    return socket.inet_ntoa(address), int.from_bytes(port, "big")


def _message(kind: int, flags: int, body: bytes = b"") -> bytes:
    return _HEADER.pack(_HEADER.size + len(_FAMILY) + len(body), kind, flags, 1, 0) + _FAMILY + body


def _nested(kind: int, body: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(body), kind | 0x8000) + body


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, position)
        if length < _HEADER.size:
            raise OSError(errno.EBADMSG, "connection tracking: a message of no length")
        yield kind, data[position + _HEADER.size : position + length]
        position += (length + 3) & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, position)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _KIND, data[position + _ATTRIBUTE.size : position + length]
        position += (length + 3) & ~3
