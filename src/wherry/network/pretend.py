"""The network of pods that only pretend: addresses that nothing listens at."""

from __future__ import annotations

import errno
import ipaddress
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wherry.api.pod_network import NetworkFailure, PodAttachment
from wherry.wire.messages import ByteStream


class PretendNetwork:
    """A `PodNetwork` that hands out the addresses of a range in turn, as long as it lives."""

    nameserver_reachable = True

    def __init__(self, *, node_address: str, pod_cidr: str, dns_servers: Sequence[str] = ()) -> None:
        self.node_addresses: Sequence[str] = (node_address,)
        self.dns_servers = dns_servers
        self._cidr = pod_cidr
        self._free: list[str] = []
        self._fresh: Iterator[ipaddress.IPv4Address] = ipaddress.IPv4Network(pod_cidr).hosts()
        self._attached: dict[str, PodAttachment] = {}

    @property
    def namespace(self) -> Path | None:
        return None

    async def open(self) -> None:
        """Nothing has to be made."""

    async def close(self) -> None:
        """Nothing has to be let go."""

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment:
        """Raises `NetworkFailure` when the range is used up."""
        if pod_uid not in self._attached:
            address = self._take()
            if address is None:
                raise NetworkFailure(f"pod {namespace}/{name}: all addresses of {self._cidr} are in use")
            self._attached[pod_uid] = PodAttachment(pod_uid=pod_uid, addresses=(address,))
        return self._attached[pod_uid]

    def _take(self) -> str | None:
        fresh = next(self._fresh, None)
        if fresh is not None:
            return str(fresh)
        return self._free.pop(0) if self._free else None

    async def detach(self, pod_uid: str) -> None:
        if attachment := self._attached.pop(pod_uid, None):
            self._free.extend(attachment.addresses)

    def attached(self) -> Mapping[str, PodAttachment]:
        return dict(self._attached)

    async def connect(self, address: str, port: int, *, pod_uid: str | None = None) -> ByteStream:
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
