"""What is done for a volume: its phase kept true, and a volume whose claim is gone kept, or left to who deletes it."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.controllers.volumes.binding import unbind
from wherry.controllers.volumes.store import Storage
from wherry.policy.volumes import facts

_WRONG_MODE = "Cannot bind PersistentVolume to requested PersistentVolumeClaim due to incompatible volumeMode."
_NO_RECYCLER = "No recycler plugin found for the volume!"


class Volumes:
    """`look_at` asks for another look at a claim."""

    def __init__(self, storage: Storage, look_at: Callable[[Object], None]) -> None:
        self._storage = storage
        self._look_at = look_at

    async def sync(self, volume: Object) -> None:
        reference = volume["spec"].get("claimRef")
        if reference is None or not reference.get("uid"):
            await self._storage.set_volume_phase(volume, "Available")
            return None
        claim = await self._claim(reference)
        if claim is None:
            return await self._left(volume)
        name = claim["spec"].get("volumeName")
        if not name:
            return self._expected(volume, claim)
        if name == volume["metadata"]["name"]:
            await self._storage.set_volume_phase(volume, "Bound")
        elif _was_made_for_it(volume):
            await self._left(volume)
        else:
            await unbind(self._storage, volume)
        return None

    async def _claim(self, reference: Object) -> Object | None:
        """None where the claim is gone, which the server itself must say: a wrong guess costs somebody's data."""
        namespace, name, uid = reference["namespace"], reference["name"], reference["uid"]
        found = self._storage.claims.get(namespace, name)
        if found is None or found["metadata"]["uid"] != uid:
            try:
                found = await self._storage.live_claim(namespace, name)
            except NotFound:
                return None
        return found if found["metadata"]["uid"] == uid else None

    def _expected(self, volume: Object, claim: Object) -> None:
        """The claim does not know of its volume yet."""
        if facts.mode_of(volume) != facts.mode_of(claim):
            self._storage.tell(volume, "Warning", "VolumeMismatch", _WRONG_MODE)
            self._storage.tell(claim, "Warning", "VolumeMismatch", _WRONG_MODE)
        else:
            self._look_at(claim)

    async def _left(self, volume: Object) -> None:
        if facts.phase(volume) not in ("Released", "Failed"):
            volume = await self._storage.set_volume_phase(volume, "Released")
        policy = volume["spec"].get("persistentVolumeReclaimPolicy") or "Retain"
        if policy == "Recycle":
            await self._fail(volume, "VolumeFailedRecycle", _NO_RECYCLER)
        elif policy == "Delete" and not _has_own_deleter(volume):
            name = volume["metadata"]["name"]
            text = f'error getting deleter volume plugin for volume "{name}": no deletable volume plugin matched'
            await self._fail(volume, "VolumeFailedDelete", text)

    async def _fail(self, volume: Object, reason: str, message: str) -> None:
        if facts.phase(volume) != "Failed":
            await self._storage.set_volume_phase(volume, "Failed", message)
            self._storage.tell(volume, "Warning", reason, message)


def _was_made_for_it(volume: Object) -> bool:
    """Provisioned for a claim that took another volume."""
    policy = volume["spec"].get("persistentVolumeReclaimPolicy")
    return facts.PROVISIONED_BY in facts.marks(volume) and policy == "Delete"


def _has_own_deleter(volume: Object) -> bool:
    """Whoever made the volume removes it."""
    return facts.PROVISIONED_BY in facts.marks(volume) or facts.source_of(volume) == "csi"
