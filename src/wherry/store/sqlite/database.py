"""The state file: opened, read once, appended to, cleaned. Every call may wait for the disk.

All calls belong to one thread. A batch of writes is one INSERT statement outside any transaction wherever possible:
SQLite then works and syncs within a single call that needs nothing of Python, and the event loop keeps running.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wherry.base.failpoints import reach
from wherry.store.port import Entry, Event, Seal, StoreError
from wherry.store.snapshot import Snapshot
from wherry.store.sqlite import schema, write_ahead_log
from wherry.store.sqlite.errors import damaged, translated
from wherry.store.sqlite.lock import FileLock

_ROWS_PER_STATEMENT = 128
_WAL_PAGES = (16 << 20) // schema.PAGE_BYTES
"""The log is carried over into the file when it is that long."""
_FREE_PAGES = (4 << 20) // schema.PAGE_BYTES
"""Free pages that are kept for coming writes, before the file is made smaller."""
_PAGES_PER_STEP = 256
_WAL_FORMAT = 2

_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: its fsync alone does not reach the disk
    f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}",
    f"PRAGMA journal_size_limit = {32 << 20}",
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file held when it was opened."""

    entries: list[Entry]
    revision: int
    obsolete: list[int]
    """Revisions whose rows are of no use any more."""


@cache
def _insert(rows: int) -> str:
    return f"INSERT INTO log ({schema.COLUMNS}) VALUES " + ",".join(["(?, ?, ?, ?, ?)"] * rows)


@cache
def _delete(rows: int) -> str:
    return f"DELETE FROM log WHERE revision IN ({','.join('?' * rows)})"


