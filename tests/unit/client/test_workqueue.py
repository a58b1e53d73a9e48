"""The queue's promises: one worker per key, no doubles, back-off on the clock."""

from __future__ import annotations

import asyncio

from wherry.base.fake_clock import FakeClock
from wherry.client.workqueue import WorkQueue


def queue(clock: FakeClock | None = None) -> WorkQueue[str]:
    return WorkQueue(clock=clock or FakeClock())


async def test_a_key_that_waits_is_not_queued_twice() -> None:
    q = queue()
    q.add("a")
    q.add("a")
    q.add("b")
    assert [await q.get(), await q.get()] == ["a", "b"]
    assert len(q) == 0


async def test_a_key_in_work_comes_again_only_when_done() -> None:
    q = queue()
    q.add("a")
    await q.get()
    q.add("a")
    q.add("a")
    assert len(q) == 0
    q.done("a")
    assert await q.get() == "a"
    q.done("a")
    assert len(q) == 0


async def test_get_waits_and_wakes_in_order() -> None:
    q = queue()
    first, second = asyncio.ensure_future(q.get()), asyncio.ensure_future(q.get())
    await asyncio.sleep(0)
    q.add("a")
    q.add("b")
    assert [await first, await second] == ["a", "b"]


async def test_a_cancelled_getter_does_not_swallow_a_key() -> None:
    q = queue()
    first, second = asyncio.ensure_future(q.get()), asyncio.ensure_future(q.get())
    await asyncio.sleep(0)
    q.add("a")
    first.cancel()
    assert await second == "a"
    assert first.cancelled()


async def test_delayed_keys_come_in_order_of_their_time_and_once() -> None:
    clock = FakeClock()
    q = queue(clock)
    q.add_after("late", 10)
    q.add_after("early", 5)
    q.add_after("late", 7)
    q.add_after("late", 20)
    await clock.advance(4.9)
    assert len(q) == 0
    await clock.advance(0.2)
    assert await q.get() == "early"
    await clock.advance(2)
    assert await q.get() == "late"
    q.done("late")
    await clock.advance(100)
    assert len(q) == 0


async def test_back_off_doubles_from_5_ms_to_1000_s_and_forget_resets() -> None:
    clock = FakeClock()
    q = queue(clock)
    for failures in range(20):
        delay = min(1000.0, 0.005 * 2**failures)
        q.add_rate_limited("a")
        await clock.advance(delay * 0.99)
        assert len(q) == 0
        await clock.advance(delay * 0.02)
        assert await q.get() == "a"
        q.done("a")
    q.forget("a")
    assert q.failures("a") == 0
