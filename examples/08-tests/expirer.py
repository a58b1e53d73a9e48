"""Deletes each ConfigMap as long after its creation as its annotation `example.com/expires-after` says, in seconds."""

from __future__ import annotations

import asyncio

from wherry.api.errors import NotFound, StatusError
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.client.client import Client
from wherry.client.informer import Informer, Key, key_of
from wherry.client.workqueue import WorkQueue

ANNOTATION = "example.com/expires-after"


def seconds_left(config_map: Object, now: float) -> float | None:
    """Until it is to be deleted; None where it does not say, or says something that is no number."""
    metadata = config_map["metadata"]
    try:
        life = float(metadata.get("annotations", {})[ANNOTATION])
    except (KeyError, ValueError):
        return None
    return parse_rfc3339(metadata["creationTimestamp"]) + life - now


class Expirer:
    """Run it until it is cancelled."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._config_maps = Informer(client, "configmaps")
        self._queue: WorkQueue[Key] = WorkQueue(clock=client.clock)

    async def run(self) -> None:
        self._config_maps.add_handler(self._changed, lambda old, new: self._changed(new))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._config_maps.run())
                group.create_task(self._work())
        finally:
            self._queue.close()

    def _changed(self, config_map: Object) -> None:
        self._queue.add(key_of(config_map))

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._reconcile(key)
                self._queue.forget(key)
            except (StatusError, OSError):
                self._queue.add_rate_limited(key)
            finally:
                self._queue.done(key)

    async def _reconcile(self, key: Key) -> None:
        config_map = self._config_maps.get(*key)
        left = None if config_map is None else seconds_left(config_map, self._client.clock.now())
        if config_map is None or left is None:
            return
        if left > 0:
            self._queue.add_after(key, left)
            return
        try:
            # The uid: what has that name by now may be another one.
            await self._client.delete("configmaps", key[1], namespace=key[0], uid=config_map["metadata"]["uid"])
        except NotFound:
            pass
