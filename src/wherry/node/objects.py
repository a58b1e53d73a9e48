"""The ConfigMaps and Secrets that this node's pods use, each kept current by a watch of its own.

A node may read only what its pods refer to (the node authorizer), so nothing is listed. An object is watched as long as
a pod refers to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.informer import Informer
from wherry.node.pod.references import Reference

Key = tuple[str, str, str]
"""Resource, namespace, name."""


class _Watched:
    """One object and the pods that want it."""

    def __init__(self, client: Client, key: Key, on_change: Callable[[], None]) -> None:
        resource, namespace, name = key
        self.informer = Informer(client, resource, namespace=namespace, field_selector=f"metadata.name={name}")
        self.informer.add_handler(lambda _: on_change(), lambda old, new: on_change(), lambda _: on_change())
        self.users: set[str] = set()
        self.task = asyncio.ensure_future(self.informer.run())


class ObjectWatches:
    """Objects by reference. `on_change` is told the uids of the pods that use what changed."""

    def __init__(self, client: Client, on_change: Callable[[frozenset[str]], None]) -> None:
        self._client = client
        self._on_change = on_change
        self._watched: dict[Key, _Watched] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def want(self, uid: str, namespace: str, references: Iterable[Reference]) -> None:
        """Return when every referenced object (or its absence) is known; drop what the pod no longer wants."""
        keys = {(reference.resource, namespace, reference.name) for reference in references}
        self._drop(uid, keys)
        for key in keys:
            if key not in self._watched:
                self._watched[key] = _Watched(self._client, key, lambda key=key: self._changed(key))  # type: ignore[misc]
            self._watched[key].users.add(uid)
        for key in keys:
            if (watched := self._watched.get(key)) is not None:
                await watched.informer.wait_synced()

    def forget(self, uid: str) -> None:
        self._drop(uid, set())

    def _drop(self, uid: str, keep: set[Key]) -> None:
        for key, watched in list(self._watched.items()):
            if key in keep or uid not in watched.users:
                continue
            watched.users.discard(uid)
            if not watched.users:
                del self._watched[key]
                watched.task.cancel()
                self._ending.add(watched.task)
                watched.task.add_done_callback(self._ending.discard)

    def _changed(self, key: Key) -> None:
        if (watched := self._watched.get(key)) is not None:
            self._on_change(frozenset(watched.users))

    def lookup(self, namespace: str) -> NamespaceLookup:
        return NamespaceLookup(self, namespace)

    def find(self, resource: str, namespace: str, name: str) -> Object | None:
        watched = self._watched.get((resource, namespace, name))
        return None if watched is None else watched.informer.get(namespace, name)

    async def close(self) -> None:
        tasks = [*(watched.task for watched in self._watched.values()), *self._ending]
        self._watched.clear()
        await cancel_and_wait(*tasks)


class NamespaceLookup:
    """The objects of one namespace, as the pure parts want them (`references.Lookup`)."""

    def __init__(self, objects: ObjectWatches, namespace: str) -> None:
        self._objects = objects
        self._namespace = namespace

    def find(self, resource: str, name: str) -> Object | None:
        return self._objects.find(resource, self._namespace, name)
