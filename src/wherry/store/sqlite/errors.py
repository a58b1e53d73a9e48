"""SQLite's errors in the store's words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.store.port import StoreDamaged, StoreError, StoreFull

WAY_OUT = "restore a copy of it, or move it (and its -wal file) away to start with an empty cluster"

_PRIMARY = 0xFF
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_MISMATCH}


def damaged(path: Path, found: object) -> StoreDamaged:
    """What to say of a file that cannot be trusted."""
    error = StoreDamaged(f"{path}: the file is damaged ({found}); {WAY_OUT}")
    error.found = str(found)
    return error


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """The store's error for one of SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code & _PRIMARY == sqlite3.SQLITE_FULL:
        return StoreFull(f"{path}: no room for more: {error}")
    if code & _PRIMARY in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return damaged(path, error)
    if code & _PRIMARY == sqlite3.SQLITE_BUSY:
        return StoreError(f"{path}: in use by another process; stop it first or choose another state directory")
    return StoreError(f"{path}: {error}")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise the store's errors for SQLite's."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error
