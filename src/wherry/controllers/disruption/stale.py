"""Pods that were to be disrupted and then were not: after two minutes the condition `DisruptionTarget` becomes False.

Whoever sets it (eviction, preemption, taints) deletes the pod right after; if that did not happen, a later failure of
the pod must not pass for a disruption. What the kubelet itself terminates is left alone.
"""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339, rfc3339
from wherry.client.informer import Informer, Key, key_of
from wherry.controllers import conditions, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry

SECONDS = 120.0


def stale_in(pod: Object, now: float) -> float | None:
    """Seconds until the pod's condition is stale, 0 or less: it is; None where there is nothing to watch."""
    if pods.is_terminating(pod) or pods.is_finished(pod):
        return None
    found = conditions.find((pod.get("status") or {}).get("conditions"), "DisruptionTarget")
    if found is None or found.get("status") != "True" or found.get("reason") == "TerminationByKubelet":
        return None
    return parse_rfc3339(found["lastTransitionTime"]) + SECONDS - now


class StaleDisruptions:
    """A component; see the module."""

    def __init__(self, context: Context, informer: Informer) -> None:
        self._client = context.client
        self._clock = context.clock
        self._pods = informer
        self.loop = Loop(
            "disruption", self._reconcile, clock=context.clock, needs=(informer,), log=context.log, workers=1
        )
        informer.add_handler(self._seen, lambda old, new: self._seen(new))

    async def run(self) -> None:
        await self.loop.run()

    def _seen(self, pod: Object) -> None:
        if (wait := stale_in(pod, self._clock.now())) is not None:
            self.loop.queue.add_after(key_of(pod), wait)

    async def _reconcile(self, key: Key) -> None:
        pod, now = self._pods.get(*key), self._clock.now()
        if pod is None or (wait := stale_in(pod, now)) is None:
            return
        if wait > 0:
            raise Retry(wait)
        metadata = pod["metadata"]
        guard = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        condition: Object = {"type": "DisruptionTarget", "status": "False", "lastTransitionTime": rfc3339(now)}
        condition |= {"reason": None, "message": None}
        try:
            await self._client.patch(
                "pods",
                key[1],
                {"metadata": guard, "status": {"conditions": [condition]}},
                namespace=key[0],
                type="strategic",
                subresource="status",
            )
        except NotFound:
            return
