"""Fair queues, sharding and limits by themselves."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from wherry.apiserver.flowcontrol.limits import Bounds, LevelConfig, allocation, bounds, level_config
from wherry.apiserver.flowcontrol.queues import Level, Waiter
from wherry.apiserver.flowcontrol.sharding import flow_hash, hand


def config(**fields: object) -> LevelConfig:
    known: dict[str, object] = {
        "name": "l",
        "uid": "u",
        "exempt": False,
        "shares": 10,
        "lendable": 0,
        "borrowing": None,
    }
    known |= {"queues": 8, "hand": 2, "queue_length": 50}
    return LevelConfig(**{**known, **fields})  # type: ignore[arg-type]


def level(limit: int, **fields: object) -> Level:
    return Level(config(**fields), Bounds(nominal=limit, least=limit, most=limit))


def wait(at: Level, who: str, width: int = 1) -> Waiter | None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiter = Waiter(width, "schema", who, 0.0, future, -1)
    return waiter if at.enqueue(waiter, flow_hash("schema", who)) else None


@pytest.mark.parametrize(("queues", "size"), [(1, 1), (8, 2), (64, 8), (128, 6)])
def test_a_hand_has_different_cards_of_the_deck(queues: int, size: int) -> None:
    for n in range(200):
        cards = hand(flow_hash("s", f"user-{n}"), queues, size)
        assert len(set(cards)) == size
        assert all(0 <= card < queues for card in cards)


def test_hands_are_spread_over_all_queues() -> None:
    seen = Counter(card for n in range(2000) for card in hand(flow_hash("s", str(n)), 16, 4))
    assert len(seen) == 16
    assert max(seen.values()) < 1.3 * min(seen.values())


async def test_seats_are_taken_until_there_are_none() -> None:
    one = level(3)
    assert one.try_enter(2)
    assert not one.try_enter(2)
    assert one.try_enter(1)
    one.leave(2)
    assert one.try_enter(2)


async def test_a_request_wider_than_the_level_runs_alone() -> None:
    one = level(2)
    assert one.try_enter(5)
    assert not one.try_enter(1)
    one.leave(5)
    assert one.try_enter(1)


async def test_who_comes_does_not_overtake_who_waits() -> None:
    one = level(1)
    assert one.try_enter(1)
    first = wait(one, "a")
    assert first is not None
    one.leave(1)
    assert first.admitted.done()
    second = wait(one, "a")
    assert second is not None
    assert not one.try_enter(1)


async def test_a_flood_of_one_flow_does_not_starve_another() -> None:
    one = level(1, queues=64, hand=1)
    assert one.try_enter(1)
    flood = [waiter for _ in range(40) if (waiter := wait(one, "flood"))]
    late = wait(one, "late")
    assert late is not None
    assert late.index != flood[0].index
    one.leave(1)
    turns = 0
    while not late.admitted.done():
        running = next(each for each in flood if each.admitted.done() and each.index >= 0)
        flood.remove(running)
        one.done(running, 0.003)
        turns += 1
    assert turns <= 2


async def test_what_requests_really_cost_is_made_good() -> None:
    one = level(1, queues=64, hand=1)
    assert one.try_enter(1)
    slow = [each for _ in range(20) if (each := wait(one, "slow"))]
    quick = [each for _ in range(20) if (each := wait(one, "quick"))]
    one.leave(1)
    done: list[str] = []
    while len(done) < 20:
        running = next(each for each in (*slow, *quick) if each.admitted.done())
        (slow if running in slow else quick).remove(running)
        done.append(running.distinguisher)
        one.done(running, 0.030 if running.distinguisher == "slow" else 0.003)
    assert done.count("quick") >= 16  # a tenth of the cost, so about ten turns for one


async def test_a_full_queue_takes_no_more() -> None:
    one = level(1, queues=1, hand=1, queue_length=3)
    assert one.try_enter(1)
    assert [wait(one, "a") is not None for _ in range(5)] == [True, True, True, False, False]
    assert one.waiting == 3


async def test_nothing_is_left_when_all_are_gone() -> None:
    one = level(1)
    assert one.try_enter(1)
    waiters = [each for n in range(10) if (each := wait(one, str(n)))]
    for each in waiters[5:]:
        one.give_up(each)
    one.leave(1)
    for each in waiters[:5]:
        assert each.admitted.done() or one.waiting
    while any(each.admitted.done() and each.index >= 0 for each in waiters[:5]):
        running = next(each for each in waiters[:5] if each.admitted.done() and each.index >= 0)
        one.done(running, 0.001)
        running.index = -1
    assert (one.seats, one.executing, one.waiting, one.queues) == (0, 0, 0, {})


def test_seats_are_divided_by_shares() -> None:
    levels = {name: config(name=name, shares=shares) for name, shares in (("a", 30), ("b", 10), ("none", 0))}
    divided = bounds(levels, 400)
    assert [divided[name].nominal for name in levels] == [300, 100, 0]


def test_seats_that_nobody_needs_are_lent() -> None:
    levels = {
        "idle": bounds_of(100, lendable=50),
        "busy": bounds_of(20),
        "capped": Bounds(nominal=20, least=20, most=25),
    }
    given = allocation(levels, {"busy": 200, "capped": 200}, 140)
    assert given["idle"] == 50
    assert given["capped"] == 25
    assert 60 <= given["busy"] <= 65
    back = allocation(levels, {"busy": 200, "idle": 100}, 140)
    assert back["idle"] >= 100


def bounds_of(nominal: int, lendable: int = 0) -> Bounds:
    return Bounds(nominal=nominal, least=nominal - nominal * lendable // 100, most=140)


def test_a_level_is_read_from_its_object() -> None:
    response = {"type": "Queue", "queuing": {"queues": 4, "handSize": 2, "queueLengthLimit": 9}}
    limited = {
        "nominalConcurrencyShares": 7,
        "lendablePercent": 5,
        "borrowingLimitPercent": 3,
        "limitResponse": response,
    }
    obj = {"metadata": {"name": "x", "uid": "1"}, "spec": {"type": "Limited", "limited": limited}}
    assert level_config(obj) == config(
        name="x", uid="1", shares=7, lendable=5, borrowing=3, queues=4, hand=2, queue_length=9
    )
