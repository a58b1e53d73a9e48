"""Carrying TCP connections: two transports that feed each other, no task per connection once it is made.

What always holds: what one side reads the other side writes, in order; a side that is slow stops the other one from
reading; a half-close is handed on; a reset is handed on as a reset.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from wherry.base.clock import Clock
from wherry.network.userspace.targets import Targets

CONNECT_SECONDS = 2.0
_BACKLOG = 1024


class Half(asyncio.Protocol):
    """One side of a carried connection. What comes before it has a peer is kept for it. `open_halves` holds those that
    live."""

    def __init__(self, open_halves: set[Half]) -> None:
        self.transport: Any = None  # asyncio's or uvloop's: they share no base class
        self._open = open_halves
        self._peer: Half | None = None
        self._early: list[bytes] = []
        self._ended = False
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._open.add(self)

    def join(self, peer: Half) -> None:
        """Begin to carry. If one side is gone already, so is the other."""
        if peer._lost or self._lost:
            self.drop()
            peer.drop()
            return
        self._peer, peer._peer = peer, self
        self._catch_up(peer)
        peer._catch_up(self)

    def _catch_up(self, peer: Half) -> None:
        for data in self._early:
            peer.transport.write(data)
        self._early.clear()
        if self._ended:
            peer._write_eof()

    def data_received(self, data: bytes) -> None:
        if self._peer is None:
            self._early.append(data)
        else:
            self._peer.transport.write(data)

    def eof_received(self) -> bool:
        """The transport closes by itself where both sides have ended."""
        self._ended = True
        peer = self._peer
        if peer is None:
            return True
        peer._write_eof()
        return not peer._ended

    def _write_eof(self) -> None:
        if not self.transport.is_closing() and self.transport.can_write_eof():
            self.transport.write_eof()

    def pause_writing(self) -> None:
        if self._peer is not None and not self._peer.transport.is_closing():
            self._peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._peer is not None and not self._peer.transport.is_closing():
            self._peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._open.discard(self)
        peer = self._peer
        if peer is None or peer._lost:
            return
        if exc is None:
            peer.transport.close()
        else:
            peer.transport.abort()

    def drop(self) -> None:
        if self.transport is not None and not self._lost:
            self.transport.abort()


class TcpListener:
    """Carries what connects to one address and port to its targets."""

    def __init__(self, *, targets: Targets, clock: Clock) -> None:
        self.targets = targets
        self._clock = clock
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._carried: set[Half] = set()

    @property
    def busy(self) -> bool:
        """Whether connections are still being carried."""
        return bool(self._carried or self._connecting)

    def open(self, address: str, port: int) -> None:
        """Raises `OSError`."""
        listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address, port))
            listening.listen(_BACKLOG)
            listening.setblocking(False)
        except OSError:
            listening.close()
            raise
        self._listening = listening
        self._accepting = asyncio.ensure_future(self._accept(listening))

    async def close(self, *, connections: bool = True) -> None:
        """Stop listening; with `connections` also end what is being carried."""
        tasks = [self._accepting, *(self._connecting if connections else ())]
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
        if self._listening is not None:
            self._listening.close()
        if connections:
            for half in list(self._carried):
                half.drop()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(listening)
            except OSError:
                # Out of descriptors, most likely: those who wait stay in the backlog.
                await self._clock.sleep(0.1)
                continue
            task = asyncio.ensure_future(self._carry(accepted, peer[0]))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _carry(self, accepted: socket.socket, client: str) -> None:
        """Find an endpoint that answers and join it with the client; without one the client is sent away."""
        try:
            far = await self._connect(client)
        except BaseException:
            accepted.close()
            raise
        if far is None:
            _reset(accepted)
            return
        loop = asyncio.get_running_loop()
        outer, inner = Half(self._carried), Half(self._carried)
        try:
            await loop.create_connection(lambda: inner, sock=far)
            await loop.connect_accepted_socket(lambda: outer, accepted)
        except BaseException:
            inner.drop()
            far.close()
            accepted.close()
            raise
        outer.join(inner)

    async def _connect(self, client: str) -> socket.socket | None:
        loop = asyncio.get_running_loop()
        for endpoint in self.targets.order(client):
            goal = self.targets.where(endpoint)
            connecting = socket.socket(socket.AF_INET6 if ":" in goal[0] else socket.AF_INET)
            connecting.setblocking(False)
            try:
                async with self._clock.timeout(CONNECT_SECONDS):
                    await loop.sock_connect(connecting, goal)
            except (OSError, TimeoutError):
                connecting.close()
                continue
            except BaseException:
                connecting.close()
                raise
            self.targets.went(client, endpoint)
            return connecting
        return None


def _reset(accepted: socket.socket) -> None:
    """Close so that the client sees an error and not an orderly end."""
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()
