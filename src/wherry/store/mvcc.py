"""What all drivers with an index in memory share: reads, watches, staging and acknowledging, compaction, forks.

No I/O and no waiting in here: a driver stages a write, makes it durable in its own way, and acknowledges it. Read next:
`memory.py` for the shortest driver, `sqlite/store.py` for the durable one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, cast

from wherry.store.fanout import Fanout
from wherry.store.history import HistoryLimit
from wherry.store.index import Index
from wherry.store.port import Entry, Event, Page, StoreError, Watch
from wherry.store.snapshot import Snapshot
from wherry.store.staging import Staging


class _Closed:
    """Stands where index and staging were, so that open stores need not ask whether they are open."""

    def __getattr__(self, name: str) -> NoReturn:
        raise StoreError("the store is closed")


class MvccStore:
    """The half of `Store` that needs no disk."""

    def __init__(self, index: Index, *, limit: HistoryLimit | None = None) -> None:
        self._index = index
        self._staging = Staging(index)
        self._fanout = Fanout()
        self._limit = limit or HistoryLimit()

    @property
    def revision(self) -> int:
        return self._index.revision

    @property
    def compacted(self) -> int:
        return self._index.compacted

    def get(self, key: str) -> Entry | None:
        return self._index.entries.get(key)

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0) -> Page:
        return self._index.page(prefix, after=after, limit=limit, revision=revision)

    def is_stale(self, key: str) -> bool:
        return False

    def count(self, prefix: str) -> int:
        return self._index.count(prefix)

    def watch(self, prefix: str, *, after: int, deliver: Callable[[Sequence[Event]], None]) -> Watch:
        self._index.check_readable(after)
        missed = [event for event in self._index.history.since(after) if event.entry.key.startswith(prefix)]
        subscription = self._fanout.add(prefix, deliver)
        if missed:
            deliver(missed)
        return subscription

    def snapshot(self) -> Snapshot:
        """The acknowledged state, without history, to start other stores from."""
        return Snapshot(revision=self._index.revision, entries=tuple(self._index.entries.values()))

    def fork_index(self) -> Index:
        """A copy of the acknowledged state and its history, for a store of its own."""
        return self._index.copy()

    def _acknowledge(self, events: Sequence[Event]) -> None:
        """The events are durable: show them to readers, then to watchers."""
        self._index.apply(events)
        self._staging.settle(events)
        self._fanout.publish(events)
        self._index.history.drop_memos(len(events))

    def _compact_surplus(self) -> list[Event]:
        """Forget what is beyond the limit; gives the events that went."""
        surplus = self._index.history.surplus(self._limit)
        return self._index.compact(self._index.compacted + surplus) if surplus else []

    def _close(self) -> None:
        self._fanout.close()
        closed: Any = _Closed()
        self._index = cast(Index, closed)
        self._staging = cast(Staging, closed)
