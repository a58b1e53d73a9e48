"""A damaged file is never taken for a good one: the error says what was found and what can be done."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wherry.store.port import StoreDamaged, StoreError
from wherry.store.sqlite.store import open_sqlite


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A closed store of 300 keys."""
    path = tmp_path / "state.db"
    store = await open_sqlite(path)
    writes = (store.put(f"/{n}", lambda revision: b"%d" % revision + b"v" * 3000, expected=0) for n in range(300))
    await asyncio.gather(*writes)
    await store.close()
    return path


def content(path: Path) -> bytes:
    return path.read_bytes()


def copy_with_torn_log(path: Path, copy: Path) -> None:
    """Copy an open store, with a part of a commit at the log's end."""
    copy.write_bytes(path.read_bytes())
    log = path.with_name(f"{path.name}-wal").read_bytes()
    copy.with_name(f"{copy.name}-wal").write_bytes(log + log[32:1000])


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def flip_a_value(path: Path) -> None:
    content = path.read_bytes()
    overwrite(path, content.index(b"v" * 100, len(content) // 2), b"w")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "emptied": lambda path: os.truncate(path, 0),
    "truncated to a half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "truncated by a page": lambda path: os.truncate(path, path.stat().st_size - 8192),
    "truncated within a page": lambda path: os.truncate(path, path.stat().st_size - 1000),
    "header overwritten": lambda path: overwrite(path, 0, b"\xff" * 200),
    "a page overwritten": lambda path: overwrite(path, 8192 * 20, b"\xa5" * 8192),
    "a page zeroed": lambda path: overwrite(path, 8192 * 20, bytes(8192)),
    "one byte of a value changed": flip_a_value,
    "something else": lambda path: (path.unlink(), path.write_text("hello" * 1000))[0],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_damage_is_found_when_opening(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    before = content(path)
    with pytest.raises(StoreDamaged, match="restore a copy"):
        await open_sqlite(path)
    assert content(path) == before, "what might still be rescued must not be touched"
    with pytest.raises(StoreDamaged):  # and the lock has been released
        await open_sqlite(path)


async def test_a_foreign_database(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreDamaged, match="not a Wherry store"):
        await open_sqlite(path)


async def test_a_later_layout(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="has layout 9, this Wherry knows 2"):
        await open_sqlite(path)


async def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        await open_sqlite(tmp_path / "nowhere" / "state.db")


async def test_a_directory_in_the_file_s_place(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StoreError, match=r"state\.db"):
        await open_sqlite(tmp_path / "state.db")


async def test_a_torn_log_loses_only_its_torn_end(path: Path, tmp_path: Path) -> None:
    """Bytes behind the last sync may be anything after a power failure: SQLite's log ends at its last whole commit."""
    store = await open_sqlite(path)
    await store.put("/torn", lambda revision: b"x", expected=0)
    copy_with_torn_log(path, tmp_path / "copy.db")
    await store.close()
    store = await open_sqlite(tmp_path / "copy.db")
    assert (store.revision, store.count("")) == (301, 301)
    await store.close()
