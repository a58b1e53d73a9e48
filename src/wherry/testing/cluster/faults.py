"""Faults between the API server and those who call it: calls that fail, come late, or whose answer gets lost.

A rule matches by verb, resource and who calls; whether it strikes is decided by the cluster's seeded chance, so that a test
that failed can be run again with the same luck.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Literal

from wherry.api.errors import ServerTimeout, StatusError, from_status
from wherry.apiserver.answers import error_reply
from wherry.apiserver.app import ApiServer
from wherry.apiserver.options import wants_watch
from wherry.apiserver.request_info import PathCache, verb_of
from wherry.base.clock import Clock
from wherry.wire.messages import Reply, Request

Who = Literal["clients", "parts", "everybody"]
"""Programs outside (your operator, kubectl), the cluster's own controllers, scheduler and nodes, or both."""


@dataclass(slots=True, eq=False)
class Rule:
    """What shall happen to some calls. `times` counts down; `struck` counts up."""

    verbs: frozenset[str]
    resource: str
    namespace: str
    who: Who
    probability: float
    times: int | None
    delay: float = 0.0
    error: StatusError | None = None
    lose: bool = False
    struck: int = field(default=0)
    chance: random.Random = field(default_factory=random.Random)

    def concerns(self, who: str, verb: str, plural: str, qualified: str, namespace: str) -> bool:
        return (
            self.times != 0
            and self.who in (who, "everybody")
            and (not self.verbs or verb in self.verbs)
            and self.resource in ("*", plural, qualified)
            and self.namespace in ("", namespace)
        )


class Gate:
    """Stands before the API server: what comes by is answered by it, unless a rule strikes."""

    def __init__(self, api: ApiServer, *, clock: Clock, seed: int) -> None:
        self._api = api
        self._clock = clock
        self._seed = seed
        self._added = 0
        self._info_of = PathCache(api.parts.registry)
        self.rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """From now on. Each rule has luck of its own: what others strike does not change it."""
        self._added += 1
        rule.chance = random.Random(f"{self._seed} {self._added}")
        self.rules.append(rule)

    def clients(self, request: Request) -> Reply | Awaitable[Reply]:
        """The way of programs outside."""
        return self._api.handle(request) if not self.rules else self._pass("clients", request)

    def parts(self, request: Request) -> Reply | Awaitable[Reply]:
        """The way of the cluster's own parts."""
        return self._api.handle(request) if not self.rules else self._pass("parts", request)

    def drop_watches(self, resource: str = "*") -> int:
        """End the watches that run now, of one resource or all; gives how many. Who watches begins anew."""
        ended = 0
        hubs, registry = self._api.parts.hubs, self._api.parts.registry
        for prefix in {s.prefix for s in registry if resource in ("*", s.plural, s.qualified)}:
            hub = hubs.of(prefix)
            ended += len(hub)
            hub.end()
        return ended

    def _pass(self, who: str, request: Request) -> Reply | Awaitable[Reply]:
        struck = list(self._striking(who, request))
        return self._answer(request, struck) if struck else self._api.handle(request)

    def _striking(self, who: str, request: Request) -> Iterator[Rule]:
        info = self._info_of(request.path)
        if not info.resource_request:
            return
        watch = "watch=" in (request.raw_query or "") and wants_watch(request.query())
        verb = verb_of(request.method, info, watch=watch)
        qualified = f"{info.plural}.{info.group}" if info.group else info.plural
        for rule in self.rules:
            if not rule.concerns(who, verb, info.plural, qualified, info.namespace):
                continue
            if rule.chance.random() < rule.probability:
                rule.struck += 1
                rule.times = None if rule.times is None else rule.times - 1
                yield rule

    async def _answer(self, request: Request, struck: Sequence[Rule]) -> Reply:
        for rule in struck:
            if rule.delay:
                await self._clock.sleep(rule.delay)
        for rule in struck:
            if rule.error is not None and not rule.lose:
                return error_reply(rule.error)
        reply = self._api.handle(request)
        answer = await reply if isawaitable(reply) else reply
        if any(rule.lose for rule in struck):
            return error_reply(ServerTimeout("the answer was lost (a fault of the test)", code=504))
        return answer


def error_for(code: int, message: str) -> StatusError:
    """The error that a fault answers with, with the reason that belongs to the code."""
    return from_status({"message": message}, code)
