"""Compaction by the clock keeps at least one interval of history."""

from __future__ import annotations

import asyncio

from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.store.compactor import Compactor
from wherry.store.memory import open_memory
from wherry.testing.store_probe import text


async def test_keeps_the_last_interval() -> None:
    store, clock = open_memory(), FakeClock()
    task = asyncio.ensure_future(Compactor(store, clock=clock, interval=300).run())
    for _ in range(20):
        await clock.advance(60)
        await store.put("/a", text("x"), expected=None)
    # Ticks at 300, 600, 900 and 1200 s, each to the revision of the tick before; write n happens at 60 n seconds.
    assert (store.revision, store.compacted) == (20, 14)
    await clock.advance(300)
    assert store.compacted == 19
    await clock.advance(600)
    assert store.compacted == 20
    await cancel_and_wait(task)


async def test_lets_others_compact() -> None:
    store, clock = open_memory(), FakeClock()
    task = asyncio.ensure_future(Compactor(store, clock=clock, interval=10).run())
    await store.put("/a", text("x"), expected=None)
    await clock.advance(10)
    await store.put("/a", text("x"), expected=None)
    await store.compact(2)
    await clock.advance(10)
    assert not task.done()
    await cancel_and_wait(task)
