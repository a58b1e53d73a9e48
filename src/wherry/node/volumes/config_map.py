"""configMap: a file per key."""

from __future__ import annotations

from wherry.node.volumes.context import Payload, VolumeContext
from wherry.node.volumes.payloads import of_object


async def payload(context: VolumeContext) -> tuple[Payload, float | None]:
    source = context.volume["configMap"]
    return of_object(context, "configmaps", source, source.get("defaultMode")), None
