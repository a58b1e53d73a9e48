"""Laws of the store: random histories against a dictionary as the model."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherry.store.history import HistoryLimit
from wherry.store.memory import open_memory
from wherry.store.port import Compacted, Entry, Event, FutureRevision, KeyMissing, RevisionMismatch, Store, StoreError
from wherry.store.sqlite.store import open_sqlite

KEYS = ["/a/1", "/a/10", "/a/2", "/a/b/1", "/ab", "/b/1", "/b/2"]
PREFIXES = ["", "/", "/a", "/a/", "/a/b/", "/b/", "/b/1", "/z/"]

Shape = tuple[str, bytes, int, int]


def shape(entry: Entry) -> Shape:
    return entry.key, entry.value, entry.create_revision, entry.mod_revision


@dataclass
class Model:
    """Every state the store has been in, by revision, and every event."""

    states: list[dict[str, Shape]] = field(default_factory=lambda: [{}])
    events: list[tuple[str, Shape, Shape | None]] = field(default_factory=list)
    compacted: int = 0

    @property
    def revision(self) -> int:
        return len(self.states) - 1

    @property
    def now(self) -> dict[str, Shape]:
        return self.states[-1]

    def mod_revision(self, key: str) -> int:
        return self.now[key][3] if key in self.now else 0

    def put(self, key: str, entry: Shape) -> None:
        self.events.append(("put", entry, self.now.get(key)))
        self.states.append({**self.now, key: entry})

    def delete(self, key: str, entry: Shape) -> None:
        self.events.append(("delete", entry, self.now[key]))
        self.states.append({other: shape for other, shape in self.now.items() if other != key})

    def page(self, prefix: str, after: str, limit: int, revision: int) -> tuple[list[Shape], int]:
        state = self.states[revision or self.revision]
        found = [state[key] for key in sorted(state) if key.startswith(prefix) and key > after]
        return (found[:limit], max(0, len(found) - limit)) if limit else (found, 0)


def encode_for(key: str) -> Callable[[int], bytes]:
    return lambda revision: f"{key}={revision}".encode()


keys = st.sampled_from(KEYS)
prefixes = st.sampled_from(PREFIXES)
expectation = st.sampled_from(["any", "absent", "right", "stale"])
steps = st.one_of(
    st.tuples(st.just("put"), keys, expectation),
    st.tuples(st.just("put"), keys, expectation),
    st.tuples(st.just("delete"), keys, expectation, st.booleans()),
    st.tuples(st.just("range"), prefixes, st.sampled_from(["", *KEYS]), st.integers(0, 4), st.floats(0, 1.1)),
    st.tuples(st.just("watch"), prefixes, st.floats(0, 1.1)),
    st.tuples(st.just("compact"), st.floats(0, 1.1)),
    st.tuples(st.just("fork")),
)


def expected_revision(model: Model, key: str, what: str) -> int | None:
    current = model.mod_revision(key)
    return {"any": None, "absent": 0, "right": current, "stale": current + 3}[what]


class Harness:
    """Does each step to the store and to the model, and compares."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.model = Model()
        self.live: list[tuple[str, int, list[Event]]] = []

    async def do(self, step: tuple[Any, ...]) -> None:
        await getattr(self, f"do_{step[0]}")(*step[1:])
        self.model.compacted = max(self.model.compacted, self.store.compacted)
        assert self.store.revision == self.model.revision

    async def do_put(self, key: str, what: str) -> None:
        model, expected = self.model, expected_revision(self.model, key, what)
        allowed = expected is None or expected == model.mod_revision(key)
        try:
            entry = await self.store.put(key, encode_for(key), expected=expected)
        except RevisionMismatch as error:
            assert not allowed
            assert (error.current and shape(error.current)) == model.now.get(key)
        else:
            assert allowed
            revision = model.revision + 1
            created = model.now[key][2] if key in model.now else revision
            assert shape(entry) == (key, encode_for(key)(revision), created, revision)
            model.put(key, shape(entry))

    async def do_delete(self, key: str, what: str, encoded: bool) -> None:
        model, expected = self.model, expected_revision(self.model, key, what)
        if expected == 0:
            expected = None
        try:
            entry = await self.store.delete(key, encode_for(key) if encoded else None, expected=expected)
        except KeyMissing:
            assert key not in model.now
        except RevisionMismatch:
            assert key in model.now and expected != model.mod_revision(key)
        else:
            last = model.now[key]
            revision = model.revision + 1
            assert shape(entry) == (key, encode_for(key)(revision) if encoded else last[1], last[2], revision)
            model.delete(key, shape(entry))

    async def do_range(self, prefix: str, after: str, limit: int, at: float) -> None:
        revision = round(at * self.model.revision)
        try:
            page = self.store.range(prefix, after=after, limit=limit, revision=revision)
        except (Compacted, FutureRevision) as error:
            self.check_refusal(error, revision)
        else:
            shapes, remaining = self.model.page(prefix, after, limit, revision)
            assert [shape(entry) for entry in page.entries] == shapes
            assert (page.remaining, page.revision) == (remaining, revision or self.model.revision)
        assert self.store.count(prefix) == len(self.model.page(prefix, "", 0, 0)[0])

    async def do_watch(self, prefix: str, at: float) -> None:
        after = round(at * self.model.revision)
        seen: list[Event] = []
        try:
            self.store.watch(prefix, after=after, deliver=seen.extend)
        except (Compacted, FutureRevision) as error:
            self.check_refusal(error, after)
        else:
            self.live.append((prefix, after, seen))

    async def do_compact(self, at: float) -> None:
        revision = round(at * self.model.revision)
        try:
            await self.store.compact(revision)
        except Compacted:
            assert revision <= self.model.compacted
        except FutureRevision:
            assert revision > self.model.revision
        else:
            assert self.store.compacted == revision

    async def do_fork(self) -> None:
        fork = self.store.fork()
        await fork.put("/fork", encode_for("/fork"), expected=0)
        assert shape(fork.range("").entries[0])[0] <= "/fork"
        assert fork.count("") == self.store.count("") + 1
        await fork.close()

    def check_refusal(self, error: StoreError, revision: int) -> None:
        if isinstance(error, FutureRevision):
            assert revision > self.model.revision
        else:
            assert revision < self.model.compacted

    def check_watches(self) -> None:
        """Each watch saw exactly the events of its prefix, in order, whatever was compacted meanwhile."""
        for prefix, after, seen in self.live:
            expected = [e for e in self.model.events[after:] if e[1][0].startswith(prefix)]
            assert [(e.type, shape(e.entry), e.previous and shape(e.previous)) for e in seen] == expected


