"""downwardAPI: a file per field of the pod."""

from __future__ import annotations

from wherry.node.volumes.context import Payload, VolumeContext
from wherry.node.volumes.payloads import of_downward


async def payload(context: VolumeContext) -> tuple[Payload, float | None]:
    source = context.volume["downwardAPI"]
    return of_downward(context, source, source.get("defaultMode")), None
