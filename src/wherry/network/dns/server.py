"""UDP and TCP around a resolver. Source: RFC 1035, 4.2; RFC 7766 (several questions in one connection)."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Awaitable, Coroutine
from typing import Any, Protocol

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait

IDLE_SECONDS = 10.0
MOST_WAITING = 1000
"""Questions to others under way; more are not answered, and the clients ask again."""
_TRIES = 16
_log = Logger("dns")


class Responder(Protocol):
    """`Resolver`, as the server sees it."""

    def respond(self, data: bytes, *, tcp: bool = False) -> bytes | Awaitable[bytes] | None: ...


class DnsListener:
    """Serves one address by UDP and TCP at the same port. `open` before use, `close` afterwards."""

    def __init__(self, responder: Responder, *, clock: Clock) -> None:
        self._responder = responder
        self._clock = clock
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self, address: str, port: int) -> None:
        """`port` 0 takes any. Raises `OSError`."""
        udp, tcp = _pair(address, port)
        self.port = udp.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        self._tcp = await asyncio.start_server(self._converse, sock=tcp)

    async def close(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        await cancel_and_wait(*self._tasks)

    def datagram(self, data: bytes, peer: Any) -> None:
        reply = self._responder.respond(data)
        if reply is None:
            return
        if isinstance(reply, bytes):
            self._send(reply, peer)
        elif len(self._tasks) < MOST_WAITING:
            self._start(self._send_later(reply, peer))
        elif isinstance(reply, Coroutine):
            reply.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_later(self, reply: Awaitable[bytes], peer: Any) -> None:
        self._send(await reply, peer)

    def _send(self, reply: bytes, peer: Any) -> None:
        if self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(reply, peer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                async with self._clock.timeout(IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    question = await reader.readexactly(length)
                reply = self._responder.respond(question, tcp=True)
                if reply is None:
                    return
                data = reply if isinstance(reply, bytes) else await reply
                writer.write(struct.pack("!H", len(data)) + data)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return
        finally:
            self._tasks.discard(task)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, listener: DnsListener) -> None:
        self._listener = listener

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._listener.datagram(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A client that went away; nothing is lost."""


def _pair(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket at the same port. Raises `OSError`."""
    for attempt in range(_TRIES):
        udp = _bound(address, port, socket.SOCK_DGRAM)
        try:
            return udp, _bound(address, udp.getsockname()[1], socket.SOCK_STREAM)
        except OSError as error:
            udp.close()
            if port or error.errno != errno.EADDRINUSE or attempt == _TRIES - 1:
                raise
    raise AssertionError("the last attempt raises")


def _bound(address: str, port: int, kind: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made
