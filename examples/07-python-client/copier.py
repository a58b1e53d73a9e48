"""Keeps a copy of one ConfigMap in every namespace that is labelled `example.com/settings: wanted`."""

from __future__ import annotations

import asyncio

from wherry.api.errors import AlreadyExists, NotFound, StatusError
from wherry.api.types import Object
from wherry.client.client import Client
from wherry.client.informer import Informer
from wherry.client.workqueue import WorkQueue

WANTED = "example.com/settings=wanted"


class Copier:
    """Run it until it is cancelled. The copies have the original's name."""

    def __init__(self, client: Client, *, namespace: str, name: str) -> None:
        self._client = client
        self._home, self._name = namespace, name
        self._namespaces = Informer(client, "namespaces", label_selector=WANTED)
        self._original = Informer(client, "configmaps", namespace=namespace, field_selector=f"metadata.name={name}")
        self._queue: WorkQueue[str] = WorkQueue(clock=client.clock)

    async def run(self) -> None:
        self._namespaces.add_handler(self._changed, lambda old, new: self._changed(new), self._changed)
        self._original.add_handler(self._all_changed, lambda old, new: self._all_changed(new), self._all_changed)
        async with asyncio.TaskGroup() as group:
            for informer in (self._namespaces, self._original):
                group.create_task(informer.run())
            await self._namespaces.wait_synced()
            await self._original.wait_synced()
            group.create_task(self._work())

    def _changed(self, namespace: Object) -> None:
        self._queue.add(namespace["metadata"]["name"])

    def _all_changed(self, original: Object) -> None:
        for namespace in self._namespaces.items():
            self._changed(namespace)

    async def _work(self) -> None:
        while True:
            namespace = await self._queue.get()
            try:
                await self.reconcile(namespace)
                self._queue.forget(namespace)
            except (StatusError, OSError):
                self._queue.add_rate_limited(namespace)  # again, after a back-off
            finally:
                self._queue.done(namespace)

    async def reconcile(self, namespace: str) -> None:
        """Bring one namespace to what it should be. What is right already is left alone."""
        original = self._original.get(self._home, self._name)
        if original is None or self._namespaces.get("", namespace) is None:
            await self._remove(namespace)
            return
        copy = {"metadata": {"name": self._name}, "data": original.get("data", {})}
        try:
            await self._client.create("configmaps", copy, namespace=namespace)
        except AlreadyExists:
            # A JSON patch, because a merge would keep the keys that the original has lost.
            change = [{"op": "replace", "path": "/data", "value": copy["data"]}]
            await self._client.patch("configmaps", self._name, change, namespace=namespace, type="json")

    async def _remove(self, namespace: str) -> None:
        try:
            await self._client.delete("configmaps", self._name, namespace=namespace)
        except NotFound:
            pass
