"""Pods that no job controls any more must lose the job's finalizer, or nobody could ever delete them.

A job that adopts such a pod puts the finalizer back in the same write; the resource version keeps the two apart.
"""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.client.informer import Informer, Key
from wherry.controllers import owners
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.job.pods_of import FINALIZER


class Orphans:
    """A component; the job loop queues the pods."""

    def __init__(self, context: Context, pods: Informer) -> None:
        self._client = context.client
        self._pods = pods
        self.loop = Loop("job", self._reconcile, clock=context.clock, needs=(pods,), log=context.log, workers=1)

    async def run(self) -> None:
        await self.loop.run()

    async def _reconcile(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or owners.controller_of(pod) is not None:
            return
        metadata = pod["metadata"]
        left = [name for name in metadata.get("finalizers") or () if name != FINALIZER]
        if left == (metadata.get("finalizers") or []):
            return
        guard = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        try:
            await self._client.patch(
                "pods", key[1], {"metadata": {**guard, "finalizers": left or None}}, namespace=key[0]
            )
        except NotFound:
            return
