"""Events are forgotten an hour after they last happened, as upstream's `--event-ttl` has it."""

from __future__ import annotations

import asyncio

from wherry.api.types import Object
from wherry.apiserver.objects import fresh
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.base.times import parse_rfc3339
from wherry.store.port import Entry, KeyMissing, RevisionMismatch, StoreFull

TTL_SECONDS = 3600.0
SWEEP_SECONDS = 300.0
PREFIX = storage_prefix("", "events")
_PAGE = 200
"""How many events are looked at, and perhaps deleted, at once: enough to share commits, few enough to let others in."""


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
    """Remove what is too old; gives how many went. Others have their turn after each page, however many events there are."""
    oldest, after, removed = parts.clock.now() - TTL_SECONDS, "", 0
    while True:
        page = parts.store.range(PREFIX, after=after, limit=_PAGE)
        expired = [entry for entry in page.entries if last_seen(_read(entry)) < oldest]
        await asyncio.gather(*(_remove(parts, entry) for entry in expired))
        removed += len(expired)
        if not page.more:
            return removed
        after = page.entries[-1].key
        await asyncio.sleep(0)


def _read(entry: Entry) -> Object:
    """The event, without keeping what is decoded: nobody else is going to ask for it."""
    return entry.memo if entry.memo is not None else fresh(entry)


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
