"""Events are forgotten an hour after they last happened, as upstream's `--event-ttl` has it."""

from __future__ import annotations

import asyncio

from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.base.times import parse_rfc3339
from wherry.store.port import Entry, KeyMissing, RevisionMismatch, StoreFull

TTL_SECONDS = 3600.0
SWEEP_SECONDS = 300.0
PREFIX = storage_prefix("", "events")
_TOGETHER = 100
"""How many deletes are under way at once: enough to share commits, few enough to let others in."""


def last_seen(event: Object) -> float:
    """When an event happened last, in seconds since 1970."""
    series = event.get("series") or {}
    moments = (
        event.get("lastTimestamp"),
        event.get("eventTime"),
        series.get("lastObservedTime"),
        event["metadata"].get("creationTimestamp"),
    )
    return max((parse_rfc3339(moment) for moment in moments if moment), default=0.0)


async def sweep(parts: Parts) -> int:
    """Remove what is too old; gives how many went."""
    oldest = parts.clock.now() - TTL_SECONDS
    expired = [entry for entry in parts.store.range(PREFIX).entries if last_seen(decoded(entry)) < oldest]
    for start in range(0, len(expired), _TOGETHER):
        await asyncio.gather(*(_remove(parts, entry) for entry in expired[start : start + _TOGETHER]))
    return len(expired)


async def _remove(parts: Parts, entry: Entry) -> None:
    try:
        await parts.store.delete(entry.key, expected=entry.mod_revision)
    except (KeyMissing, RevisionMismatch, StoreFull):
        # It happened again, somebody else removed it, or the next sweep will.
        return


async def keep_sweeping(parts: Parts) -> None:
    """Sweep now and then until cancelled."""
    while True:
        await sweep(parts)
        await parts.clock.sleep(SWEEP_SECONDS)
