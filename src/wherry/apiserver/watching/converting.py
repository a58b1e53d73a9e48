"""A hub for one watcher of a version that somebody outside converts: changes come later, but all of them, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wherry.api.errors import StatusError
from wherry.apiserver.customresources.webhook_conversion import WebhookConversion
from wherry.apiserver.watching.frames import Change
from wherry.apiserver.watching.hub import Ending, Hub, Receiver
from wherry.apiserver.watching.interest import Interest
from wherry.base.log import Logger

_log = Logger("apiserver")
_WAITING = 10_000
"""How many changes may wait for the webhook before the watch is ended: the client lists and watches again."""


class ConvertingHub:
    """Gathers changes from the moment it is made; hands them on once a receiver is attached and they are converted."""

    def __init__(self, hub: Hub, conversion: WebhookConversion) -> None:
        self._hub = hub
        self._conversion = conversion
        self._receiver: Receiver | None = None
        self._waiting: list[Change] = []
        self._worker: asyncio.Task[None] | None = None
        hub.attach(self)

    @property
    def told(self) -> int:
        """As the hub counts it."""
        return self._hub.told

    @told.setter
    def told(self, count: int) -> None:
        self._hub.told = count

    def attach(self, receiver: Receiver, interest: Interest | None = None) -> None:
        self._receiver = receiver
        self._work()

    def detach(self, receiver: Receiver | None = None) -> None:
        """Nothing more. May be called twice."""
        self._hub.detach(self)
        self._receiver = None
        self._waiting.clear()
        if self._worker is not None and self._worker is not asyncio.current_task():
            self._worker.cancel()

    @property
    def behind(self) -> bool:
        """Whether something has happened that the receiver has not been told yet."""
        return bool(self._waiting) or (self._worker is not None and not self._worker.done())

    def end(self) -> None:
        if isinstance(self._receiver, Ending):
            self._receiver.end()
        self.detach()

    def deliver(self, changes: Sequence[Change]) -> None:
        self._waiting += changes
        if len(self._waiting) > _WAITING:
            self.end()
        else:
            self._work()

    def _work(self) -> None:
        if self._receiver is not None and self._waiting and (self._worker is None or self._worker.done()):
            self._worker = asyncio.ensure_future(self._hand_on())

    async def _hand_on(self) -> None:
        while self._waiting:
            changes, self._waiting = self._waiting, []
            try:
                made = await self._conversion.changes(changes)
            except StatusError as error:
                _log.warning("a watch ends: its objects cannot be converted", why=error.message)
                self.end()
                return
            if self._receiver is not None:
                self._receiver.deliver(made)
