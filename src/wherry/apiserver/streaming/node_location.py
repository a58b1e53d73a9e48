"""Where a node's own server is: from the addresses and the port in the Node's status."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ssl import SSLContext

from wherry.api.errors import InternalError
from wherry.api.types import Object
from wherry.wire.dial import Origin
from wherry.wire.messages import ByteStream

PREFERRED = ("InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS")
DEFAULT_PORT = 10250

NodeDial = Callable[[str, int], Awaitable[ByteStream | socket.socket]]
"""Opens a TCP connection to a node's address and port, where that takes more than connecting."""


@dataclass(frozen=True, slots=True)
class _DialTo:
    """Equal for the same target, so that connections can be pooled by it."""

    dial: NodeDial
    host: str
    port: int

    async def __call__(self) -> ByteStream | socket.socket:
        return await self.dial(self.host, self.port)


def origin_of(node: Object, *, tls: SSLContext | None, dial: NodeDial | None = None) -> Origin:
    """Raises `InternalError` for a node that has told no address."""
    status: Object = node.get("status") or {}
    addresses = status.get("addresses") or ()
    host = next((a["address"] for kind in PREFERRED for a in addresses if a.get("type") == kind), None)
    if host is None:
        raise InternalError("Internal error occurred: no preferred addresses found; known addresses: []")
    endpoint: Object = (status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}
    port = int(endpoint.get("Port") or DEFAULT_PORT)
    return Origin(host=host, port=port, tls=tls, dial=_DialTo(dial, host, port) if dial else None)