class Database:
    """An open state file."""

    def __init__(
        self, path: Path, *, quota_bytes: int = 0, snapshot: Snapshot | None = None, seal: Seal | None = None
    ) -> None:
        """Open, or create (from a snapshot, if given). Raises `StoreError`, `StoreDamaged`, `StoreFull`."""
        self.path = path = path.absolute()
        self._seal = seal
        self._given = 0
        """What table `meta` says: a revision that was given."""
        self._lock = FileLock(path)
        try:
            self._connection = self._open(snapshot)
            try:
                with translated(path):
                    self._prepare(quota_bytes)
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def _open(self, snapshot: Snapshot | None) -> sqlite3.Connection:
        try:
            if not self.path.exists():
                with translated(self.path):
                    schema.create(self.path, self._sealed(snapshot))
                self._lock.noted = 0 if snapshot is None else snapshot.revision
                self._lock.note(self._lock.noted)
            elif snapshot is not None:
                raise StoreError(f"{self.path}: already there; a snapshot needs a new file")
            elif self.path.stat().st_size == 0:
                raise damaged(self.path, "it is empty")
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be opened: {error.strerror}") from error
        write_ahead_log.keep(self.path)
        with translated(self.path):
            return sqlite3.connect(self.path, isolation_level=None, cached_statements=2 * _ROWS_PER_STATEMENT)

    def _sealed(self, snapshot: Snapshot | None) -> Snapshot | None:
        if snapshot is None or self._seal is None:
            return snapshot
        seal = self._seal.seal
        entries = (Entry(e.key, seal(e.key, e.value), e.create_revision, e.mod_revision) for e in snapshot.entries)
        return Snapshot(revision=snapshot.revision, entries=tuple(entries))

    def _prepare(self, quota_bytes: int) -> None:
        # Before the first read: no shared memory file is made then, which a full disk would not hold.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        application, version = self._value("PRAGMA application_id"), self._value("PRAGMA user_version")
        if application != schema.APPLICATION_ID:
            raise damaged(self.path, "it is not a Wherry store")
        if version != schema.SCHEMA_VERSION:
            known = schema.SCHEMA_VERSION
            raise StoreError(f"{self.path}: has layout {version}, this Wherry knows {known}; use the one that wrote it")
        if max(self._header_versions()) > _WAL_FORMAT:
            raise damaged(self.path, "its header says that it must not be written")
        for setting in _SETTINGS:
            self._connection.execute(setting).fetchall()
        if self._seal is not None:
            # What was there before it was encrypted must not stay behind in pages that are free.
            self._connection.execute("PRAGMA secure_delete = ON").fetchall()
        if quota_bytes:
            self._connection.execute(f"PRAGMA max_page_count = {quota_bytes // schema.PAGE_BYTES}")

    def _header_versions(self) -> bytes:
        """Which format writers and readers must know, as the header says: SQLite only reads what it does not know."""
        with self.path.open("rb") as file:
            return file.read(20)[18:] or b"\0"

    def load(self) -> Loaded:
        """Read everything. Raises `StoreDamaged`, and `StoreError` for what cannot be unsealed."""
        with translated(self.path):
            self._check()
            newest: dict[str, tuple[int, Entry | None]] = {}
            obsolete: list[int] = []
            last = 0
            for last, key, created, value, check in self._connection.execute(
                f"SELECT {schema.COLUMNS} FROM log ORDER BY revision"
            ):
                if check != schema.checksum(last, key, created, value):
                    raise damaged(self.path, f"the checksum of revision {last} is wrong")
                if key in newest:
                    obsolete.append(newest.pop(key)[0])
                newest[key] = last, None if value is None else Entry(key, value, created, last)
        obsolete += [revision for revision, entry in newest.values() if entry is None]
        entries = [entry for _, entry in newest.values() if entry is not None]
        if self._seal is not None:
            for entry in entries:
                entry.value = self._seal.unseal(entry.key, entry.value)
        revision = max(self._given, last)
        if revision < self._lock.noted:
            raise damaged(self.path, f"it ends at revision {revision}, and {self._lock.noted} was acknowledged")
        write_ahead_log.prove(self.path)
        return Loaded(entries, revision, obsolete)

    def _check(self) -> None:
        """Whether SQLite finds its pages in order: rows may be missing that no checksum misses."""
        found = self._connection.execute("PRAGMA quick_check(1)").fetchall()
        if found != [("ok",)]:
            raise damaged(self.path, " ".join(str(found[0][0]).split()))
        meta = dict(self._connection.execute("SELECT name, value FROM meta").fetchall())
        self._given = meta.get("revision", 0)
        if schema.meta(self._given)[1] != meta.get("check"):
            raise damaged(self.path, "the checksum of the last revision is wrong")

    def append(self, events: Sequence[Event]) -> None:
        """Put the events on disk, all or none. Raises `StoreFull`, `StoreDamaged`, `StoreError`."""
        parameters: list[object] = []
        seal = self._seal
        for event in events:
            entry = event.entry
            value = entry.value if event.type == "put" else None
            key = entry.key
            if seal is not None:
                if value is not None:
                    value = seal.seal(key, value)
                else:
                    seal.forget(key)
            revision, created = entry.mod_revision, entry.create_revision
            parameters += (revision, key, created, value, schema.checksum(revision, key, created, value))
        reach("store.sqlite.before-commit")
        with translated(self.path):
            if len(events) <= _ROWS_PER_STATEMENT:
                self._connection.execute(_insert(len(events)), parameters)
            else:
                self._append_many(parameters)
        reach("store.sqlite.after-commit")
        self._lock.note(events[-1].entry.mod_revision)

    def _append_many(self, parameters: Sequence[object]) -> None:
        width = 5 * _ROWS_PER_STATEMENT
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for start in range(0, len(parameters), width):
                part = parameters[start : start + width]
                self._connection.execute(_insert(len(part) // 5), part)
            reach("store.sqlite.within-commit")
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def forget(self, revisions: Sequence[int]) -> None:
        """Remove rows. A tombstone must not go before the rows that it buries."""
        with translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                given = max(self._given, *revisions)
                self._connection.execute(schema.WRITE_META, schema.meta(given))
                self._connection.execute(_delete(len(revisions)), revisions)
                reach("store.sqlite.within-forget")
                self._connection.execute("COMMIT")
                self._given = given
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def shrink(self) -> bool:
        """Give a part of what is free back to the file system; True if there is more to give."""
        with translated(self.path):
            free, pages = self._value("PRAGMA freelist_count"), self._value("PRAGMA page_count")
            surplus = free - max(_FREE_PAGES, pages // 4)
            if surplus <= 0:
                return False
            # executescript runs all its steps in one call, execute would come back to Python for every page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({min(surplus, _PAGES_PER_STEP)})")
            if surplus > _PAGES_PER_STEP:
                return True
            self._value("PRAGMA wal_checkpoint(TRUNCATE)")
            return False

    def close(self) -> None:
        """Carry the log over into the file and release it."""
        try:
            with translated(self.path):
                self._connection.close()
        finally:
            self._lock.release()

    def _value(self, query: str) -> Any:
        rows = self._connection.execute(query).fetchall()
        if not rows:
            raise damaged(self.path, f"nothing found for {query!r}")
        return rows[0][0]
