"""Nothing goes while it is in use: a claim stays until no placed pod uses it, a volume until it is not bound any more.

A finalizer holds them; the server's admission puts it on new ones (StorageObjectInUseProtection), these controllers put it
on old ones and take it away. Source: k8s.io/kubernetes pkg/controller/volume/pvcprotection and pvprotection.
"""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.volumes.store import CLAIMS, VOLUMES
from wherry.controllers.volumes.users import by_claim, uses
from wherry.policy.volumes import facts

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"


class _Protection:
    """A component. Subclasses say what is in use."""

    name = ""
    resource: Resource
    finalizer = ""

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._objects = context.informers.informer(self.resource)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._objects,),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 2),
        )
        self._objects.add_handler(self._seen, lambda old, new: self._seen(new))

    async def run(self) -> None:
        await self.loop.run()

    def _seen(self, obj: Object) -> None:
        if self._is_leaving(obj) or self._lacks(obj):
            self.loop.enqueue(obj)

    def _is_leaving(self, obj: Object) -> bool:
        return bool(obj["metadata"].get("deletionTimestamp")) and self.finalizer in _finalizers(obj)

    def _lacks(self, obj: Object) -> bool:
        return not obj["metadata"].get("deletionTimestamp") and self.finalizer not in _finalizers(obj)

    async def _reconcile(self, key: Key) -> None:
        obj = self._objects.get(*key)
        if obj is None:
            return
        if self._is_leaving(obj):
            if not await self._in_use(obj):
                await self._write(obj, [name for name in _finalizers(obj) if name != self.finalizer])
        elif self._lacks(obj):
            await self._write(obj, [*_finalizers(obj), self.finalizer])

    async def _in_use(self, obj: Object) -> bool:
        raise NotImplementedError

    async def _write(self, obj: Object, finalizers: list[str]) -> None:
        try:
            await self._client.update(self.resource, {**obj, "metadata": {**obj["metadata"], "finalizers": finalizers}})
        except NotFound:
            return


class VolumeProtection(_Protection):
    name = "pv-protection"
    resource = VOLUMES
    finalizer = VOLUME_FINALIZER

    async def _in_use(self, obj: Object) -> bool:
        return facts.phase(obj) == "Bound"


class ClaimProtection(_Protection):
    name = "pvc-protection"
    resource = CLAIMS
    finalizer = CLAIM_FINALIZER

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._users = by_claim(context)
        self._users.informer.add_handler(None, lambda old, new: self._pod_changed(new), self._pod_changed)

    def _pod_changed(self, pod: Object) -> None:
        """A pod that ends may set its claims free."""
        for _, name, _ in facts.claims_of(pod):
            claim = self._objects.get(pod["metadata"]["namespace"], name)
            if claim is not None and self._is_leaving(claim):
                self.loop.enqueue(claim)

    async def _in_use(self, obj: Object) -> bool:
        if any(_holds(pod, obj) for pod in self._users.of(obj)):
            return True
        # What is not told yet must count too: the answer no costs somebody's data.
        live = await self._client.list("pods", namespace=obj["metadata"]["namespace"])
        return any(_holds(pod, obj) for pod in live["items"])


def _holds(pod: Object, claim: Object) -> bool:
    """Nodes take no pod whose claim is leaving, so that only placed pods count."""
    if not pod["spec"].get("nodeName") or not uses(pod, claim):
        return False
    metadata = pod["metadata"]
    over = metadata.get("deletionTimestamp") and metadata.get("deletionGracePeriodSeconds") == 0
    return not (over and facts.is_made_for(claim, pod))


def _finalizers(obj: Object) -> list[str]:
    return obj["metadata"].get("finalizers") or []