async def run(store: Store, history: Sequence[tuple[Any, ...]]) -> None:
    harness = Harness(store)
    try:
        for step in history:
            await harness.do(step)
        harness.check_watches()
    finally:
        await store.close()


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=60), st.sampled_from([3, 10, 1000]))
def test_memory_follows_the_model(history: list[tuple[Any, ...]], limit: int) -> None:
    asyncio.run(run(open_memory(limit=HistoryLimit(events=limit)), history))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=40), st.sampled_from([3, 1000]))
def test_sqlite_follows_the_model(history: list[tuple[Any, ...]], limit: int) -> None:
    async def open_and_run(path: Path) -> None:
        await run(await open_sqlite(path, limit=HistoryLimit(events=limit)), history)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(open_and_run(Path(folder) / "state.db"))


writes = st.one_of(
    st.tuples(st.just("put"), keys, st.sampled_from([None, 0, 1, 2, 3])),
    st.tuples(st.just("delete"), keys, st.sampled_from([None, 1, 2, 3])),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(writes, min_size=1, max_size=12), max_size=8))
def test_parallel_writes_are_some_order_of_them_and_restarts_change_nothing(groups: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(parallel_then_reopen(Path(folder) / "state.db", groups))


async def parallel_then_reopen(path: Path, groups: list[list[Any]]) -> None:
    for group in groups:
        store = await open_sqlite(path)
        before = {entry.key: shape(entry) for entry in store.range("").entries}
        seen: list[Event] = []
        store.watch("", after=store.revision, deliver=seen.extend)
        first = store.revision + 1
        results = await asyncio.gather(*(write(store, *what) for what in group), return_exceptions=True)
        check_serial(before, first, seen, group, results)
        after = [shape(entry) for entry in store.range("").entries]
        revision = store.revision
        await store.close()
        store = await open_sqlite(path)
        assert [shape(entry) for entry in store.range("").entries] == after
        assert store.revision == revision
        await store.close()


def write(store: Store, verb: str, key: str, expected: int | None) -> Awaitable[Entry]:
    if verb == "put":
        return store.put(key, encode_for(key), expected=expected)
    return store.delete(key, encode_for(key), expected=expected)


def check_serial(
    state: dict[str, Shape], first: int, seen: list[Event], group: list[Any], results: list[Entry | BaseException]
) -> None:
    """Every success is one event, and was allowed by the state that the events before it made."""
    by_revision = {r.mod_revision: what for what, r in zip(group, results, strict=True) if isinstance(r, Entry)}
    assert all(isinstance(r, Entry | RevisionMismatch | KeyMissing) for r in results)
    assert [event.entry.mod_revision for event in seen] == list(range(first, first + len(by_revision)))
    for event in seen:
        verb, key, expected = by_revision[event.entry.mod_revision]
        assert (event.type, event.entry.key) == (verb, key)
        assert (event.previous and shape(event.previous)) == state.get(key)
        assert expected is None or expected == (state[key][3] if key in state else 0)
        if verb == "put":
            state[key] = shape(event.entry)
        else:
            del state[key]
