"""What a prefix looked like at an old revision, as its difference to now.

A paged list reads page after page at the revision of its first page. Instead of version lists per key, the few keys
that changed since are undone: the first event after the revision carries, as `previous`, what the key was. Differences
are remembered and extended, so that all pages of a list together walk the history once.
"""

from __future__ import annotations

from wherry.store.history import History
from wherry.store.port import Entry

_REMEMBERED = 16

Changed = dict[str, Entry | None]
"""Keys that changed since, with what they were; None where there was no such key."""


class _Difference:
    __slots__ = ("changed", "seen")

    def __init__(self, revision: int) -> None:
        self.changed: Changed = {}
        self.seen = revision


class Past:
    """Remembers the differences of the lists that are under way, the least recently used one goes first."""

    __slots__ = ("_differences",)

    def __init__(self) -> None:
        self._differences: dict[tuple[str, int], _Difference] = {}

    def changed(self, prefix: str, revision: int, history: History) -> Changed:
        """The keys under a prefix that changed after a revision, as they were at it."""
        difference = self._differences.pop((prefix, revision), None) or _Difference(revision)
        for event in history.since(difference.seen):
            key = event.entry.key
            if key.startswith(prefix) and key not in difference.changed:
                difference.changed[key] = event.previous
        difference.seen = history.compacted + len(history)
        self._differences[prefix, revision] = difference
        if len(self._differences) > _REMEMBERED:
            del self._differences[next(iter(self._differences))]
        return difference.changed

    def forget_before(self, revision: int) -> None:
        """Drop what belongs to compacted revisions, and with it the old values."""
        self._differences = {at: difference for at, difference in self._differences.items() if at[1] >= revision}
