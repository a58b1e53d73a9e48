"""Loopback addresses for pods.

On Linux the whole of 127.0.0.0/8 is there without asking, so each pod gets an address of it. A process must listen at
that address (its pod IP); one that listens at 0.0.0.0 takes the port on all of them, so that a second one cannot have it.
Where only 127.0.0.1 is there (macOS), each of a pod's ports is given another one (`port_map`).
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from wherry.api.pod_network import NetworkFailure, PodAttachment
from wherry.base.files import write_atomic
from wherry.network.nodes.addresses import AddressesExhausted, AddressPool
from wherry.wire.dial import connect_socket
from wherry.wire.messages import ByteStream

SHARED_ADDRESS = "127.0.0.1"


def has_loopback_range(address: str = "127.244.0.1") -> bool:
    """Whether more than 127.0.0.1 can be used without setting anything up."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class LoopbackNetwork:
    """One node's `PodNetwork`. `state` is a directory for what is in use; `pod_cidr` is the node's, within 127.0.0.0/8.

    `shared` says that all pods share 127.0.0.1; by default this is found out.
    """

    nameserver_reachable = False

    def __init__(
        self,
        *,
        pod_cidr: str,
        state: Path,
        node_address: str = SHARED_ADDRESS,
        dns_servers: Sequence[str] = (),
        shared: bool | None = None,
    ) -> None:
        self.node_addresses: Sequence[str] = (node_address,)
        self.dns_servers: Sequence[str] = dns_servers
        self._pool = AddressPool(pod_cidr, state / "addresses")
        self._ports = state / "ports"
        self._shared = shared
        self._attached: dict[str, PodAttachment] = {}

    @property
    def namespace(self) -> Path | None:
        return None

    @property
    def shares_address(self) -> bool:
        """Whether ports are mapped. Known after `open`."""
        return bool(self._shared)

    async def open(self) -> None:
        """Find what is in use. Raises `NetworkFailure`."""
        if self._shared is None:
            self._shared = not has_loopback_range()
        try:
            self._ports.mkdir(parents=True, exist_ok=True)
            self._pool.open()
        except OSError as error:
            raise NetworkFailure(f"cannot keep the pods' addresses: {error}") from error
        for pod_uid, address in self._pool.owners().items():
            self._remember(pod_uid, address)

    async def close(self) -> None:
        """Nothing to let go of: what is in use is on disk."""

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment:
        """Raises `NetworkFailure`."""
        if pod_uid in self._attached:
            return self._attached[pod_uid]
        try:
            address = self._pool.take(pod_uid)
            if self._shared:
                self._map_ports(pod_uid, ports)
        except (AddressesExhausted, OSError) as error:
            self._give_back(pod_uid)
            raise NetworkFailure(f"pod {namespace}/{name}: {error}") from error
        return self._remember(pod_uid, address)

    async def detach(self, pod_uid: str) -> None:
        self._attached.pop(pod_uid, None)
        self._give_back(pod_uid)

    def attached(self) -> Mapping[str, PodAttachment]:
        return dict(self._attached)

    async def connect(self, address: str, port: int, *, pod_uid: str | None = None) -> ByteStream:
        """As from the node. With `pod_uid` the pod's own address stands for its loopback. Raises `OSError`."""
        if pod_uid is not None and (attachment := self._attached.get(pod_uid)) is not None:
            address = attachment.addresses[0]
        connecting = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        connecting.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connecting, (address, port))
        except BaseException:
            connecting.close()
            raise
        return await connect_socket(connecting)

    def _remember(self, pod_uid: str, address: str) -> PodAttachment:
        self._attached[pod_uid] = PodAttachment(
            pod_uid=pod_uid,
            addresses=(SHARED_ADDRESS if self._shared else address,),
            port_map=self._read_ports(pod_uid),
        )
        return self._attached[pod_uid]

    def _give_back(self, pod_uid: str) -> None:
        (self._ports / f"{pod_uid}.json").unlink(missing_ok=True)
        self._pool.give_back(pod_uid)

    def _map_ports(self, pod_uid: str, ports: Sequence[int]) -> None:
        """A free port for each; all are held until all are found, so that they differ."""
        held: list[socket.socket] = []
        try:
            for _ in ports:
                probe = socket.socket()
                held.append(probe)
                probe.bind((SHARED_ADDRESS, 0))
            chosen = {str(port): probe.getsockname()[1] for port, probe in zip(ports, held, strict=True)}
        finally:
            for probe in held:
                probe.close()
        write_atomic(self._ports / f"{pod_uid}.json", json.dumps(chosen).encode(), durable=False)

    def _read_ports(self, pod_uid: str) -> dict[int, int]:
        try:
            found = json.loads((self._ports / f"{pod_uid}.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {int(port): int(real) for port, real in found.items()}
