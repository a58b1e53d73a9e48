"""Group commit: what arrives while a commit runs makes up the next one.

There is never more than one batch at the writer. A write that finds the writer idle goes with the end of the event
loop's current round, so tasks that were woken together are committed together and a lone write waits for nobody. When
a batch cannot be written, all later writes stand on it and fail with it; their revisions, never seen, are given again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from wherry.base.log import Logger
from wherry.store.history import HistoryLimit
from wherry.store.index import Index
from wherry.store.memory import MemoryStore
from wherry.store.mvcc import MvccStore
from wherry.store.port import Encode, Entry, Event, Seal, StoreError
from wherry.store.snapshot import Snapshot
from wherry.store.sqlite.database import Database, Loaded
from wherry.store.sqlite.writer import Writer
from wherry.store.staging import Undecided


class _Batch:
    """Writes that become durable together, who waits for each, and who waits for whatever comes of them."""

    __slots__ = ("events", "settled", "written")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.written: list[asyncio.Future[Entry]] = []
        self.settled: list[asyncio.Future[None]] = []

    def succeed(self) -> None:
        for event, future in zip(self.events, self.written, strict=True):
            if not future.done():
                future.set_result(event.entry)
        self._settle()

    def fail(self, error: StoreError) -> None:
        for future in self.written:
            if not future.done():
                future.set_exception(type(error)(*error.args))
        self._settle()

    def _settle(self) -> None:
        for future in self.settled:
            if not future.done():
                future.set_result(None)


class SqliteStore(MvccStore):
    """See `Store`. Made by `open_sqlite`."""

    def __init__(
        self, index: Index, writer: Writer, *, limit: HistoryLimit | None = None, seal: Seal | None = None
    ) -> None:
        super().__init__(index, limit=limit)
        self._seal = seal
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._log = Logger("store")
        self._flying: _Batch | None = None
        self._collecting = _Batch()
        self._closing: asyncio.Future[None] | None = None

    async def put(self, key: str, encode: Encode, *, expected: int | None, memo: Any = None) -> Entry:
        while True:
            self._check_open()
            try:
                event = self._staging.put(key, encode, expected=expected, memo=memo)
            except Undecided as undecided:
                await self._wait_settled(undecided.event)
            else:
                return await self._write(event)

    async def delete(self, key: str, encode: Encode | None = None, *, expected: int | None, memo: Any = None) -> Entry:
        while True:
            self._check_open()
            try:
                event = self._staging.delete(key, encode, expected=expected, memo=memo)
            except Undecided as undecided:
                await self._wait_settled(undecided.event)
            else:
                return await self._write(event)

    async def compact(self, revision: int) -> None:
        """Returns when the rows are gone from the file too; if that fails, the next compaction does it."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._forget(self._index.compact(revision), future)
        await future

    def is_stale(self, key: str) -> bool:
        return self._seal is not None and self._seal.is_stale(key)

    def fork(self) -> MemoryStore:
        return MemoryStore(self.fork_index(), limit=self._limit)

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._shut())
        await asyncio.shield(self._closing)

    async def _shut(self) -> None:
        while self._flying is not None or self._collecting.events:
            await self._wait_batch(self._collecting if self._collecting.events else self._flying)
        try:
            await self._writer.close()
        finally:
            self._close()

    def _check_open(self) -> None:
        if self._closing is not None:
            raise StoreError("the store is closed")

    def _write(self, event: Event) -> asyncio.Future[Entry]:
        """Put a staged write into the coming batch."""
        batch = self._collecting
        future: asyncio.Future[Entry] = self._loop.create_future()
        batch.events.append(event)
        batch.written.append(future)
        if self._flying is None and len(batch.events) == 1:
            self._loop.call_soon(self._take_off)
        return future

    def _take_off(self) -> None:
        if self._flying is None and self._collecting.events:
            self._flying = batch = self._collecting
            self._collecting = _Batch()
            self._writer.append(batch.events, partial(self._land, batch))

    def _land(self, batch: _Batch, error: StoreError | None) -> None:
        """The writer is done with a batch."""
        self._flying = None
        if error is not None:
            self._lose(batch, error)
            return
        self._take_off()  # first: the disk works while we tell the watchers
        batch.succeed()
        self._acknowledge(batch.events)
        surplus = self._compact_surplus()
        if surplus:
            self._forget(surplus, None)

    def _lose(self, batch: _Batch, error: StoreError) -> None:
        """Nothing of the batch is on disk, so nothing that was staged on top of it can be."""
        self._log.error("writes failed", error=str(error), writes=len(batch.events) + len(self._collecting.events))
        later, self._collecting = self._collecting, _Batch()
        self._staging.discard()
        batch.fail(error)
        later.fail(error)

    async def _wait_settled(self, event: Event) -> None:
        """Until a staged write is acknowledged or lost. Not its own future: that may have been cancelled."""
        flying = self._flying
        is_flying = flying is not None and event.entry.mod_revision <= flying.events[-1].entry.mod_revision
        await self._wait_batch(flying if is_flying else self._collecting)

    async def _wait_batch(self, batch: _Batch | None) -> None:
        assert batch is not None
        future: asyncio.Future[None] = self._loop.create_future()
        batch.settled.append(future)
        await future

    def _forget(self, dropped: Iterable[Event], future: asyncio.Future[None] | None) -> None:
        """Have the rows removed that the dropped history needed."""
        revisions: list[int] = []
        for event in dropped:
            if event.previous is not None:
                revisions.append(event.previous.mod_revision)
            if event.type == "delete":
                revisions.append(event.entry.mod_revision)
        self._writer.forget(revisions, partial(self._forgotten, future))

    def _forgotten(self, future: asyncio.Future[None] | None, error: StoreError | None) -> None:
        if error is not None:
            self._log.warning("could not clean up the state file, trying again later", error=str(error))
        if future is not None and not future.done():
            future.set_result(None)

    def _forget_leftovers(self, revisions: list[int]) -> None:
        """Remove rows that an earlier process did not come to remove."""
        if revisions:
            self._writer.forget(revisions, partial(self._forgotten, None))


async def open_sqlite(
    path: Path | str,
    *,
    snapshot: Snapshot | None = None,
    quota_bytes: int = 0,
    limit: HistoryLimit | None = None,
    seal: Seal | None = None,
) -> SqliteStore:
    """Open a state file, or make one (with a snapshot's state, if given); its directory must be there.

    `quota_bytes` bounds the file, 0 does not. After opening, `compacted` is `revision`: history is not kept across
    restarts. With a `seal`, values are on disk only as it makes them. Raises `StoreError` (in use, no rights, another layout), `StoreDamaged`, `StoreFull`.
    """

    def load(database: Database) -> tuple[Loaded, Index]:
        loaded = database.load()
        return loaded, Index(loaded.entries, revision=loaded.revision)

    writer = Writer()
    try:
        make = partial(Database, Path(path), quota_bytes=quota_bytes, snapshot=snapshot, seal=seal)
        loaded, index = await writer.open(make, load)
        store = SqliteStore(index, writer, limit=limit, seal=seal)
    except BaseException:
        await writer.close()
        raise
    store._forget_leftovers(loaded.obsolete)
    return store
