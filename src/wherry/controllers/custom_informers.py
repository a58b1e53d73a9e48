"""Informers of custom resources, each for as long as its definition is there.

Shared informers are never given up; these are, because a kind that is gone would be asked for in vain for ever.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from wherry.api.resources import Resource
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.discovery import Discovery
from wherry.client.informer import Informer

REFRESH_SECONDS = 5.0
SYNC_SECONDS = 10.0


@dataclass(slots=True)
class _Running:
    informer: Informer
    task: asyncio.Task[None]


class CustomInformers:
    """By `plural.group`. `close` ends them."""

    def __init__(self, client: Client, log: Logger) -> None:
        self._client = client
        self._log = log
        self._discovery = Discovery(client)
        self._asked_at = float("-inf")
        self._running: dict[str, _Running] = {}

    async def find(self, name: str) -> Informer | None:
        """The informer with its first list; None where nobody serves such namespaced objects, or not in time."""
        resource = await self._resource(name)
        if resource is None:
            if (ended := self._running.pop(name, None)) is not None:
                await cancel_and_wait(ended.task)
            return None
        if name not in self._running:
            informer = Informer(self._client, resource, log=self._log)
            self._running[name] = _Running(informer, asyncio.ensure_future(informer.run()))
        found = self._running[name].informer
        try:
            async with self._client.clock.timeout(SYNC_SECONDS):
                await found.wait_synced()
        except TimeoutError:
            return None
        return found

    async def _resource(self, name: str) -> Resource | None:
        now = self._client.clock.monotonic()
        refresh = now - self._asked_at > REFRESH_SECONDS
        if refresh:
            self._asked_at = now
        found = await self._discovery.resources(refresh=refresh)
        return next((each for each in found if each.qualified == name and each.namespaced), None)

    async def close(self) -> None:
        running, self._running = list(self._running.values()), {}
        await cancel_and_wait(*(each.task for each in running))
