"""Audit events sent to a service, many at once. Source: k8s.io/apiserver/plugin/pkg/audit/{webhook,buffered}."""

from __future__ import annotations

import asyncio
from collections import deque

from wherry.api.types import Object
from wherry.apiserver.outgoing import Endpoint, NoAnswer
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.wire.client import HttpClient

_MOST_AT_ONCE = 400
_WAIT_SECONDS = 30.0
_KEPT = 10_000
_TRIES = 5
_PAUSE_SECONDS = 10.0


class WebhookBackend:
    """Collects events and sends them when there are enough or half a minute has passed; a component.

    What comes while 10,000 wait is dropped, and that is logged: a service that is gone must not fill the memory.
    """

    def __init__(self, endpoint: Endpoint, *, http: HttpClient, clock: Clock, log: Logger) -> None:
        self._endpoint = endpoint
        self._http = http
        self._clock = clock
        self._log = log
        self._events: deque[Object] = deque()
        self._filled = asyncio.Event()
        self._dropped = 0

    def emit(self, event: Object) -> None:
        if len(self._events) >= _KEPT:
            self._dropped += 1
            return
        self._events.append(event)
        if len(self._events) >= _MOST_AT_ONCE:
            self._filled.set()

    async def run(self) -> None:
        try:
            while True:
                await self._wait()
                await self.send()
        finally:
            await self.send(tries=1)

    async def _wait(self) -> None:
        """Until enough events are there, or long enough has passed."""
        self._filled.clear()
        if len(self._events) >= _MOST_AT_ONCE:
            return
        timer = asyncio.ensure_future(self._clock.sleep(_WAIT_SECONDS))
        filled = asyncio.ensure_future(self._filled.wait())
        try:
            await asyncio.wait((timer, filled), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(timer, filled)

    async def send(self, *, tries: int = _TRIES) -> None:
        """Send what waits now."""
        if self._dropped:
            self._log.error("audit events are lost: the webhook is too slow", events=self._dropped)
            self._dropped = 0
        while self._events:
            batch = [self._events.popleft() for _ in range(min(len(self._events), _MOST_AT_ONCE))]
            await self._send(batch, tries)

    async def _send(self, batch: list[Object], tries: int) -> None:
        body = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": batch}
        for attempt in range(tries):
            try:
                await self._endpoint.post(self._http, body)
                return
            except NoAnswer as error:
                if attempt + 1 == tries:
                    self._log.error("audit events are lost", error=str(error), events=len(batch))
                    return
                await self._clock.sleep(_PAUSE_SECONDS * 1.5**attempt)
