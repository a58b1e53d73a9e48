"""TLS over any `ByteStream`, for connections that are not plain sockets (through a pod's network, through a tunnel)."""

from __future__ import annotations

import asyncio
import ssl

from wherry.wire.errors import ConnectFailed, PeerClosed
from wherry.wire.messages import ByteStream

_SIZE = 65536


class TlsStream:
    """The client's end, after the handshake. Make it with `start_tls`. One reader and one writer at a time."""

    __slots__ = ("_below", "_in", "_out", "_session", "_write_lock")

    def __init__(self, below: ByteStream, context: ssl.SSLContext, server_name: str) -> None:
        self._below = below
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._in, self._out, server_hostname=server_name or None)
        self._write_lock = asyncio.Lock()

    async def handshake(self) -> None:
        while True:
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()
            else:
                return await self._flush()

    async def _flush(self) -> None:
        async with self._write_lock:
            while data := self._out.read(_SIZE):
                await self._below.write(data)

    async def _more(self) -> None:
        data = await self._below.read(_SIZE)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    async def read(self, limit: int = 65536) -> bytes:
        while True:
            try:
                return self._session.read(limit)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise PeerClosed(f"TLS: {error}") from error

    async def write(self, data: bytes) -> None:
        try:
            # In TLS 1.3 a write never needs a read first; memory BIOs take everything.
            self._session.write(data)
        except ssl.SSLError as error:
            raise PeerClosed(f"TLS: {error}") from error
        await self._flush()

    async def write_eof(self) -> None:
        """Send what is due and end: TLS has no half-close that peers understand."""
        self.close()

    def close(self) -> None:
        self._below.close()


async def start_tls(below: ByteStream, context: ssl.SSLContext, server_name: str) -> TlsStream:
    """Shake hands as a client. Raises `ConnectFailed`; `below` is then closed."""
    stream = TlsStream(below, context, server_name)
    try:
        await stream.handshake()
    except (ssl.SSLError, ssl.CertificateError, ConnectionError) as error:
        below.close()
        raise ConnectFailed(f"TLS handshake with {server_name or 'the server'} failed: {error}") from error
    except BaseException:
        below.close()
        raise
    return stream
