"""The memory driver keeps the store's contract."""

from __future__ import annotations

import pytest

from wherry.store.history import MEMOS_KEPT, HistoryLimit
from wherry.store.memory import MemoryStore, open_memory
from wherry.store.port import Compacted, Event
from wherry.testing.store_contract import STORE_CHECKS, Check, run_check
from wherry.testing.store_probe import text


async def open_store() -> MemoryStore:
    return open_memory()


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_contract(check: Check) -> None:
    await run_check(check, open_store)


async def test_history_is_bounded_by_events() -> None:
    store = open_memory(limit=HistoryLimit(events=100))
    for _ in range(1000):
        await store.put("/a", text("x"), expected=None)
        assert store.revision - store.compacted <= 100
    with pytest.raises(Compacted):
        store.range("/", revision=store.revision - 101)


async def test_history_is_bounded_by_bytes() -> None:
    store = open_memory(limit=HistoryLimit(bytes=10_000))
    for _ in range(100):
        await store.put("/a", lambda revision: b"x" * 1000, expected=None)
    assert 4 <= store.revision - store.compacted <= 11


async def test_watchers_are_fed_across_compactions_by_the_limit() -> None:
    store = open_memory(limit=HistoryLimit(events=2))
    seen: list[Event] = []
    store.watch("/", after=0, deliver=seen.extend)
    for number in range(20):
        await store.put(f"/{number}", text("x"), expected=0)
    assert [event.entry.mod_revision for event in seen] == list(range(1, 21))


async def test_a_snapshot_starts_another_store() -> None:
    store = open_memory()
    await store.put("/a", text("a"), expected=0)
    await store.put("/b", text("b"), expected=0)
    await store.delete("/a", expected=None)
    twin = open_memory(snapshot=store.snapshot())
    assert (twin.revision, twin.compacted) == (3, 3)
    assert [entry.value for entry in twin.range("").entries] == [b"b@2"]
    assert (await twin.put("/a", text("a"), expected=0)).mod_revision == 4


async def test_memos_of_old_entries_are_dropped() -> None:
    store = open_memory()
    seen: list[object] = []
    store.watch("/", after=0, deliver=lambda events: seen.extend(e.previous and e.previous.memo for e in events))
    first = await store.put("/a", text("a"), expected=0, memo="first")
    second = await store.put("/a", text("a"), expected=1, memo="second")
    assert seen == [None, "first"], "watchers may still want to compare"
    assert (first.memo, second.memo) == (None, "second")
    for number in range(MEMOS_KEPT):
        await store.put(f"/{number}", text("x"), expected=0, memo="x")
    assert second.memo is None
    kept = [entry.memo for entry in store.range("").entries].count("x")
    assert kept == MEMOS_KEPT
    await store.compact(store.revision - 1)
    assert [entry.memo for entry in store.range("").entries].count("x") == 1
