"""Opening connections: to an address, over a connected socket, or over a stream that somebody else opened."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wherry.wire.bytestream import StreamProtocol, TransportStream
from wherry.wire.errors import ConnectFailed
from wherry.wire.messages import ByteStream
from wherry.wire.tls_stream import start_tls

Dial = Callable[[], Awaitable[ByteStream | socket.socket]]
"""Opens one connection: a connected, non-blocking socket (perhaps of another network namespace) or a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a server is. `host` and `port` also name it in `Host`; `dial` takes the place of connecting to them."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str = ""
    """The name that the certificate must have; empty: `host`."""
    dial: Dial | None = None

    @property
    def authority(self) -> str:
        """For the `Host` header: without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


async def connect(origin: Origin) -> ByteStream:
    """A connection to an origin. Raises `ConnectFailed`; when cancelled, nothing stays open."""
    name = origin.server_name or origin.host
    try:
        if origin.dial is None:
            loop = asyncio.get_running_loop()
            tls_name = name if origin.tls else None
            _, protocol = await loop.create_connection(
                StreamProtocol, origin.host, origin.port, ssl=origin.tls, server_hostname=tls_name
            )
            return _stream_of(protocol)
        opened = await origin.dial()
        if isinstance(opened, socket.socket):
            return await connect_socket(opened, tls=origin.tls, server_name=name)
    except ConnectFailed:
        raise
    except OSError as error:  # ssl.SSLError and socket.gaierror are OSErrors
        raise ConnectFailed(f"cannot connect to {origin.authority}: {_why(error)}") from error
    return await start_tls(opened, origin.tls, name) if origin.tls else opened


async def connect_socket(
    connected: socket.socket, *, tls: ssl.SSLContext | None = None, server_name: str = ""
) -> TransportStream:
    """A stream over a connected socket, which is the stream's from now on. Raises `OSError`."""
    try:
        loop = asyncio.get_running_loop()
        tls_name = server_name if tls else None
        _, protocol = await loop.create_connection(StreamProtocol, sock=connected, ssl=tls, server_hostname=tls_name)
        return _stream_of(protocol)
    except BaseException:
        connected.close()
        raise


def _stream_of(protocol: StreamProtocol) -> TransportStream:
    assert protocol.stream is not None, "asyncio has called connection_made"
    return protocol.stream


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted: {error.verify_message}"
    return error.strerror or str(error)
