"""Volumes, claims and classes as the binder sees and writes them, and the events it tells of them."""

from __future__ import annotations

from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.controllers.context import Context
from wherry.controllers.volumes.newest import Newest
from wherry.policy.volumes import facts

CLAIMS, VOLUMES = lookup("persistentvolumeclaims"), lookup("persistentvolumes")
CLASSES = lookup("storageclasses.storage.k8s.io")


class Storage:
    """Every write gives the object as the server has it, and is seen here at once."""

    def __init__(self, context: Context) -> None:
        informers = context.informers
        self._client = context.client
        self._recorder = context.recorder("persistentvolume-controller")
        self.needs = tuple(informers.informer(resource) for resource in (CLAIMS, VOLUMES, CLASSES))
        self.claims, self.volumes, self._classes = (Newest(informer) for informer in self.needs)

    def class_named(self, name: str) -> Object | None:
        return self._classes.get("", name) if name else None

    def classes(self) -> list[Object]:
        return self._classes.items()

    def tell(self, obj: Object, type: str, reason: str, message: str) -> None:
        self._recorder.event(obj, type, reason, message)

    async def live_claim(self, namespace: str, name: str) -> Object:
        """As the server has it now. Raises `NotFound`."""
        return await self._client.get(CLAIMS, name, namespace=namespace)

    async def save_claim(self, claim: Object) -> Object:
        saved = await self._client.update(CLAIMS, claim)
        self.claims.put(saved)
        return saved

    async def save_volume(self, volume: Object) -> Object:
        saved = await self._client.update(VOLUMES, volume)
        self.volumes.put(saved)
        return saved

    async def set_claim_phase(self, claim: Object, phase: str, volume: Object | None = None) -> Object:
        """The status of a claim: what it got is that of its volume; its size changes later only by growing."""
        before = claim.get("status") or {}
        status = {key: value for key, value in before.items() if key not in ("accessModes", "capacity")}
        status["phase"] = phase
        if volume is not None:
            status["accessModes"] = volume["spec"].get("accessModes") or []
            keeps = before.get("phase") == "Bound" and before.get("capacity")
            status["capacity"] = before["capacity"] if keeps else volume["spec"].get("capacity") or {}
            if (attributes := volume["spec"].get("volumeAttributesClassName")) is not None:
                status["currentVolumeAttributesClassName"] = attributes
        if status == before:
            return claim
        saved = await self._client.update(CLAIMS, {**claim, "status": status}, subresource="status")
        self.claims.put(saved)
        return saved

    async def set_volume_phase(self, volume: Object, phase: str, message: str = "") -> Object:
        if facts.phase(volume) == phase and (volume.get("status") or {}).get("phase"):
            return volume
        status = {**(volume.get("status") or {}), "phase": phase}
        status.pop("message", None)
        if message:
            status["message"] = message
        saved = await self._client.update(VOLUMES, {**volume, "status": status}, subresource="status")
        self.volumes.put(saved)
        return saved
