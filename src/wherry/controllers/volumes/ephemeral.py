"""Claims for pods' own volumes (`ephemeral`): named `POD-VOLUME`, owned by the pod and gone with it.

Source: k8s.io/kubernetes pkg/controller/volume/ephemeral.
"""

from __future__ import annotations

from wherry.api.errors import AlreadyExists, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers import owners
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry
from wherry.controllers.pod_control import namespace_terminating
from wherry.controllers.volumes.store import CLAIMS
from wherry.policy.volumes import facts

AGAIN_SECONDS = 10.0


class EphemeralVolumes:
    """A component; see the module."""

    name = "ephemeral-volume"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder("ephemeral_volume")
        self._pods = context.informers.informer("pods")
        self._claims = context.informers.informer(CLAIMS)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._pods, self._claims),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._pods.add_handler(self._pod_seen)
        self._claims.add_handler(None, None, self._claim_gone)

    async def run(self) -> None:
        await self.loop.run()

    def _pod_seen(self, pod: Object) -> None:
        if not pod["metadata"].get("deletionTimestamp") and _own(pod):
            self.loop.enqueue(pod)

    def _claim_gone(self, claim: Object) -> None:
        """A pod of that claim may wait for a new one."""
        for owner in claim["metadata"].get("ownerReferences") or ():
            if owner.get("controller") and owner["kind"] == "Pod":
                self.loop.queue.add((claim["metadata"]["namespace"], owner["name"]))

    async def _reconcile(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return
        for volume in _own(pod):
            if (problem := await self._ensure(pod, volume)) is not None:
                self._recorder.event(pod, "Warning", "FailedBinding", f"ephemeral volume {volume['name']}: {problem}")
                raise Retry(AGAIN_SECONDS)

    async def _ensure(self, pod: Object, volume: Object) -> str | None:
        """What stands in the way; None where the claim is there."""
        namespace, name = pod["metadata"]["namespace"], facts.ephemeral_name(pod, volume["name"])
        claim = self._claims.get(namespace, name)
        if claim is not None:
            return None if facts.is_made_for(claim, pod) else facts.not_made_for(claim, pod)
        try:
            await self._client.create(CLAIMS, _claim_for(pod, volume, name))
        except AlreadyExists:
            return None  # it will be told, and looked at then
        except StatusError as error:
            return None if namespace_terminating(error) else f"create PVC {name}: {error}"
        return None


def _own(pod: Object) -> list[Object]:
    return [volume for volume in pod["spec"].get("volumes") or () if "ephemeral" in volume]


def _claim_for(pod: Object, volume: Object, name: str) -> Object:
    template = volume["ephemeral"]["volumeClaimTemplate"]
    given = template.get("metadata") or {}
    metadata = {
        "name": name,
        "namespace": pod["metadata"]["namespace"],
        "ownerReferences": [owners.controller_reference(pod, lookup("pods"))],
        **{key: given[key] for key in ("labels", "annotations") if given.get(key)},
    }
    return {"metadata": metadata, "spec": template["spec"]}
