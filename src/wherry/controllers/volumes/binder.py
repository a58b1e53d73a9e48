"""The persistent volume binder: one worker brings claims and volumes together, one after another.

One worker, because two claims that are looked at together would choose the same volume.
Source: k8s.io/kubernetes pkg/controller/volume/persistentvolume; there everything is looked at again every 15 seconds,
here what a change may concern.
"""

from __future__ import annotations

from typing import NamedTuple

from wherry.api.types import Object
from wherry.controllers.context import Context
from wherry.controllers.controller import Workers
from wherry.controllers.volumes.claims import Claims
from wherry.controllers.volumes.leftovers import Volumes
from wherry.controllers.volumes.store import Storage
from wherry.controllers.volumes.users import by_claim
from wherry.policy.volumes import facts


class Item(NamedTuple):
    """A claim, or a volume (without namespace)."""

    namespace: str
    name: str


class PersistentVolumeBinder:
    """A component; see the module."""

    name = "persistentvolume-binder"

    def __init__(self, context: Context) -> None:
        self._storage = Storage(context)
        self._users = by_claim(context)
        self._claims = Claims(self._storage, self._users.of)
        self._volumes = Volumes(self._storage, self._claim_seen)
        claims, volumes, classes = self._storage.needs
        self.loop: Workers[Item] = Workers(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(*self._storage.needs, self._users.informer),
            log=context.log,
            workers=1,
        )
        claims.add_handler(self._claim_seen, self._claim_changed, self._claim_gone)
        volumes.add_handler(self._volume_seen, self._volume_changed, self._volume_gone)
        classes.add_handler(self._class_seen, lambda old, new: self._class_seen(new), None)

    async def run(self) -> None:
        await self.loop.run()

    def _claim_seen(self, claim: Object) -> None:
        self.loop.queue.add(Item(claim["metadata"]["namespace"], claim["metadata"]["name"]))

    def _claim_changed(self, old: Object, new: Object) -> None:
        """The binder's own writes and other people's labels make no difference."""
        if _meaning(old) != _meaning(new):
            self._claim_seen(new)

    def _claim_gone(self, claim: Object) -> None:
        if name := claim["spec"].get("volumeName"):
            self.loop.queue.add(Item("", name))
        for volume in self._storage.volumes.items():
            if facts.is_bound_to(volume, claim):
                self._volume_seen(volume)

    def _volume_seen(self, volume: Object) -> None:
        self.loop.queue.add(Item("", volume["metadata"]["name"]))
        if (reference := volume["spec"].get("claimRef")) is not None:
            self.loop.queue.add(Item(reference.get("namespace", ""), reference.get("name", "")))

    def _volume_changed(self, old: Object, new: Object) -> None:
        self._volume_seen(new)
        if facts.phase(new) == "Available" != facts.phase(old):
            self._offer(facts.class_of(new))

    def _volume_gone(self, volume: Object) -> None:
        self._volume_seen(volume)
        for claim in self._storage.claims.items():
            if claim["spec"].get("volumeName") == volume["metadata"]["name"]:
                self._claim_seen(claim)

    def _class_seen(self, class_: Object) -> None:
        self._offer(class_["metadata"]["name"])

    def _offer(self, class_name: str) -> None:
        """Something of a class is new: claims that wait for it, or for any class, are looked at again."""
        for claim in self._storage.claims.items():
            waits = facts.phase(claim) == "Pending"
            if waits and (facts.class_of(claim) == class_name or not facts.names_class(claim)):
                self._claim_seen(claim)

    async def _reconcile(self, item: Item) -> None:
        if item.namespace:
            if (claim := self._storage.claims.get(*item)) is not None:
                await self._claims.sync(claim)
        elif (volume := self._storage.volumes.get(*item)) is not None:
            await self._volumes.sync(volume)


def _meaning(claim: Object) -> tuple[object, ...]:
    marks = facts.marks(claim)
    names = (facts.BIND_COMPLETED, facts.SELECTED_NODE)
    return (claim["spec"], facts.phase(claim), *(marks.get(name) for name in names))
