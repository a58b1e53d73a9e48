"""Removes bootstrap tokens when they expire. Source: pkg/controller/bootstrap/tokencleaner.go."""

from __future__ import annotations

from wherry.api.errors import Conflict, NotFound
from wherry.client.informer import Key
from wherry.controllers.bootstrap.tokens import NAMESPACE, TYPE, seconds_left
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry


class TokenCleaner:
    """A component; see the module."""

    name = "token-cleaner"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._secrets = context.informers.informer("secrets", namespace=NAMESPACE, field_selector=f"type={TYPE}")
        self.loop = Loop(
            self.name, self._reconcile, clock=context.clock, needs=(self._secrets,), log=context.log, workers=1
        )
        self.loop.follow(self._secrets)

    async def run(self) -> None:
        await self.loop.run()

    async def _reconcile(self, key: Key) -> None:
        secret = self._secrets.get(*key)
        left = seconds_left(secret, self._clock.now()) if secret is not None else None
        if secret is None or left is None:
            return
        if left > 0:
            raise Retry(left)
        try:
            await self._client.delete("secrets", key[1], namespace=key[0], uid=secret["metadata"]["uid"])
        except (NotFound, Conflict):
            return
