"""What a node agent needs of a network: an address for each pod, and a way to reach it.

It stands here because `node` (which calls it) and `network` (which provides it) do not know each other.

What always holds: `attach` and `detach` may be repeated; an address is never given to two pods at once; what `attached`
reports is what exists, also after a restart of the agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wherry.wire.messages import ByteStream

PORT_MAP = "wherry.dev/port-map"
"""A pod's annotation: a JSON object of container port to the port that its process really listens at. The node's agent
writes it where pods share an address; proxies read it."""


class NetworkFailure(Exception):
    """A pod's network could not be made; the message says which step failed and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAttachment:
    """A pod on the network. `namespace_path` is None where pods share the host's network (process runtime)."""

    pod_uid: str
    addresses: tuple[str, ...]
    namespace_path: str | None = None
    port_map: Mapping[int, int] = field(default_factory=dict)
    """Container port to the port the process must really listen on, where addresses are shared; else empty."""


class PodNetwork(Protocol):
    """The pods' side of one node's network."""

    node_addresses: Sequence[str]
    """The node's own addresses (InternalIP)."""
    dns_servers: Sequence[str]
    """What goes into a pod's resolv.conf."""
    nameserver_reachable: bool
    """False where pods cannot use cluster DNS by resolv.conf (process runtime on the host's file system)."""

    @property
    def namespace(self) -> Path | None:
        """The node's own network namespace, which is that of pods with hostNetwork; None: the machine's."""

    async def open(self) -> None:
        """Make the node's side, or find it again. Raises `NetworkFailure`."""

    async def close(self) -> None:
        """Let go without touching what exists."""

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment: ...

    async def detach(self, pod_uid: str) -> None: ...

    def attached(self) -> Mapping[str, PodAttachment]:
        """By pod uid."""

    async def connect(self, address: str, port: int, *, pod_uid: str | None = None) -> ByteStream:
        """A TCP connection as the node sees the pod, or, with `pod_uid`, from inside that pod's namespace (port-forward
        to its loopback). Raises `OSError`."""
