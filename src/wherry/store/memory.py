"""The store that keeps nothing: for tests, throw-away clusters, and forks of any other store."""

from __future__ import annotations

from typing import Any

from wherry.store.history import HistoryLimit
from wherry.store.index import Index
from wherry.store.mvcc import MvccStore
from wherry.store.port import Encode, Entry, Event
from wherry.store.snapshot import Snapshot


class MemoryStore(MvccStore):
    """Acknowledges a write at once: there is nothing to wait for."""

    async def put(self, key: str, encode: Encode, *, expected: int | None, memo: Any = None) -> Entry:
        return self._commit(self._staging.put(key, encode, expected=expected, memo=memo))

    async def delete(self, key: str, encode: Encode | None = None, *, expected: int | None, memo: Any = None) -> Entry:
        return self._commit(self._staging.delete(key, encode, expected=expected, memo=memo))

    async def compact(self, revision: int) -> None:
        self._index.compact(revision)

    def fork(self) -> MemoryStore:
        return MemoryStore(self.fork_index(), limit=self._limit)

    async def close(self) -> None:
        self._close()

    def _commit(self, event: Event) -> Entry:
        self._acknowledge((event,))
        self._compact_surplus()
        return event.entry


def open_memory(*, snapshot: Snapshot | None = None, limit: HistoryLimit | None = None) -> MemoryStore:
    """A new store in memory, empty or with a snapshot's state."""
    index = Index(snapshot.entries, revision=snapshot.revision) if snapshot is not None else Index()
    return MemoryStore(index, limit=limit)
