"""The durable driver keeps the store's contract, also over restarts."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from wherry.base.failpoints import arm
from wherry.store.port import Compacted, Entry, RevisionMismatch, StoreError
from wherry.store.sqlite.store import open_sqlite
from wherry.testing.store_contract import STORE_CHECKS, Check, check_reopened, run_check
from wherry.testing.store_probe import text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def bytes_on_disk(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.iterdir())


def assert_true(condition: bool) -> None:
    assert condition


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM log").fetchone()[0])


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_contract(check: Check, path: Path) -> None:
    await run_check(check, lambda: open_sqlite(path))


async def test_survives_restarts(path: Path) -> None:
    await check_reopened(lambda: open_sqlite(path))


async def test_a_file_is_opened_once(path: Path) -> None:
    store = await open_sqlite(path)
    with pytest.raises(StoreError, match="in use by process"):
        await open_sqlite(path)
    await store.close()
    await (await open_sqlite(path)).close()


async def test_writes_that_arrive_during_a_commit_are_one_batch(path: Path) -> None:
    store = await open_sqlite(path)
    batches: list[int] = []
    store.watch("/", after=0, deliver=lambda events: batches.append(len(events)))
    first = asyncio.ensure_future(store.put("/first", text("x"), expected=0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.gather(*(store.put(f"/{number}", text("x"), expected=0) for number in range(300)))
    await first
    await store.close()
    assert batches == [1, 300]


async def test_a_write_on_a_staged_write_of_the_same_key(path: Path) -> None:
    store = await open_sqlite(path)
    writes = [store.put("/a", text(str(number)), expected=None) for number in range(3)]
    entries = await asyncio.gather(*writes, store.delete("/a", expected=None), store.put("/a", text("z"), expected=0))
    assert [(entry.create_revision, entry.mod_revision) for entry in entries] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (5, 5),
    ]
    await store.close()


async def test_what_is_staged_is_not_seen(path: Path) -> None:
    store = await open_sqlite(path)
    task = asyncio.ensure_future(store.put("/a", text("x"), expected=0))
    await asyncio.sleep(0)
    assert (store.get("/a"), store.revision, store.count("/")) == (None, 0, 0)
    assert store.fork().revision == 0
    await task
    assert store.revision == 1
    await store.close()


async def test_nothing_else_waits_for_the_disk(path: Path) -> None:
    store = await open_sqlite(path)
    await store.put("/a", text("x"), expected=0)
    disk = threading.Event()
    with arm("store.sqlite.before-commit", lambda: assert_true(disk.wait(10))):
        task = asyncio.ensure_future(store.put("/a", text("y"), expected=1))
        conflict = asyncio.ensure_future(store.put("/a", text("z"), expected=1))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        assert not conflict.done(), "whether it is one is not sure yet"
        assert [entry.value for entry in store.range("/").entries] == [b"x@1"]
        disk.set()
        entry = await task
    with pytest.raises(RevisionMismatch) as refused:
        await conflict
    assert refused.value.current is entry
    await store.close()


async def test_close_writes_what_is_pending(path: Path) -> None:
    store = await open_sqlite(path)
    tasks = [asyncio.ensure_future(store.put(f"/{number}", text("x"), expected=0)) for number in range(10)]
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    results = await asyncio.gather(*tasks)
    assert all(isinstance(result, Entry) for result in results)
    with pytest.raises(StoreError):
        await store.put("/x", text("x"), expected=0)
    reopened = await open_sqlite(path)
    assert reopened.count("/") == 10
    await reopened.close()


async def test_history_does_not_survive_but_revisions_go_on(path: Path) -> None:
    store = await open_sqlite(path)
    await store.put("/a", text("x"), expected=0)
    await store.delete("/a", expected=1)
    await store.compact(2)
    await store.close()
    store = await open_sqlite(path)
    assert (store.revision, store.compacted, store.count("")) == (2, 2, 0)
    with pytest.raises(Compacted):
        store.watch("/", after=1, deliver=print)
    assert (await store.put("/a", text("x"), expected=0)).mod_revision == 3
    await store.close()


async def test_a_snapshot_starts_a_file(path: Path, tmp_path: Path) -> None:
    store = await open_sqlite(path)
    for key in ("/a", "/b", "/c"):
        await store.put(key, text(key), expected=0)
    await store.delete("/a", expected=1)
    twin = await open_sqlite(tmp_path / "twin.db", snapshot=store.snapshot())
    await twin.put("/d", text("d"), expected=0)
    await twin.close()
    with pytest.raises(StoreError, match="already there"):
        await open_sqlite(tmp_path / "twin.db", snapshot=store.snapshot())
    await store.close()
    twin = await open_sqlite(tmp_path / "twin.db")
    assert [(entry.key, entry.mod_revision) for entry in twin.range("").entries] == [("/b", 2), ("/c", 3), ("/d", 5)]
    await twin.close()


async def test_compaction_keeps_the_file_bounded(path: Path) -> None:
    store = await open_sqlite(path)
    value = b"v" * 60_000
    for _ in range(6):
        writes = (store.put(f"/{number % 50}", lambda revision: value, expected=None) for number in range(200))
        await asyncio.gather(*writes)
        await store.compact(store.revision)
    assert bytes_on_disk(path) < 40_000_000  # one round's rows, a share of free pages, and the log; 72 MB were written
    assert store.count("/") == 50
    await store.close()
    store = await open_sqlite(path)
    assert {entry.value for entry in store.range("/").entries} == {value}
    await store.close()


async def test_leftovers_of_an_earlier_process_are_removed(path: Path) -> None:
    store = await open_sqlite(path)
    for _ in range(600):
        await asyncio.gather(*(store.put(f"/{number}", text("x"), expected=None) for number in range(2)))
    await store.delete("/1", expected=None)
    await store.close()
    store = await open_sqlite(path)
    assert store.count("") == 1
    await store.put("/2", text("x"), expected=0)
    await store.compact(store.revision)  # queued behind the clean-up
    await store.close()
    store = await open_sqlite(path)
    assert (store.revision, store.count("")) == (1202, 2)
    await store.close()
    assert rows(path) == 2


async def test_compaction_gives_space_back(path: Path) -> None:
    store = await open_sqlite(path)
    value = b"v" * 30_000
    await asyncio.gather(*(store.put(f"/{number}", lambda revision: value, expected=0) for number in range(1000)))
    assert bytes_on_disk(path) > 30_000_000
    await asyncio.gather(*(store.delete(f"/{number}", expected=None) for number in range(1000)))
    await store.compact(store.revision)
    assert bytes_on_disk(path) < 6_000_000
    await store.close()
    store = await open_sqlite(path)
    assert (store.revision, store.count("")) == (2000, 0)
    await store.close()
