"""secret: a file per key."""

from __future__ import annotations

from wherry.node.volumes.context import Payload, VolumeContext
from wherry.node.volumes.payloads import of_object


async def payload(context: VolumeContext) -> tuple[Payload, float | None]:
    source = context.volume["secret"]
    return of_object(context, "secrets", source, source.get("defaultMode")), None
