"""Making objects at start that are missing, all at once so that a durable store commits them together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wherry.api.types import Object
from wherry.apiserver.kinds import set_defaults, strategy_of
from wherry.apiserver.objects import encoder, new_uid, stamp
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import Served
from wherry.store.port import RevisionMismatch


async def ensure(parts: Parts, objects: Iterable[Object]) -> None:
    """Create those that do not exist; what exists is left as it is.

    The objects are the caller's own; a status that they have is kept.
    """
    served = {(each.api_version, each.kind): each for each in parts.registry}
    missing = []
    for obj in objects:
        kind = served[obj["apiVersion"], obj["kind"]]
        key = kind.key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        if parts.store.get(key) is None:
            missing.append(_create(parts, kind, key, obj))
    await asyncio.gather(*missing)


async def _create(parts: Parts, served: Served, key: str, obj: Object) -> None:
    obj["metadata"]["uid"] = new_uid()
    obj["metadata"]["creationTimestamp"] = stamp(parts.clock.now())
    set_defaults(served.resource, obj)
    status = obj.get("status")
    strategy_of(served).prepare_create(obj)
    if status is not None:
        obj["status"] = status
    try:
        await parts.store.put(key, encoder(obj), expected=0, memo=obj)
    except RevisionMismatch:
        # Another server of the same cluster was faster.
        return
