"""A full disk, or a full quota: the writes fail whole, reads go on, and writes work again when there is room."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from wherry.base.failpoints import arm
from wherry.store.port import Encode, Entry, Event, StoreError, StoreFull
from wherry.store.sqlite.store import SqliteStore, open_sqlite


def block(size: int) -> Encode:
    return lambda revision: b"%d " % revision + b"x" * size


async def put(store: SqliteStore, key: str, size: int, expected: int | None = None) -> Entry:
    return await store.put(key, block(size), expected=expected)


async def fill_up(store: SqliteStore, size: int) -> int:
    """Write parallel batches until one does not fit; gives how many writes were acknowledged."""
    count = 0
    while True:
        writes = (put(store, f"/{count + number}", size) for number in range(8))
        results = await asyncio.gather(*writes, return_exceptions=True)
        good = [result for result in results if isinstance(result, Entry)]
        count += len(good)
        if len(good) < len(results):
            assert not good, "a batch is written whole or not at all"
            assert all(isinstance(result, StoreFull) for result in results)
            return count


async def check_full(store: SqliteStore, written: int) -> None:
    """Nothing of the failed batch is to be seen, and everything before it is."""
    assert store.revision == written
    assert store.count("/") == written
    entry = store.get("/0")
    assert entry is not None and entry.value.startswith(b"1 ")


async def test_quota(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await open_sqlite(path, quota_bytes=1 << 20)
    seen: list[Event] = []
    store.watch("/", after=0, deliver=seen.extend)
    written = await fill_up(store, 20_000)
    assert 30 < written < 60
    await check_full(store, written)
    # Fewer bytes for a big key, and forgetting its old bytes, make room.
    assert (await put(store, "/0", 10)).mod_revision == written + 1
    await store.compact(store.revision)
    for number in range(1, 9):
        await store.delete(f"/{number}", expected=None)
    await store.compact(store.revision)
    after = await asyncio.gather(*(put(store, f"/again/{number}", 1_000) for number in range(8)))
    assert len(after) == 8
    assert [event.entry.mod_revision for event in seen] == list(range(1, store.revision + 1))
    before = [(entry.key, entry.value) for entry in store.range("").entries]
    await store.close()
    store = await open_sqlite(path, quota_bytes=1 << 20)
    assert [(entry.key, entry.value) for entry in store.range("").entries] == before
    await store.close()


async def test_what_was_staged_on_a_failed_batch_fails_with_it(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "state.db", quota_bytes=1 << 20)
    await put(store, "/a", 10)
    too_big = asyncio.ensure_future(put(store, "/a", 2_000_000))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # that one is at the writer now
    on_top = [asyncio.ensure_future(put(store, key, 10)) for key in ("/a", "/b")]
    conflict = asyncio.ensure_future(put(store, "/b", 10, expected=0))
    results = await asyncio.gather(too_big, *on_top, return_exceptions=True)
    assert [type(result) for result in results] == [StoreFull] * 3
    # The conflict with a write that was lost is none.
    assert (await conflict).mod_revision == 2
    assert [entry.key for entry in store.range("").entries] == ["/a", "/b"]
    await store.close()


async def test_a_writer_that_fails_otherwise_says_so(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "state.db")
    with arm("store.sqlite.before-commit", "error:the disk is on fire"), pytest.raises(StoreError, match="on fire"):
        await put(store, "/a", 10)
    assert (await put(store, "/a", 10, expected=0)).mod_revision == 1
    await store.close()


def occupy(place: Path) -> None:
    """Leave not a byte."""
    with (place / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space"):
        while True:
            ballast.write(b"b" * 4096)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "wherry-store-small"
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place))
    try:
        yield place
    finally:
        run("umount", "-l", str(place))


@pytest.mark.root
async def test_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"b" * 2_000_000)
    path = small_disk / "state.db"
    store = await open_sqlite(path)
    batches: list[Sequence[Event]] = []
    store.watch("/", after=0, deliver=batches.append)
    written = await fill_up(store, 20_000)
    await check_full(store, written)
    with pytest.raises(StoreFull):
        await put(store, "/big", 300_000)
    ballast.unlink()
    more = await asyncio.gather(*(put(store, f"/more/{number}", 20_000) for number in range(8)))
    assert sorted(entry.mod_revision for entry in more) == list(range(written + 1, written + 9))
    assert [e.entry.mod_revision for batch in batches for e in batch] == list(range(1, written + 9))
    await store.close()
    store = await open_sqlite(path)
    assert (store.revision, store.count("/")) == (written + 8, written + 8)
    await store.close()


@pytest.mark.root
async def test_opening_on_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "state.db"
    store = await open_sqlite(path)
    await put(store, "/a", 1000)
    await store.close()
    occupy(small_disk)
    store = await open_sqlite(path)
    assert store.count("") == 1
    with pytest.raises(StoreFull):
        await put(store, "/b", 100_000)
    await store.close()
    with pytest.raises(StoreFull):
        await open_sqlite(small_disk / "new.db")
