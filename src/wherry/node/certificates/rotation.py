"""Keeps one certificate of a node young.

It waits until the certificate is due, asks for another one, waits until somebody has approved and the cluster has signed,
and hands over what came. A request that is denied, or that nobody answers, is made again after a while.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random
from typing import Final

from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.base.validity import Life, wait_until
from wherry.client.client import Client
from wherry.node.certificates.request import Wish, make_request

RESOURCE: Final = "certificatesigningrequests"
_PATIENCE_SECONDS: Final = 15 * 60.0
_AGAIN: Final = Backoff(initial=2.0, cap=1800.0, jitter=0.1)

Adopt = Callable[[bytes, bytes], Life]
"""Takes a certificate and its key (PEM) into use for new connections, and keeps them; tells how long they last."""


class NotSigned(Exception):
    """The request was denied, its signer refused it, or nobody has answered."""


class Rotation:
    """A component; see the module. `life` is that of the certificate in use now."""

    def __init__(
        self,
        *,
        client: Client,
        clock: Clock,
        wish: Wish,
        life: Life,
        adopt: Adopt,
        chance: Random | None = None,
        log: Logger | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._wish = wish
        self._adopt = adopt
        self._chance = chance or Random()
        self._log = log or Logger("node.certificates")
        self._due = life.due_at(self._chance)

    async def run(self) -> None:
        await keep_running(
            f"{self._wish.node} {self._wish.signer}",
            self._rotate_forever,
            clock=self._clock,
            log=self._log,
            backoff=_AGAIN,
        )

    async def _rotate_forever(self) -> None:
        while True:
            await wait_until(self._due, self._clock)
            life = self._adopt(*await self._ask())
            self._due = life.due_at(self._chance)
            self._log.info("certificate rotated", node=self._wish.node, signer=self._wish.signer)

    async def _ask(self) -> tuple[bytes, bytes]:
        """A new certificate and its key. Raises `NotSigned`, and what requests raise."""
        request, key = make_request(self._wish)
        name = (await self._client.create(RESOURCE, request))["metadata"]["name"]
        try:
            async with self._clock.timeout(_PATIENCE_SECONDS):
                return await self._answer(name), key
        except TimeoutError as error:
            raise NotSigned(f"{name}: not signed within {_PATIENCE_SECONDS:g} seconds") from error

    async def _answer(self, name: str) -> bytes:
        while True:
            # A watch ends now and then, and begins with what is there already.
            async for event in self._client.watch(RESOURCE, field_selector=f"metadata.name={name}"):
                if event.type == "DELETED":
                    raise NotSigned(f"{name} was deleted")
                if certificate := answer_of(event.object):
                    return certificate


def answer_of(request: Object) -> bytes:
    """The certificate (PEM), empty while there is none. Raises `NotSigned` where there will be none."""
    status: Object = request.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") in ("Denied", "Failed"):
            name, message = request["metadata"]["name"], condition.get("message") or condition.get("reason")
            raise NotSigned(f"{name} {condition['type'].lower()}: {message}")
    return base64.b64decode(status.get("certificate") or "")
