import asyncio

import pytest

from wherry.base.fake_clock import FakeClock


async def test_sleepers_wake_in_order_at_their_own_time() -> None:
    clock, seen = FakeClock(), []

    async def sleeper(name: str, *waits: float) -> None:
        for wait in waits:
            await clock.sleep(wait)
            seen.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("a", 10, 5))
        group.create_task(sleeper("b", 12))
        await clock.advance(20)
    assert seen == [("a", 10), ("b", 12), ("a", 15)]
    assert clock.monotonic() == 20


async def test_a_timeout_passes_on_the_fake_clock_only() -> None:
    clock = FakeClock()

    async def patient() -> None:
        async with clock.timeout(30):
            await asyncio.Event().wait()

    task = asyncio.create_task(patient())
    await clock.advance(29)
    assert not task.done()
    await clock.advance(1)
    with pytest.raises(TimeoutError):
        await task


async def test_a_body_that_ends_in_time_leaves_no_sleeper() -> None:
    clock = FakeClock()
    async with clock.timeout(30):
        await clock.settle()
    await clock.settle()
    assert clock.sleepers == 0
