"""The acknowledged state in memory: ordered keys, newest entries, history. Pure data, no I/O.

What always holds: `entries` and the ordered keys name the same keys; `revision` is the newest event's revision and the
history reaches from `compacted` to it without a gap.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sortedcontainers import SortedList

from wherry.store.history import History
from wherry.store.past import Changed, Past
from wherry.store.port import Compacted, Entry, Event, FutureRevision, Page

_LAST = 0x10FFFF


def prefix_end(prefix: str) -> str | None:
    """The least string greater than all that start with the prefix; None if there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < _LAST:
            return prefix[:-1] + chr(last + 1)
        prefix = prefix[:-1]
    return None


class Index:
    """Reads take time by the size of their answer, never by the size of the store."""

    __slots__ = ("_keys", "_past", "entries", "history", "revision")

    def __init__(self, entries: Iterable[Entry] = (), *, revision: int = 0) -> None:
        self.entries = {entry.key: entry for entry in entries}
        self.revision = revision
        self.history = History(revision)
        self._keys: SortedList = SortedList(self.entries)
        self._past = Past()

    @property
    def compacted(self) -> int:
        return self.history.compacted

    def apply(self, events: Sequence[Event]) -> None:
        """Take over the events of the next revisions."""
        for event in events:
            key = event.entry.key
            if event.type == "put":
                if event.previous is None:
                    self._keys.add(key)
                self.entries[key] = event.entry
            else:
                del self.entries[key]
                self._keys.remove(key)
            self.history.append(event)
        self.revision += len(events)

    def check_readable(self, revision: int) -> None:
        """Raise `Compacted` or `FutureRevision` unless the revision's state is known."""
        if revision > self.revision:
            raise FutureRevision(f"revision {revision} is newer than the store, which is at {self.revision}")
        if revision < self.history.compacted:
            raise Compacted(revision, self.history.compacted)

    def count(self, prefix: str) -> int:
        """How many keys stand under a prefix."""
        start, stop = self._bounds(prefix, "")
        return stop - start

    def page(self, prefix: str, *, after: str, limit: int, revision: int) -> Page:
        """See `Store.range`."""
        if revision:
            self.check_readable(revision)
        start, stop = self._bounds(prefix, after)
        if revision and revision != self.revision:
            changed = self._past.changed(prefix, revision, self.history)
            if changed:
                return self._old_page(changed, start, stop, after=after, limit=limit, revision=revision)
        end = min(stop, start + limit) if limit else stop
        entries = list(map(self.entries.__getitem__, self._keys.islice(start, end)))
        return Page(entries, revision or self.revision, stop - end)

    def _bounds(self, prefix: str, after: str) -> tuple[int, int]:
        """Positions of the first key to give and of the first key behind the prefix."""
        keys = self._keys
        end = prefix_end(prefix)
        start = keys.bisect_left(prefix) if after < prefix else keys.bisect_right(after)
        stop = len(keys) if end is None else keys.bisect_left(end)
        return min(start, stop), stop

    def _old_page(self, changed: Changed, start: int, stop: int, *, after: str, limit: int, revision: int) -> Page:
        old = sorted(key for key, entry in changed.items() if entry is not None and key > after)
        new = sum(1 for key in changed if key > after and key in self.entries)
        total = stop - start - new + len(old)
        found = self._old_entries(changed, old, start, stop)
        entries = list(islice(found, limit or None))
        return Page(entries, revision, total - len(entries))

    def _old_entries(self, changed: Changed, old: list[str], start: int, stop: int) -> Iterator[Entry]:
        unchanged = (key for key in self._keys.islice(start, stop) if key not in changed)
        for key in heapq.merge(unchanged, old):
            yield changed.get(key) or self.entries[key]

    def compact(self, revision: int) -> list[Event]:
        """Forget history before a revision; gives the events that went. Raises `Compacted`, `FutureRevision`."""
        if revision <= self.history.compacted:
            raise Compacted(revision, self.history.compacted)
        self.check_readable(revision)
        dropped = self.history.compact(revision)
        for entry in self.entries.values():
            if entry.mod_revision <= revision:
                entry.memo = None
        self._past.forget_before(revision)
        return dropped

    def copy(self) -> Index:
        """An index of its own with the same entries and the same history: only containers are copied."""
        twin = Index(revision=self.revision)
        twin.entries = self.entries.copy()
        twin._keys = self._keys.copy()
        twin.history = self.history.copy()
        return twin
