"""What every store driver must do, as checks that any driver's tests can run.

Each check gets an empty store of its own:

    @pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
    async def test_contract(check, tmp_path):
        await run_check(check, lambda: open_sqlite(tmp_path / "state.db"))

`check_store(open_store)` runs all of them. `check_reopened` is for drivers that keep what they were given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from wherry.store.port import (
    Compacted,
    Entry,
    Event,
    FutureRevision,
    KeyMissing,
    RevisionMismatch,
    Store,
    StoreError,
)
from wherry.testing.store_probe import expect, expect_now, fill, names, note_keys, text, told, verbatim

OpenStore = Callable[[], Awaitable[Store]]
Check = Callable[[Store], Awaitable[None]]


async def check_store(open_store: OpenStore) -> None:
    """Run every check, each on a store that `open_store` opens empty."""
    for check in STORE_CHECKS:
        await run_check(check, open_store)


async def run_check(check: Check, open_store: OpenStore) -> None:
    """Run one check and close its store."""
    store = await open_store()
    try:
        await check(store)
    finally:
        await store.close()


async def starts_empty(store: Store) -> None:
    assert (store.revision, store.compacted) == (0, 0)
    assert store.get("/a") is None
    assert names(store.range("/")) == []
    assert store.count("/") == 0


async def put_gives_an_entry_that_is_read_back(store: Store) -> None:
    memo = object()
    entry = await store.put("/a", text("one"), expected=0, memo=memo)
    assert (entry.key, entry.value, entry.create_revision, entry.mod_revision) == ("/a", b"one@1", 1, 1)
    assert store.get("/a") is entry
    assert entry.memo is memo
    assert store.revision == 1


async def an_update_keeps_the_create_revision(store: Store) -> None:
    await fill(store, "/a", "/b")
    entry = await store.put("/a", text("two"), expected=1)
    assert (entry.create_revision, entry.mod_revision, entry.value) == (1, 3, b"two@3")


async def a_key_made_again_has_a_new_create_revision(store: Store) -> None:
    await fill(store, "/a")
    await store.delete("/a", expected=None)
    entry = await store.put("/a", text("again"), expected=0)
    assert entry.create_revision == 3


async def put_checks_what_is_expected(store: Store) -> None:
    (first,) = await fill(store, "/a")
    taken = await expect(RevisionMismatch, store.put("/a", text("x"), expected=0))
    stale = await expect(RevisionMismatch, store.put("/a", text("x"), expected=7))
    absent = await expect(RevisionMismatch, store.put("/b", text("x"), expected=1))
    assert isinstance(taken, RevisionMismatch) and taken.current is first
    assert isinstance(stale, RevisionMismatch) and stale.current is first
    assert isinstance(absent, RevisionMismatch) and absent.current is None
    assert store.revision == 1
    assert (await store.put("/a", text("x"), expected=None)).mod_revision == 2
    assert (await store.put("/b", text("x"), expected=None)).mod_revision == 3


async def a_refused_write_does_not_encode(store: Store) -> None:
    calls: list[int] = []

    def encode(revision: int) -> bytes:
        calls.append(revision)
        return b"x"

    await fill(store, "/a")
    await expect(RevisionMismatch, store.put("/a", encode, expected=0))
    await store.put("/a", encode, expected=1)
    assert calls == [2]


async def an_encoder_that_fails_costs_nothing(store: Store) -> None:
    def fail(revision: int) -> bytes:
        raise ValueError(revision)

    for operation in (store.put("/a", fail, expected=0), store.put("/a", fail, expected=None)):
        try:
            await operation
        except ValueError:
            continue
        raise AssertionError("the encoder's error was lost")
    assert store.get("/a") is None
    assert (await store.put("/a", text("x"), expected=0)).mod_revision == 1


async def delete_gives_what_its_event_carries(store: Store) -> None:
    await fill(store, "/a", "/b")
    plain = await store.delete("/a", expected=1)
    assert (plain.value, plain.mod_revision, plain.create_revision) == (b"/a@1", 3, 1)
    encoded = await store.delete("/b", text("gone"), expected=None)
    assert (encoded.value, encoded.mod_revision, encoded.create_revision) == (b"gone@4", 4, 2)
    assert store.get("/a") is None and store.get("/b") is None
    assert store.count("/") == 0


async def delete_checks_what_is_expected(store: Store) -> None:
    (first,) = await fill(store, "/a")
    await expect(KeyMissing, store.delete("/b", expected=None))
    await expect(KeyMissing, store.delete("/b", expected=4))
    stale = await expect(RevisionMismatch, store.delete("/a", expected=9))
    assert isinstance(stale, RevisionMismatch) and stale.current is first
    assert store.revision == 1


async def parallel_creators_of_a_key_have_one_winner(store: Store) -> None:
    writes = (store.put("/a", text(str(number)), expected=0) for number in range(20))
    results = await asyncio.gather(*writes, return_exceptions=True)
    won = [result for result in results if isinstance(result, Entry)]
    lost = [result for result in results if isinstance(result, RevisionMismatch)]
    assert (len(won), len(lost)) == (1, 19)
    assert all(error.current is won[0] for error in lost)
    assert store.revision == 1


async def parallel_writes_have_revisions_without_gaps(store: Store) -> None:
    seen: list[Event] = []
    store.watch("/", after=0, deliver=seen.extend)
    entries = await asyncio.gather(*(store.put(f"/{number % 7}", text("x"), expected=None) for number in range(100)))
    assert sorted(entry.mod_revision for entry in entries) == list(range(1, 101))
    assert [event.entry.mod_revision for event in seen] == list(range(1, 101))
    assert all(entry.value == f"x@{entry.mod_revision}".encode() for entry in entries)
    assert store.revision == 100


async def reads_and_watches_agree_on_what_is_acknowledged(store: Store) -> None:
    def deliver(events: Sequence[Event]) -> None:
        assert store.revision == events[-1].entry.mod_revision
        last = {event.entry.key: event for event in events}
        for key, event in last.items():
            assert store.get(key) is (event.entry if event.type == "put" else None)

    async def write(number: int) -> None:
        entry = await store.put(f"/{number}", text("x"), expected=0)
        assert store.revision >= entry.mod_revision
        assert store.get(entry.key) is entry

    store.watch("/", after=0, deliver=deliver)
    await asyncio.gather(*(write(number) for number in range(30)))


async def a_cancelled_write_leaves_the_store_working(store: Store) -> None:
    tasks = [asyncio.ensure_future(store.put(f"/{number}", text("x"), expected=0)) for number in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.put("/z", text("x"), expected=0)
    assert store.count("/") == store.revision
    assert {f"/{number}" for number in range(1, 10, 2)} <= set(names(store.range("/")))


async def range_is_ordered_and_keeps_to_its_prefix(store: Store) -> None:
    await fill(store, "/b/2", "/a/1", "/b/1", "/b", "/bc", "/b/10", "/c")
    assert names(store.range("/b/")) == ["/b/1", "/b/10", "/b/2"]
    assert names(store.range("/b")) == ["/b", "/b/1", "/b/10", "/b/2", "/bc"]
    assert names(store.range("")) == ["/a/1", "/b", "/b/1", "/b/10", "/b/2", "/bc", "/c"]
    assert (store.count("/b/"), store.count("/b"), store.count(""), store.count("/x")) == (3, 5, 7, 0)


async def range_pages(store: Store) -> None:
    await fill(store, *(f"/k/{number}" for number in range(7)), "/l/0")
    first = store.range("/k/", limit=3)
    assert (names(first), first.remaining, first.more, first.revision) == (["/k/0", "/k/1", "/k/2"], 4, True, 8)
    last = store.range("/k/", limit=4, after="/k/2")
    assert (names(last), last.remaining, last.more) == (["/k/3", "/k/4", "/k/5", "/k/6"], 0, False)
    assert names(store.range("/k/", after="/k/6")) == []
    assert names(store.range("/k/", after="/z")) == []
    assert len(names(store.range("/k/", after="/a"))) == 7


async def range_reads_the_past(store: Store) -> None:
    await fill(store, "/k/a", "/k/b", "/k/c", "/x")
    await store.put("/k/b", text("two"), expected=2)
    await store.delete("/k/c", expected=3)
    await store.put("/k/d", text("d"), expected=0)
    await store.put("/k/c", text("again"), expected=0)
    then = store.range("/k/", revision=4)
    assert [entry.value for entry in then.entries] == [b"/k/a@1", b"/k/b@2", b"/k/c@3"]
    assert (then.revision, then.remaining) == (4, 0)
    page = store.range("/k/", revision=4, limit=1, after="/k/a")
    assert (names(page), page.remaining) == (["/k/b"], 1)
    assert names(store.range("/k/", revision=6)) == ["/k/a", "/k/b"]
    await store.put("/k/a", text("late"), expected=None)
    assert [entry.value for entry in store.range("/k/", revision=4, limit=1).entries] == [b"/k/a@1"]
    assert names(store.range("/k/")) == ["/k/a", "/k/b", "/k/c", "/k/d"]


async def range_refuses_what_it_cannot_know(store: Store) -> None:
    await fill(store, "/a", "/b", "/c")
    expect_now(FutureRevision, lambda: store.range("/", revision=4))
    await store.compact(2)
    gone = expect_now(Compacted, lambda: store.range("/", revision=1))
    assert isinstance(gone, Compacted) and gone.compacted == store.compacted == 2
    assert names(store.range("/", revision=2)) == ["/a", "/b"]


async def watch_replays_history_and_goes_on(store: Store) -> None:
    await fill(store, "/k/a", "/x", "/k/b")
    await store.delete("/k/a", expected=1)
    batches: list[Sequence[Event]] = []
    store.watch("/k/", after=1, deliver=batches.append)
    assert [told(batch) for batch in batches] == [[("put", "/k/b", 3), ("delete", "/k/a", 4)]]
    await store.put("/k/b", text("two"), expected=3)
    (event,) = batches[-1]
    assert told([event]) == [("put", "/k/b", 5)]
    assert event.previous is not None and event.previous.mod_revision == 3
    assert store.get("/k/b") is event.entry


async def watch_events_carry_what_was_before(store: Store) -> None:
    seen: list[Event] = []
    store.watch("/", after=0, deliver=seen.extend)
    await fill(store, "/a")
    await store.put("/a", text("two"), expected=1)
    await store.delete("/a", text("gone"), expected=2)
    assert [event.previous and event.previous.mod_revision for event in seen] == [None, 1, 2]
    assert seen[-1].entry.value == b"gone@3"


async def watch_keeps_to_its_prefix(store: Store) -> None:
    prefixes = ("", "/", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/bc/", "/z/")
    seen: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
    for prefix in prefixes:
        store.watch(prefix, after=0, deliver=note_keys(seen[prefix]))
    keys = ("/a/b/c", "/a/b/d", "/a/bc/d", "/b", "/a/b")
    await fill(store, *keys)
    for prefix in prefixes:
        assert seen[prefix] == [key for key in keys if key.startswith(prefix)]


async def a_closed_watch_is_silent(store: Store) -> None:
    seen: list[Event] = []
    watches = [store.watch("/", after=0, deliver=seen.extend)]

    def close_the_other(events: Sequence[Event]) -> None:
        watches[1].close()
        watches[1].close()

    closer = store.watch("/a", after=0, deliver=close_the_other)
    watches.append(store.watch("/a", after=0, deliver=lambda events: seen.append(events[0])))
    await fill(store, "/a")
    assert len(seen) == 1
    closer.close()
    watches[0].close()
    await fill(store, "/b")
    assert len(seen) == 1


async def a_watch_opened_while_delivering_misses_nothing(store: Store) -> None:
    late: list[Event] = []

    def open_another(events: Sequence[Event]) -> None:
        if not late:
            store.watch("/b", after=0, deliver=late.extend)

    store.watch("/", after=0, deliver=open_another)
    await fill(store, "/b1", "/b2")
    assert told(late) == [("put", "/b1", 1), ("put", "/b2", 2)]


async def watch_refuses_what_it_cannot_know(store: Store) -> None:
    await fill(store, "/a", "/b", "/c")
    expect_now(FutureRevision, lambda: store.watch("/", after=4, deliver=print))
    await store.compact(2)
    expect_now(Compacted, lambda: store.watch("/", after=1, deliver=print))
    seen: list[Event] = []
    store.watch("/", after=2, deliver=seen.extend)
    assert told(seen) == [("put", "/c", 3)]


async def compaction_keeps_what_is(store: Store) -> None:
    await fill(store, "/a", "/b")
    await store.put("/a", text("two"), expected=1)
    await store.delete("/b", expected=2)
    await store.compact(4)
    assert [entry.value for entry in store.range("/").entries] == [b"two@3"]
    assert (store.revision, store.compacted) == (4, 4)
    await expect(Compacted, store.compact(4))
    await expect(Compacted, store.compact(1))
    await expect(FutureRevision, store.compact(5))
    assert (await store.put("/c", text("c"), expected=0)).mod_revision == 5
    assert names(store.range("/", revision=4)) == ["/a"]


async def a_fork_starts_alike_and_shares_no_write(store: Store) -> None:
    await fill(store, "/a", "/b")
    await store.delete("/b", expected=2)
    here: list[Event] = []
    store.watch("/", after=3, deliver=here.extend)
    fork = store.fork()
    try:
        there: list[Event] = []
        fork.watch("/", after=1, deliver=there.extend)
        assert told(there) == [("put", "/b", 2), ("delete", "/b", 3)]
        assert names(fork.range("/", revision=2)) == ["/a", "/b"]
        await fork.put("/a", text("fork"), expected=1)
        await fork.put("/f", text("fork"), expected=0)
        assert (fork.revision, store.revision, here) == (5, 3, [])
        await store.put("/a", text("store"), expected=1)
        assert [entry.value for entry in store.range("/").entries] == [b"store@4"]
        assert [entry.value for entry in fork.range("/").entries] == [b"fork@4", b"fork@5"]
        await fork.compact(5)
        assert (fork.compacted, store.compacted) == (5, 0)
    finally:
        await fork.close()
    assert told(here) == [("put", "/a", 4)]


async def odd_keys_and_values_survive(store: Store) -> None:
    values = {"/ü/\U0001f6a4": b"", "/nul/\x00x": bytes(range(256)), "/long/" + "k" * 4000: b"v" * 1_500_000}
    for key, value in values.items():
        await store.put(key, verbatim(value), expected=0)
    for key, value in values.items():
        entry = store.get(key)
        assert entry is not None and entry.value == value
        assert names(store.range(key)) == [key]


async def a_closed_store_says_so(store: Store) -> None:
    await fill(store, "/a")
    fork = store.fork()
    await fork.close()
    expect_now(StoreError, lambda: fork.get("/a"))
    expect_now(StoreError, lambda: fork.range("/"))
    expect_now(StoreError, lambda: fork.revision)
    expect_now(StoreError, lambda: fork.watch("/", after=1, deliver=print))
    await expect(StoreError, fork.put("/b", text("x"), expected=0))
    await expect(StoreError, fork.delete("/a", expected=None))
    await fork.close()


STORE_CHECKS: tuple[Check, ...] = (
    starts_empty,
    put_gives_an_entry_that_is_read_back,
    an_update_keeps_the_create_revision,
    a_key_made_again_has_a_new_create_revision,
    put_checks_what_is_expected,
    a_refused_write_does_not_encode,
    an_encoder_that_fails_costs_nothing,
    delete_gives_what_its_event_carries,
    delete_checks_what_is_expected,
    parallel_creators_of_a_key_have_one_winner,
    parallel_writes_have_revisions_without_gaps,
    reads_and_watches_agree_on_what_is_acknowledged,
    a_cancelled_write_leaves_the_store_working,
    range_is_ordered_and_keeps_to_its_prefix,
    range_pages,
    range_reads_the_past,
    range_refuses_what_it_cannot_know,
    watch_replays_history_and_goes_on,
    watch_events_carry_what_was_before,
    watch_keeps_to_its_prefix,
    a_closed_watch_is_silent,
    a_watch_opened_while_delivering_misses_nothing,
    watch_refuses_what_it_cannot_know,
    compaction_keeps_what_is,
    a_fork_starts_alike_and_shares_no_write,
    odd_keys_and_values_survive,
    a_closed_store_says_so,
)
"""Every check by itself, for tests that want one result per check."""


async def check_reopened(open_store: OpenStore) -> None:
    """For durable drivers: `open_store` opens the same place again and again, the first time empty."""
    store = await open_store()
    await asyncio.gather(*(store.put(f"/{number}", text("one"), expected=0) for number in range(10)))
    await store.put("/3", text("two"), expected=None)
    await store.delete("/4", expected=None)
    await store.put("/4", text("again"), expected=0)
    await store.delete("/5", text("gone"), expected=None)
    before = [(e.key, e.value, e.create_revision, e.mod_revision) for e in store.range("").entries]
    await store.close()
    for _ in range(2):
        store = await open_store()
        after = [(e.key, e.value, e.create_revision, e.mod_revision) for e in store.range("").entries]
        assert after == before
        assert (store.revision, store.count("")) == (14, 9)
        await store.close()
    store = await open_store()
    assert (await store.put("/3", text("three"), expected=11)).mod_revision == 15
    last = await store.delete("/3", expected=15)
    await store.compact(store.revision)
    await store.close()
    store = await open_store()
    assert (store.revision, store.get("/3"), last.mod_revision) == (16, None, 16)
    await store.close()
