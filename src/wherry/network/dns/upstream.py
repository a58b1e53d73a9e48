"""Asking the machine's own resolvers.

The list is read from resolv.conf and read again when the file changes, so that a laptop may move from one network to
another. Servers are asked in turn, beginning at a random one.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from wherry.base.clock import Clock
from wherry.network.dns.messages import HEADER
from wherry.network.dns.records import Malformed
from wherry.network.dns.responses import Response, read_response

TIMEOUT_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 5.0

Server = tuple[str, int]


class NoAnswer(Exception):
    """Nobody answered; the message says why."""


def name_servers(path: Path) -> list[str]:
    """The addresses in a resolv.conf; none where there is no such file. Source: resolv.conf(5)."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    words = (line.split() for line in lines)
    return [parts[1] for parts in words if len(parts) > 1 and parts[0] == "nameserver"]


class Upstream:
    """The machine's resolvers. `own` are our addresses, which must not be asked: the question would come back to us."""

    def __init__(
        self,
        *,
        clock: Clock,
        resolv_conf: Path | None = Path("/etc/resolv.conf"),
        servers: Sequence[Server] = (),
        own: Collection[str] = (),
        rng: random.Random | None = None,
    ) -> None:
        """`servers` are asked in the place of those in `resolv_conf`."""
        self._clock = clock
        self._path = resolv_conf
        self._own = frozenset(own)
        self._rng = rng or random.Random()
        self._servers: list[Server] = list(servers)
        self._fixed = bool(servers)
        self._looked: float | None = None

    async def ask(self, query: bytes, *, tcp: bool = False) -> Response:
        """The first usable answer. Raises `NoAnswer`."""
        servers = self._current()
        if not servers:
            raise NoAnswer("this machine has no name servers")
        failures = []
        for server in self._rng.sample(servers, len(servers)):
            try:
                return await self._ask_one(query, server, tcp)
            except TimeoutError:
                failures.append(f"{server[0]}: no answer within {TIMEOUT_SECONDS:g} s")
            except (OSError, Malformed, asyncio.IncompleteReadError) as error:
                failures.append(f"{server[0]}: {error}")
        raise NoAnswer("; ".join(failures))

    async def _ask_one(self, query: bytes, server: Server, tcp: bool) -> Response:
        # An id of our own for each question: guessing it, and the socket's port, is what a forger would have to do.
        asked = struct.pack("!H", self._rng.getrandbits(16)) + query[2:]
        async with self._clock.timeout(TIMEOUT_SECONDS):
            return await (_by_tcp if tcp else _by_udp)(asked, server)

    def _current(self) -> list[Server]:
        now = self._clock.monotonic()
        if self._path is None or self._fixed:
            return self._servers
        if self._looked is None or now - self._looked >= LOOK_AGAIN_SECONDS:
            self._looked = now
            self._servers = [(found, 53) for found in name_servers(self._path) if found not in self._own]
        return self._servers


def _answers(asked: bytes, data: bytes) -> Response | None:
    """The response, if it is one to this question."""
    try:
        response = read_response(data)
        same = response.data[:2] == asked[:2]
    except Malformed:
        return None
    end = response.question_end
    return response if same and data[HEADER.size : end].lower() == asked[HEADER.size : end].lower() else None


class _Asking(asyncio.DatagramProtocol):
    """Takes the first datagram that answers; others (late, forged) are ignored."""

    def __init__(self, matches: Callable[[bytes], Response | None]) -> None:
        self._matches = matches
        self.answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        response = self._matches(data)
        if response is not None and not self.answer.done():
            self.answer.set_result(response)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _by_udp(asked: bytes, server: Server) -> Response:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Asking(lambda data: _answers(asked, data)), remote_addr=server
    )
    try:
        transport.sendto(asked)
        return await protocol.answer
    finally:
        transport.close()


async def _by_tcp(asked: bytes, server: Server) -> Response:
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(struct.pack("!H", len(asked)) + asked)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        response = _answers(asked, await reader.readexactly(length))
    finally:
        writer.close()
    if response is None:
        raise Malformed("an answer to another question")
    return response
