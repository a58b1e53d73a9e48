"""From a query's bytes to a response's bytes: the cluster's own names at once, all others by asking around."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.network.dns.answers import Elsewhere, answer
from wherry.network.dns.cache import ResponseCache
from wherry.network.dns.messages import (
    Answer,
    Code,
    Query,
    Unanswerable,
    read_query,
    udp_limit,
    write_answer,
    write_query,
)
from wherry.network.dns.records import Malformed
from wherry.network.dns.responses import Response, addresses, readdressed
from wherry.network.dns.upstream import NoAnswer, Upstream
from wherry.network.dns.zone import Records

_LARGEST = 65535
_log = Logger("dns")


class Resolver:
    """Answers queries. Equal questions to others that come together are asked once."""

    def __init__(
        self, *, names: Records, zone: str, upstream: Upstream, clock: Clock, rng: random.Random | None = None
    ) -> None:
        self._names = names
        self._zone = zone
        self._upstream = upstream
        self._rng = rng or random.Random()
        self._cache = ResponseCache(clock)
        self._asking: dict[object, asyncio.Future[Response]] = {}
        self._complained = ""

    def respond(self, data: bytes, *, tcp: bool = False) -> bytes | Awaitable[bytes] | None:
        """None: say nothing. The cluster's own names are answered without waiting."""
        try:
            query = read_query(data)
        except Malformed:
            return None
        except Unanswerable as refusal:
            return refusal.response
        limit = _LARGEST if tcp else udp_limit(query)
        if query.version:
            return write_answer(query, Answer(code=Code.BADVERS, authoritative=False), limit=limit)
        decision = answer(query, self._names, self._zone, self._rng)
        if isinstance(decision, Answer):
            return write_answer(query, decision, limit=limit)
        if decision.found:
            return self._follow(query, decision, limit)
        return self._pass_on(query, data, limit, tcp)

    async def _pass_on(self, query: Query, data: bytes, limit: int, tcp: bool) -> bytes:
        key = (query.key, query.type, query.class_, query.dnssec, query.edns)
        if kept := self._cache.get(key):
            response, age = kept
        else:
            try:
                response, age = await self._ask_once((*key, tcp), data, tcp), 0
            except NoAnswer as error:
                return write_answer(query, self._failure(error), limit=limit)
            self._cache.put(key, response)
        if len(response.data) > limit:
            # It came by TCP; this client asked by UDP and can take less: let it come back by TCP.
            truncated = readdressed(response, data)[: response.question_end + 4]
            return truncated[:2] + bytes([truncated[2] | 2]) + truncated[3:4] + b"\0\1" + bytes(6) + truncated[12:]
        return readdressed(response, data, age=age)

    async def _follow(self, query: Query, where: Elsewhere, limit: int) -> bytes:
        """A name of the cluster that stands for one outside of it."""
        try:
            question = write_query(0, where.name, query.type, dnssec=query.dnssec)
            response = await self._ask_once((where.name, query.type), question, False)
        except NoAnswer as error:
            _log.debug("cannot follow an external name", name=where.name, error=str(error))
            return write_answer(query, Answer(records=where.found), limit=limit)
        found = addresses(response, where.name, query.type)
        return write_answer(query, Answer(records=(*where.found, *found)), limit=limit)

    async def _ask_once(self, key: object, question: bytes, tcp: bool) -> Response:
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._upstream.ask(question, tcp=tcp))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    def _failure(self, error: NoAnswer) -> Answer:
        reason = str(error)
        if reason != self._complained:
            self._complained = reason
            _log.warning("names outside of the cluster cannot be resolved", error=reason)
        return Answer(code=Code.SERVFAIL, authoritative=False, explanation=reason)

    async def close(self) -> None:
        """End what is still being asked."""
        asking = list(self._asking.values())
        for future in asking:
            future.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
