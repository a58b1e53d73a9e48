"""Who is at the other end of a transport."""

from __future__ import annotations

import asyncio

from wherry.wire.messages import Peer


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    """The address and, where it was verified, the client's certificate."""
    name = transport.get_extra_info("peername")
    address, port = (name[0], name[1]) if isinstance(name, tuple) else ("", 0)
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate:
        return Peer(address, port)
    return Peer(address, port, certificate, tls.getpeercert(binary_form=True))
