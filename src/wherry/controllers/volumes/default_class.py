"""The storage class `standard`, made once in a cluster's life: whoever deletes or changes it has the last word.

That it was made is noted on the namespace `kube-system`, which lives as long as the cluster.
"""

from __future__ import annotations

import asyncio

from wherry.api.errors import AlreadyExists, StatusError
from wherry.api.types import Object
from wherry.controllers.context import Context
from wherry.controllers.volumes.provisioner import NAME as PROVISIONER
from wherry.controllers.volumes.store import CLASSES
from wherry.policy.volumes import facts

MADE = "wherry.dev/default-storage-class-made"
_NAMESPACE = "kube-system"
_AGAIN_SECONDS = 1.0

CLASS: Object = {
    "metadata": {"name": "standard", "annotations": {facts.DEFAULT_CLASS: "true"}},
    "provisioner": PROVISIONER,
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
    "allowVolumeExpansion": True,
}


class DefaultStorageClass:
    """A component that has nothing to do after its first moment."""

    name = "default-storage-class"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._log = context.log

    async def run(self) -> None:
        while not await self._ensure():
            await self._clock.sleep(_AGAIN_SECONDS)
        await asyncio.Event().wait()

    async def _ensure(self) -> bool:
        """Whether it is done."""
        try:
            namespace = await self._client.get("namespaces", _NAMESPACE)
            if MADE not in facts.marks(namespace):
                await self._make()
                await self._client.patch("namespaces", _NAMESPACE, {"metadata": {"annotations": {MADE: "true"}}})
        except (StatusError, ConnectionError, OSError) as error:
            self._log.info("could not make the default storage class yet", error=str(error))
            return False
        return True

    async def _make(self) -> None:
        try:
            await self._client.create(CLASSES, CLASS)
        except AlreadyExists:
            return  # made before, and not noted any more
