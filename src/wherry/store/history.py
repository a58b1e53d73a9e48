"""The events since the last compaction, in the order of their revisions.

Every write has a revision of its own, so the event of revision r stands at position `r - compacted - 1` and finding it
needs no search. Together with `Event.previous` this list *is* the per-key version history: there is no second copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wherry.store.port import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLimit:
    """How much history is kept at most, whatever the compactor's timetable says."""

    events: int = 100_000
    bytes: int = 48 << 20
    """Values that only history still holds, so what is freed by compacting."""


MEMOS_KEPT = 4096
"""The newest so many entries keep their memos, which may be several times as large as the values."""


def held_bytes(event: Event) -> int:
    """The bytes of values that only history keeps alive because of this event."""
    held = len(event.previous.value) if event.previous is not None else 0
    return held + len(event.entry.value) if event.type == "delete" else held


class History:
    """A window of events that grows at its end and is compacted at its beginning."""

    __slots__ = ("_events", "bytes", "compacted")

    def __init__(self, compacted: int) -> None:
        self.compacted = compacted
        self.bytes = 0
        self._events: list[Event] = []

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: Event) -> None:
        """Add the event of the next revision."""
        self._events.append(event)
        self.bytes += held_bytes(event)

    def drop_memos(self, published: int) -> None:
        """After so many more events have been published: drop the memos that are hardly of use any more."""
        events = self._events
        for event in events[-published:]:
            if event.previous is not None:
                event.previous.memo = None
        stop = len(events) - MEMOS_KEPT
        if stop > 0:
            for event in events[max(0, stop - published) : stop]:
                event.entry.memo = None

    def since(self, revision: int) -> list[Event]:
        """The events of greater revisions; the revision must not be older than `compacted`."""
        return self._events[revision - self.compacted :]

    def compact(self, revision: int) -> list[Event]:
        """Forget the events up to a revision and give them back."""
        count = revision - self.compacted
        dropped = self._events[:count]
        del self._events[:count]
        self.bytes -= sum(map(held_bytes, dropped))
        self.compacted = revision
        return dropped

    def surplus(self, limit: HistoryLimit) -> int:
        """How many of the oldest events must go. When a limit is passed, half of it: compacting must stay rare."""
        if len(self._events) <= limit.events and self.bytes <= limit.bytes:
            return 0
        count = max(0, len(self._events) - limit.events // 2)
        return max(count, self._count_to_free(self.bytes - limit.bytes // 2, self._events))

    @staticmethod
    def _count_to_free(excess: int, events: Iterable[Event]) -> int:
        count = 0
        for event in events:
            if excess <= 0:
                break
            excess -= held_bytes(event)
            count += 1
        return count

    def copy(self) -> History:
        """Another window with the same events."""
        twin = History(self.compacted)
        twin.bytes = self.bytes
        twin._events = self._events.copy()
        return twin
