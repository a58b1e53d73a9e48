"""What the API server needs of a store.

What always holds: revisions grow by one per write and are never used twice; a write is acknowledged (its coroutine
returns) only when it is on disk; readers and watchers never see a write that was not acknowledged, and see writes in
the order of their revisions; reads come from memory and never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NewType, Protocol

Revision = NewType("Revision", int)
"""Counts every write to the store; 0 is the empty store."""

Encode = Callable[[int], bytes]
"""Gives the bytes to store, told the revision that the write gets: objects carry their own resourceVersion."""


class StoreError(Exception):
    """The tree: StoreError > KeyMissing, RevisionMismatch, Compacted, FutureRevision, StoreFull, StoreDamaged."""


class KeyMissing(StoreError):
    """The key is not there (any more)."""


class RevisionMismatch(StoreError):
    """The key's revision is not the expected one; `current` is what is there now, None if nothing is."""

    def __init__(self, key: str, current: Entry | None) -> None:
        super().__init__(f"{key}: changed by somebody else")
        self.current = current


class Compacted(StoreError):
    """The asked revision's history is gone; `compacted` is the oldest revision that can still be read."""

    def __init__(self, asked: int, compacted: int) -> None:
        super().__init__(f"revision {asked} has been compacted, the oldest is {compacted}")
        self.compacted = compacted


class FutureRevision(StoreError):
    """The asked revision is newer than the store."""


class StoreFull(StoreError):
    """The disk is full (or its quota is): nothing of the write happened."""


class StoreDamaged(StoreError):
    """The file cannot be trusted; the message says what was found and what can be done, `found` only the former."""

    found = ""


class Entry:
    """One key at one revision. Immutable but for `memo`, a slot for the store's user (a decoded form, say).

    A memo is a cache: the store drops it from entries that were superseded or have not been written for long.
    """

    __slots__ = ("create_revision", "key", "memo", "mod_revision", "value")

    def __init__(self, key: str, value: bytes, create_revision: int, mod_revision: int, memo: Any = None) -> None:
        self.key = key
        self.value = value
        self.create_revision = create_revision
        self.mod_revision = mod_revision
        self.memo = memo


class Event:
    """One change. For a delete, `entry` holds the last state as the deleter encoded it, at the delete's revision."""

    __slots__ = ("entry", "previous", "type")

    def __init__(self, type: Literal["put", "delete"], entry: Entry, previous: Entry | None) -> None:
        self.type = type
        self.entry = entry
        self.previous = previous


class Page:
    """A slice of a prefix as it was at `revision`. `more` tells whether keys follow; `remaining` counts them."""

    __slots__ = ("entries", "remaining", "revision")

    def __init__(self, entries: Sequence[Entry], revision: int, remaining: int) -> None:
        self.entries = entries
        self.revision = revision
        self.remaining = remaining

    @property
    def more(self) -> bool:
        return self.remaining > 0


class Seal(Protocol):
    """Turns values into what is on disk and back: encryption at rest. Called in the thread of the disk, so it must not wait."""

    def seal(self, key: str, value: bytes) -> bytes:
        """What to write for a value."""

    def unseal(self, key: str, value: bytes) -> bytes:
        """The value that was written. Raises `StoreError`."""

    def forget(self, key: str) -> None:
        """The key was removed."""

    def is_stale(self, key: str) -> bool:
        """Whether the value would be written in another way now. Called in the event loop's thread."""


class Watch(Protocol):
    """A running watch."""

    def close(self) -> None:
        """Nothing is delivered after this returns. May be called twice."""


class Store(Protocol):
    """The store as the API server sees it. All methods belong to one event loop's thread."""

    @property
    def revision(self) -> int:
        """The newest acknowledged revision."""

    @property
    def compacted(self) -> int:
        """History before this revision is gone."""

    def get(self, key: str) -> Entry | None:
        """The key's newest acknowledged state."""

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0) -> Page:
        """The keys under a prefix in order, those greater than the full key `after`, at most `limit` (0: all).

        `revision` 0 is now. Raises `Compacted`, `FutureRevision`.
        """

    def count(self, prefix: str) -> int:
        """How many keys stand under a prefix now."""

    async def put(self, key: str, encode: Encode, *, expected: int | None, memo: Any = None) -> Entry:
        """Write a key. `expected`: 0, it must not exist; n, its mod_revision must be n; None, whatever is there.

        Raises `RevisionMismatch`, `StoreFull`. `encode` is called once, in the caller's thread. Cancelling does not take
        back a write that was already handed to the log.
        """

    async def delete(self, key: str, encode: Encode | None = None, *, expected: int | None, memo: Any = None) -> Entry:
        """Remove a key; gives the entry that the delete event carries (`encode`'s bytes, else the last value).

        Raises `KeyMissing`, `RevisionMismatch`, `StoreFull`.
        """

    def is_stale(self, key: str) -> bool:
        """Whether writing the same value again would change how it is kept: another key encrypts now than did then."""

    def watch(self, prefix: str, *, after: int, deliver: Callable[[Sequence[Event]], None]) -> Watch:
        """Call `deliver` with every change of a revision greater than `after`, in order, batch by batch.

        What is already history is delivered before this returns. `deliver` must not block or raise. Raises `Compacted`,
        `FutureRevision`.
        """

    async def compact(self, revision: int) -> None:
        """Forget history before a revision. Raises `Compacted` if already done, `FutureRevision`."""

    def fork(self) -> Store:
        """A store of its own in memory that starts with this one's state and shares nothing it writes."""

    async def close(self) -> None:
        """Write what is pending and release the files. Using the store afterwards raises `StoreError`."""
