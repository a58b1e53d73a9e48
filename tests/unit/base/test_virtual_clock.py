"""A clock that ticks and can be moved ahead."""

from __future__ import annotations

import asyncio

import pytest

from wherry.base.tasks import cancel_and_wait
from wherry.base.virtual_clock import VirtualClock


async def test_a_stopped_clock_moves_only_when_told() -> None:
    clock = VirtualClock(start=1000.0, ticking=False)
    await clock.settle()
    assert (clock.now(), clock.monotonic()) == (1000.0, 0.0)
    await clock.advance(90)
    assert (clock.now(), clock.monotonic()) == (1090.0, 90.0)


@pytest.mark.parametrize("ticking", [False, True])
async def test_sleepers_wake_in_order_each_at_its_time(ticking: bool) -> None:
    clock = VirtualClock(start=0.0, ticking=ticking)
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            seen.append((name, round(clock.monotonic())))

    tasks = [asyncio.ensure_future(sleeper(*one)) for one in (("late", 7200.0), ("twice", 3600.0, 7200.0), ("a", 60.0))]
    await clock.advance(86400)
    assert seen == [("a", 60), ("twice", 3600), ("late", 7200), ("twice", 10800)]
    assert all(task.done() for task in tasks)


async def test_what_wakes_runs_to_its_end_before_the_next() -> None:
    clock = VirtualClock(ticking=False)
    seen: list[int] = []

    async def chain(start: int) -> None:
        await clock.sleep(start)
        for _ in range(500):
            await asyncio.sleep(0)
        seen.append(start)

    tasks = [asyncio.ensure_future(chain(start)) for start in (2, 1)]
    await clock.advance(2)
    assert seen == [1, 2]
    await cancel_and_wait(*tasks)


async def test_a_ticking_clock_wakes_by_itself() -> None:
    clock = VirtualClock()
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.01


async def test_a_timeout_ends_the_body() -> None:
    clock = VirtualClock(ticking=False)

    async def body() -> str:
        try:
            async with clock.timeout(5):
                await asyncio.Event().wait()
        except TimeoutError:
            return f"after {clock.monotonic():g}"
        return "never"

    task = asyncio.ensure_future(body())
    await clock.advance(60)
    assert await task == "after 5"


async def test_a_body_in_time_is_left_alone() -> None:
    clock = VirtualClock(ticking=False)
    async with clock.timeout(5):
        await asyncio.sleep(0)
    await clock.advance(60)
    assert clock.sleepers == 0


async def test_step_goes_to_the_next_deadline() -> None:
    clock = VirtualClock(ticking=False)
    task = asyncio.ensure_future(clock.sleep(30))
    assert await clock.step(60)
    assert clock.monotonic() == 30
    assert not await clock.step(60)
    assert clock.monotonic() == 90
    await task


async def test_cancelled_sleepers_are_forgotten() -> None:
    clock = VirtualClock(ticking=False)
    for _ in range(2000):
        task = asyncio.ensure_future(clock.sleep(86400))
        await asyncio.sleep(0)
        await cancel_and_wait(task)
    assert clock.sleepers == 0
    assert len(clock._heap) < 1000


async def test_a_twin_goes_its_own_way() -> None:
    clock = VirtualClock(start=100.0, ticking=False)
    await clock.advance(10)
    twin = clock.twin()
    await twin.advance(5)
    assert (clock.now(), twin.now(), twin.monotonic()) == (110.0, 115.0, 15.0)


async def test_a_sleep_that_rounding_would_swallow_passes() -> None:
    clock = VirtualClock(ticking=False)
    await clock.advance(1e6)
    naps = 0

    async def wait_until(moment: float) -> None:
        nonlocal naps
        while clock.monotonic() < moment:
            naps += 1
            await clock.sleep(1e-14)

    task = asyncio.ensure_future(wait_until(1e6 + 1e-5))
    await clock.advance(1)
    assert task.done()
    assert naps < 20
