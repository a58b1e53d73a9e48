"""A pod network that only pretends: addresses out of a counter, and servers that tests put at them."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from wherry.api.pod_network import PodAttachment
from wherry.wire.memory import pipe
from wherry.wire.messages import ByteStream

Serve = Callable[[ByteStream], Awaitable[None]]


class FakePodNetwork:
    """Keep one over several agents to play their restarts. `failure` makes `attach` raise; with `maps_ports` the
    pods share an address, and each port of theirs is another one."""

    def __init__(self, *, node_address: str = "192.168.0.1", prefix: str = "10.244.0.") -> None:
        self.node_addresses: Sequence[str] = (node_address,)
        self.dns_servers: Sequence[str] = ("10.96.0.10",)
        self.nameserver_reachable = True
        self.failure: Exception | None = None
        self.maps_ports = False
        self.connections = 0
        self._prefix = prefix
        self._attached: dict[str, PodAttachment] = {}
        self._next = 2
        self._servers: dict[int, Serve] = {}
        self._serving: set[asyncio.Future[None]] = set()

    @property
    def namespace(self) -> Path | None:
        return None

    async def open(self) -> None:
        return

    async def close(self) -> None:
        for serving in self._serving:
            serving.cancel()

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment:
        if self.failure is not None:
            raise self.failure
        if pod_uid not in self._attached:
            address = f"{self._prefix}{self._next}"
            self._next += 1
            self._attached[pod_uid] = PodAttachment(pod_uid=pod_uid, addresses=(address,), port_map=self._map(ports))
        return self._attached[pod_uid]

    def _map(self, ports: Sequence[int]) -> Mapping[int, int]:
        return {port: 20_000 + port for port in ports} if self.maps_ports else {}

    async def detach(self, pod_uid: str) -> None:
        self._attached.pop(pod_uid, None)

    def attached(self) -> Mapping[str, PodAttachment]:
        return dict(self._attached)

    def serve(self, port: int, server: Serve | None) -> None:
        """Every pod answers at that port with this server; None: nobody listens there any more."""
        if server is None:
            self._servers.pop(port, None)
        else:
            self._servers[port] = server

    async def connect(self, address: str, port: int, *, pod_uid: str | None = None) -> ByteStream:
        self.connections += 1
        server = self._servers.get(port)
        if server is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        near, far = pipe()
        serving = asyncio.ensure_future(server(far))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        return near


def page(status: int, body: str = "") -> Serve:
    """A web server that answers everything alike."""

    async def serve(stream: ByteStream) -> None:
        received = b""
        while b"\r\n\r\n" not in received and (data := await stream.read()):
            received += data
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}"
        await stream.write(head.encode())
        stream.close()

    return serve
