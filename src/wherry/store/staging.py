"""Writes that have a revision but are not acknowledged yet.

A write is checked against the newest *staged* state of its key, while readers go on seeing the acknowledged one. When a
check fails because of a staged write, nothing can be said yet: that write may still be lost with a full disk, and naming
it would show what was not acknowledged. Then `Undecided` names the event to wait for, and the caller asks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from wherry.store.index import Index
from wherry.store.port import Encode, Entry, Event, KeyMissing, RevisionMismatch


class Undecided(Exception):
    """The answer hangs on a staged write."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.entry.key)
        self.event = event


class Staging:
    """Gives revisions to writes, and remembers the newest staged write of each key."""

    __slots__ = ("_index", "_newest", "_revision")

    def __init__(self, index: Index) -> None:
        self._index = index
        self._newest: dict[str, Event] = {}
        self._revision = index.revision

    def put(self, key: str, encode: Encode, *, expected: int | None, memo: Any) -> Event:
        """Stage a put. Raises `RevisionMismatch`, `Undecided`, and what `encode` raises; then nothing has happened."""
        previous = self._current(key)
        if expected is not None and expected != (0 if previous is None else previous.mod_revision):
            raise self._refusal(key, previous)
        revision = self._revision + 1
        created = revision if previous is None else previous.create_revision
        return self._stage("put", Entry(key, encode(revision), created, revision, memo), previous)

    def delete(self, key: str, encode: Encode | None, *, expected: int | None, memo: Any) -> Event:
        """Stage a delete. Raises `KeyMissing`, `RevisionMismatch`, `Undecided`, and what `encode` raises."""
        previous = self._current(key)
        if previous is None or expected not in (None, previous.mod_revision):
            raise self._refusal(key, previous, missing=previous is None)
        revision = self._revision + 1
        if encode is None:
            entry = Entry(key, previous.value, previous.create_revision, revision, memo or previous.memo)
        else:
            entry = Entry(key, encode(revision), previous.create_revision, revision, memo)
        return self._stage("delete", entry, previous)

    def settle(self, events: Iterable[Event]) -> None:
        """These events are acknowledged: the index has them from now on."""
        for event in events:
            if self._newest.get(event.entry.key) is event:
                del self._newest[event.entry.key]

    def discard(self) -> None:
        """Everything staged is lost; its revisions, which nobody has seen, are given again."""
        self._newest.clear()
        self._revision = self._index.revision

    def _current(self, key: str) -> Entry | None:
        event = self._newest.get(key)
        if event is None:
            return self._index.entries.get(key)
        return event.entry if event.type == "put" else None

    def _refusal(self, key: str, current: Entry | None, *, missing: bool = False) -> Exception:
        event = self._newest.get(key)
        if event is not None:
            return Undecided(event)
        return KeyMissing(f"{key}: not found") if missing else RevisionMismatch(key, current)

    def _stage(self, type: Literal["put", "delete"], entry: Entry, previous: Entry | None) -> Event:
        event = Event(type, entry, previous)
        self._newest[entry.key] = event
        self._revision = entry.mod_revision
        return event
