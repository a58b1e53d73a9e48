"""Claims that ask for more than they have: local volumes grow at once, others wait for whoever made them.

Three writes, each of which may be the last: the claim says that it grows, the volume gets its new size, the claim has it.
Source: k8s.io/kubernetes pkg/controller/volume/expand, kubernetes-csi/external-resizer, KEP-1790.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.informer import Key
from wherry.controllers import conditions
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.volumes.provisioner import NAME as LOCAL
from wherry.controllers.volumes.store import CLAIMS, VOLUMES
from wherry.machinery.quantity import parse
from wherry.policy.volumes import facts

NOBODY = (
    "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to "
    "process this PVC."
)


class VolumeResizer:
    """A component; see the module."""

    name = "persistentvolume-expander"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("volume_expand")
        self._claims, self._volumes = context.informers.informer(CLAIMS), context.informers.informer(VOLUMES)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._claims, self._volumes),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 2),
        )
        self._claims.add_handler(self._seen, lambda old, new: self._seen(new))

    async def run(self) -> None:
        await self.loop.run()

    def _seen(self, claim: Object) -> None:
        if facts.phase(claim) == "Bound" and facts.requested(claim) > _has(claim):
            self.loop.enqueue(claim)

    async def _reconcile(self, key: Key) -> None:
        claim = self._claims.get(*key)
        volume = self._volumes.get("", claim["spec"].get("volumeName", "")) if claim is not None else None
        if claim is None or volume is None or facts.requested(claim) <= _has(claim):
            return
        if facts.marks(volume).get(facts.PROVISIONED_BY) == LOCAL:
            await self._grow(claim, volume)
        else:
            self._recorder.event(claim, "Normal", "ExternalExpanding", NOBODY)

    async def _grow(self, claim: Object, volume: Object) -> None:
        size = claim["spec"]["resources"]["requests"]["storage"]
        claim = await self._begin(claim, volume, size)
        if facts.capacity(volume) < facts.requested(claim):
            volume = await self._client.update(VOLUMES, facts.dirty(volume, capacity={"storage": size}))
        await self._finish(claim, volume)
        self._recorder.event(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded")

    async def _begin(self, claim: Object, volume: Object, size: str) -> Object:
        status = claim.get("status") or {}
        if conditions.is_true(status.get("conditions"), "Resizing"):
            return claim
        name = volume["metadata"]["name"]
        self._recorder.event(claim, "Normal", "Resizing", f"External resizer is resizing volume {name}")
        growing = {"type": "Resizing", "status": "True", "lastTransitionTime": rfc3339(self._clock.now())}
        changes = {
            "conditions": [*conditions.without(status.get("conditions"), "Resizing"), growing],
            "allocatedResources": {"storage": size},
            "allocatedResourceStatuses": {"storage": "ControllerResizeInProgress"},
        }
        return await self._save(claim, {**status, **changes})

    async def _finish(self, claim: Object, volume: Object) -> None:
        """The claim has what the volume has; nothing is left to do on the node."""
        done = {k: v for k, v in claim["status"].items() if k not in ("conditions", "allocatedResourceStatuses")}
        if left := conditions.without(claim["status"].get("conditions"), "Resizing"):
            done["conditions"] = left
        await self._save(claim, {**done, "capacity": volume["spec"]["capacity"]})

    async def _save(self, claim: Object, status: Object) -> Object:
        return await self._client.update(CLAIMS, {**claim, "status": status}, subresource="status")


def _has(claim: Object) -> int:
    found = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
    return parse(found).nanos if found is not None else 0
