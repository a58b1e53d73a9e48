"""Deleting what lost its owners, and carrying out foreground and orphaning deletes.

What always holds: nothing is deleted before its owner was looked up on the server itself and found missing; a delete
carries the uid, so that a new object of the same name is never hit; an object keeps living while any owner lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wherry.api.errors import Conflict, NotFound
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.controllers.context import Context
from wherry.controllers.controller import Workers
from wherry.controllers.gc.graph import FOREGROUND, ORPHAN, Graph, Node, Owner, Work, owners_of, without_owners
from wherry.controllers.gc.monitors import Monitors

WORKERS = 20
ABSENT_LIMIT = 500


class GarbageCollector:
    """A component; see the module."""

    name = "garbagecollector"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._log = context.log
        self._graph = Graph()
        self._absent: dict[str, None] = {}
        self._recorder = context.recorder("garbage-collector-controller")
        self._monitors = Monitors(
            context.client,
            context.informers,
            put=lambda obj: self._queue(self._graph.put(obj)),
            remove=lambda obj: self._queue(self._graph.remove(obj["metadata"]["uid"])),
            clock=context.clock,
            log=context.log,
        )
        workers = context.config.workers_by_controller.get(self.name, WORKERS)
        self.loop: Workers[str] = Workers(
            self.name, self._attempt_delete, clock=context.clock, needs=(), log=context.log, workers=workers
        )
        self._orphaning: Workers[str] = Workers(
            self.name, self._attempt_orphan, clock=context.clock, needs=(), log=context.log, workers=workers
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._monitors.run())
            await self._monitors.synced.wait()
            group.create_task(self.loop.run())
            group.create_task(self._orphaning.run())

    def _queue(self, work: Work) -> None:
        for uid in work.delete:
            self.loop.queue.add(uid)
        for uid in work.orphan:
            self._orphaning.queue.add(uid)

    async def _attempt_delete(self, uid: str) -> None:
        node = self._graph.nodes.get(uid)
        if node is None or (node.deleting and not node.deleting_dependents and not node.virtual):
            return
        resource, live = await self._look_up(node)
        if resource is None:
            raise Conflict(f"nobody serves {node.identity.kind} of {node.identity.api_version} (yet)")
        if live is None:
            self._queue(self._graph.remove(uid))
            return
        if node.virtual:
            self._queue(self._graph.put(live))
        elif node.deleting_dependents:
            await self._finish_foreground(node, resource, live)
        elif live["metadata"].get("ownerReferences"):
            await self._check_owners(node, resource, live)

    async def _look_up(self, node: Node) -> tuple[Resource | None, Object | None]:
        """The object as the server has it now; None where it is gone or another one has its name."""
        identity = node.identity
        resource = await self._monitors.resource_of(identity.api_version, identity.kind)
        if resource is None:
            return None, None
        return resource, await self._get(resource, identity.namespace, identity.name, identity.uid)

    async def _get(self, resource: Resource, namespace: str, name: str, uid: str) -> Object | None:
        try:
            live = await self._client.get(resource, name, namespace=namespace if resource.namespaced else None)
        except NotFound:
            return None
        return live if live["metadata"]["uid"] == uid else None

    async def _finish_foreground(self, node: Node, resource: Resource, live: Object) -> None:
        """Let the owner go when no dependent holds it back any more; else see to those dependents."""
        blocking = self._graph.blocking(node)
        if not blocking:
            await self._drop_finalizer(resource, live, FOREGROUND)
            return
        for dependent in blocking:
            if not dependent.deleting_dependents:
                self.loop.queue.add(dependent.identity.uid)

    async def _check_owners(self, node: Node, resource: Resource, live: Object) -> None:
        solid, dangling, waiting = await self._classify(node, owners_of(live["metadata"]))
        if solid:
            if dangling or waiting:
                await self._drop_owners(resource, live, [owner.uid for owner in (*dangling, *waiting)])
            return
        if waiting and node.dependents:
            if any(dependent.deleting_dependents for dependent in self._graph.dependents(node)):
                # A circle: whoever waits for us must not be waited for.
                await self._unblock(resource, live)
            await self._delete(resource, live, "Foreground")
            return
        await self._delete(resource, live, _policy(live))

    async def _classify(self, node: Node, owners: Sequence[Owner]) -> tuple[list[Owner], list[Owner], list[Owner]]:
        """Owners that live, that are gone, and that wait in the foreground for their dependents to go."""
        solid: list[Owner] = []
        dangling: list[Owner] = []
        waiting: list[Owner] = []
        for owner in owners:
            found = self._graph.nodes.get(owner.uid)
            if found is not None and not found.virtual and found.is_owner(owner, node.identity.namespace):
                (waiting if found.deleting_dependents else solid).append(owner)
                continue
            live = await self._owner(node, owner)
            if live is None:
                dangling.append(owner)
            elif live["metadata"].get("deletionTimestamp") and FOREGROUND in (live["metadata"].get("finalizers") or ()):
                waiting.append(owner)
            else:
                solid.append(owner)
        return solid, dangling, waiting

    async def _owner(self, node: Node, owner: Owner) -> Object | None:
        """The owner on the server. Raises `Conflict` (try again) where its kind is not known to anybody."""
        resource = await self._monitors.resource_of(owner.api_version, owner.kind)
        if resource is None:
            raise Conflict(f"{node.identity.kind} {node.identity.name}: nobody serves its owner's kind {owner.kind}")
        if resource.namespaced and not node.identity.namespace:
            self._complain(node, owner, "must be cluster-scoped as its dependent is")
            return {"metadata": {}}
        if owner.uid in self._absent:
            return None
        live = await self._get(resource, node.identity.namespace, owner.name, owner.uid)
        if live is None:
            found = self._graph.nodes.get(owner.uid)
            if found is not None and not found.virtual:
                self._complain(node, owner, f'does not exist in namespace "{node.identity.namespace}"')
            else:
                self._remember_absent(owner.uid)
        return live

    def _complain(self, node: Node, owner: Owner, why: str) -> None:
        where = f"namespace: {node.identity.namespace}, name: {owner.name}, uid: {owner.uid}"
        message = f"ownerRef [{owner.api_version}/{owner.kind}, {where}] {why}"
        self._recorder.event(_reference(node), "Warning", "OwnerRefInvalidNamespace", message)

    def _remember_absent(self, uid: str) -> None:
        """A uid never comes back: its other dependents need not ask again."""
        self._absent[uid] = None
        if len(self._absent) > ABSENT_LIMIT:
            del self._absent[next(iter(self._absent))]

    async def _delete(self, resource: Resource, live: Object, policy: str) -> None:
        metadata = live["metadata"]
        self._log.debug(
            "collecting", kind=resource.kind, namespace=metadata.get("namespace", ""), name=metadata["name"]
        )
        try:
            await self._client.delete(
                resource,
                metadata["name"],
                namespace=metadata.get("namespace"),
                propagation_policy=policy,
                uid=metadata["uid"],
                resource_version=metadata["resourceVersion"],
            )
        except NotFound:
            return

    async def _drop_owners(self, resource: Resource, live: Object, uids: Sequence[str]) -> None:
        references = without_owners(live["metadata"]["ownerReferences"], uids)
        await self._patch(resource, live, {"ownerReferences": references or None})

    async def _unblock(self, resource: Resource, live: Object) -> None:
        references = [{**r, "blockOwnerDeletion": False} for r in live["metadata"]["ownerReferences"]]
        live["metadata"] = (await self._patch(resource, live, {"ownerReferences": references}) or live)["metadata"]

    async def _drop_finalizer(self, resource: Resource, live: Object, finalizer: str) -> None:
        left = [name for name in live["metadata"].get("finalizers") or () if name != finalizer]
        await self._patch(resource, live, {"finalizers": left or None})

    async def _patch(self, resource: Resource, live: Object, change: Object) -> Object | None:
        """Change metadata, but only of the very object and state that the decision was made on."""
        metadata = live["metadata"]
        guard = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        try:
            return await self._client.patch(
                resource, metadata["name"], {"metadata": guard | change}, namespace=metadata.get("namespace")
            )
        except NotFound:
            return None

    async def _attempt_orphan(self, uid: str) -> None:
        """Take the owner out of all its dependents, then let it go."""
        node = self._graph.nodes.get(uid)
        if node is None:
            return
        results = await asyncio.gather(
            *(self._orphan(dependent, uid) for dependent in self._graph.dependents(node)), return_exceptions=True
        )
        if failure := next((result for result in results if isinstance(result, BaseException)), None):
            raise failure
        resource, live = await self._look_up(node)
        if resource is not None and live is not None and ORPHAN in (live["metadata"].get("finalizers") or ()):
            await self._drop_finalizer(resource, live, ORPHAN)

    async def _orphan(self, dependent: Node, owner_uid: str) -> None:
        resource, live = await self._look_up(dependent)
        if resource is None or live is None:
            return
        if any(r["uid"] == owner_uid for r in live["metadata"].get("ownerReferences") or ()):
            await self._drop_owners(resource, live, [owner_uid])


def _policy(live: Object) -> str:
    """How an object goes: as it was asked to before, else in the background."""
    finalizers = live["metadata"].get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def _reference(node: Node) -> Object:
    identity = node.identity
    metadata = {"name": identity.name, "namespace": identity.namespace, "uid": identity.uid}
    return {"apiVersion": identity.api_version, "kind": identity.kind, "metadata": metadata}
