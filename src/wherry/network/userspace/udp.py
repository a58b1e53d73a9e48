"""Carrying UDP: each client has a socket of its own towards its endpoint, until both have been silent for a while.

Source for the time: the kernel's `nf_conntrack_udp_timeout_stream`.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from wherry.base.clock import Clock
from wherry.network.services.model import Endpoint
from wherry.network.userspace.targets import Targets

IDLE_SECONDS = 120.0
_MOST_CLIENTS = 4096

Peer = tuple[Any, ...]


class UdpListener:
    """Carries what comes to one address and port to its targets, and the answers back."""

    def __init__(self, *, targets: Targets, clock: Clock) -> None:
        self.targets = targets
        self._clock = clock
        self._outer: Any = None
        self._listening: socket.socket | None = None
        self._flows: dict[Peer, Flow] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Nothing outlives a listener: answers must come from its address."""
        return False

    def open(self, address: str, port: int) -> None:
        """Raises `OSError`."""
        listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            listening.bind((address, port))
            listening.setblocking(False)
        except OSError:
            listening.close()
            raise
        self._listening = listening
        self._start(self._listen(listening))
        self._start(self._tidy())

    async def close(self, *, connections: bool = True) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for flow in list(self._flows.values()):
            flow.close()
        self._flows.clear()
        if self._outer is not None:
            self._outer.close()
        elif self._listening is not None:
            self._listening.close()

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._outer, _ = await loop.create_datagram_endpoint(lambda: _Outer(self), sock=listening)

    async def _tidy(self) -> None:
        """Drop flows that are silent, and those whose endpoint is gone."""
        while True:
            await self._clock.sleep(IDLE_SECONDS / 4)
            oldest = self._clock.monotonic() - IDLE_SECONDS
            for peer, flow in list(self._flows.items()):
                if flow.last_seen < oldest or flow.endpoint not in self.targets:
                    self._drop(peer)

    def received(self, data: bytes, peer: Peer) -> None:
        flow = self._flows.get(peer)
        if flow is not None and flow.endpoint not in self.targets:
            self._drop(peer)
            flow = None
        if flow is None:
            endpoint = next(self.targets.order(peer[0]), None)
            if endpoint is None or len(self._flows) >= _MOST_CLIENTS:
                return
            self.targets.went(peer[0], endpoint)
            flow = self._flows[peer] = Flow(endpoint)
            self._start(self._connect(flow, peer))
        flow.last_seen = self._clock.monotonic()
        flow.send(data)

    async def _connect(self, flow: Flow, peer: Peer) -> None:
        loop = asyncio.get_running_loop()

        def answered(data: bytes) -> None:
            flow.last_seen = self._clock.monotonic()
            if self._outer is not None and not self._outer.is_closing():
                self._outer.sendto(data, peer)

        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Inner(answered), remote_addr=self.targets.where(flow.endpoint)
            )
        except OSError:
            self._drop(peer)
            return
        flow.connected(transport)

    def _drop(self, peer: Peer) -> None:
        if (flow := self._flows.pop(peer, None)) is not None:
            flow.close()


class Flow:
    """One client's way to one endpoint. What is sent before it is connected is kept, a little."""

    __slots__ = ("_closed", "_early", "_transport", "endpoint", "last_seen")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.last_seen = 0.0
        self._transport: Any = None
        self._early: list[bytes] = []
        self._closed = False

    def connected(self, transport: Any) -> None:
        if self._closed:
            transport.close()
            return
        self._transport = transport
        for data in self._early:
            transport.sendto(data)
        self._early.clear()

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data)
        elif len(self._early) < 16:
            self._early.append(data)

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()


class _Outer(asyncio.DatagramProtocol):
    def __init__(self, listener: UdpListener) -> None:
        self._listener = listener

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        self._listener.received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A client that is gone; its flow ends by its silence."""


class _Inner(asyncio.DatagramProtocol):
    def __init__(self, answered: Any) -> None:
        self._answered = answered

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        self._answered(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the endpoint: as with any lost datagram, the client tries again."""
