"""Reaching a pod's port, with errors worded as Go's net package words them."""

from __future__ import annotations

import errno

from wherry.node.network_port import PodNetwork
from wherry.wire.messages import ByteStream

_TEXTS = {
    errno.ECONNREFUSED: "connect: connection refused",
    errno.EHOSTUNREACH: "connect: no route to host",
    errno.ENETUNREACH: "connect: network is unreachable",
    errno.ETIMEDOUT: "connect: connection timed out",
    errno.ECONNRESET: "read: connection reset by peer",
}


def host_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def dial_error(address: str, port: int, error: OSError) -> str:
    """`dial tcp 10.1.0.2:80: connect: connection refused`."""
    text = _TEXTS.get(error.errno or 0) or f"connect: {error.strerror or error}"
    return f"dial tcp {host_port(address, port)}: {text}"


async def dial(network: PodNetwork, address: str, port: int) -> ByteStream:
    """Raises `OSError`."""
    return await network.connect(address, port)
