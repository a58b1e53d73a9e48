"""The order of pods, and when those that failed come back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.plugins.priority_sort import PrioritySort
from wherry.scheduler.plugins.scheduling_gates import SchedulingGates
from wherry.scheduler.queue import QueuedPod, SchedulingQueue
from wherry.testing.scheduling import node, pod

FIT = frozenset(("Fit",))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def queue(clock: FakeClock) -> AsyncIterator[SchedulingQueue]:
    """A queue with one plugin, Fit, that only nodes named `good` help."""
    made = SchedulingQueue(
        clock=clock,
        order=PrioritySort().order,
        pre_enqueue=SchedulingGates().pre_enqueue,
        hints={
            ClusterEvent.NODE_ADD: {"Fit": lambda pod, old, new: new is not None and new["metadata"]["name"] == "good"},
            ClusterEvent.TARGET_TOLERATION: {"Fit": lambda pod, old, new: True},
        },
    )
    yield made
    made.close()


def names(queue: SchedulingQueue) -> list[str]:
    found: list[str] = []
    while (queued := queue.next_nowait()) is not None:
        found.append(queued.pod.name)
    return found


def taken(queue: SchedulingQueue) -> QueuedPod:
    queued = queue.next_nowait()
    assert queued is not None
    return queued


def changed(old: Object, **spec: object) -> Object:
    return {**old, "spec": {**old["spec"], **spec}}


async def test_priority_first_then_who_came_first(queue: SchedulingQueue, clock: FakeClock):
    for name, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 5)):
        queue.add(pod(name, priority=priority))
        await clock.advance(1)
    assert names(queue) == ["b", "d", "a", "c"]


async def test_a_rejected_pod_waits_for_a_change_that_helps(queue: SchedulingQueue):
    queue.add(pod("a"))
    queue.reject(taken(queue), FIT)
    queue.notify(ClusterEvent.NODE_ADD, None, node("bad"))
    queue.notify(ClusterEvent.POD_DELETE, pod("other"), None)
    assert names(queue) == []
    queue.notify(ClusterEvent.NODE_ADD, None, node("good"))
    assert names(queue) == ["a"]


async def test_pods_that_back_off_come_after_all_others(queue: SchedulingQueue, clock: FakeClock):
    queue.add(pod("a", priority=9))
    queue.reject(taken(queue), FIT)
    queue.notify(ClusterEvent.NODE_ADD, None, node("good"))
    queue.add(pod("b"))
    assert names(queue) == ["b", "a"]


async def test_after_the_back_off_the_priority_counts_again(queue: SchedulingQueue, clock: FakeClock):
    queue.add(pod("a", priority=9))
    queue.reject(taken(queue), FIT)
    queue.notify(ClusterEvent.NODE_ADD, None, node("good"))
    queue.add(pod("b"))
    await clock.advance(1)
    assert names(queue) == ["a", "b"]


async def test_errors_are_waited_out_with_growing_back_off(queue: SchedulingQueue, clock: FakeClock):
    queue.add(pod("a"))
    for seconds in (1, 2, 4, 8, 10, 10):
        queue.fail(taken(queue))
        await clock.advance(seconds - 0.01)
        assert names(queue) == []
        await clock.advance(0.01)
        assert len(queue) == 1
        assert queue.place("default/a") == "active"


async def test_nobody_waits_longer_than_five_minutes(queue: SchedulingQueue, clock: FakeClock):
    queue.add(pod("a"))
    queue.reject(taken(queue), FIT)
    await clock.advance(150)
    queue.add(pod("b"))
    queue.reject(taken(queue), FIT)
    await clock.advance(150)
    assert names(queue) == ["a"]
    await clock.advance(150)
    assert names(queue) == ["b"]
    assert clock.sleepers == 0


async def test_a_pod_that_changes_itself(queue: SchedulingQueue):
    old = pod("a")
    queue.add(old)
    queue.reject(taken(queue), FIT)
    labelled = {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}}}
    queue.update(old, labelled)
    assert names(queue) == []
    queue.update(labelled, changed(labelled, tolerations=[{"operator": "Exists"}]))
    assert names(queue) == ["a"]


async def test_gated_pods(queue: SchedulingQueue):
    gated = pod("a", schedulingGates=[{"name": "x"}, {"name": "y"}])
    queue.add(gated)
    assert names(queue) == []
    fewer = changed(gated, schedulingGates=[{"name": "x"}])
    queue.update(gated, fewer)
    assert names(queue) == []
    queue.update(fewer, changed(fewer, schedulingGates=[]))
    assert names(queue) == ["a"]


async def test_pods_that_are_gone_do_not_come_back(queue: SchedulingQueue, clock: FakeClock):
    for name in "abc":
        queue.add(pod(name))
    first, second = taken(queue), taken(queue)
    queue.reject(first, FIT)
    queue.fail(second)
    for name in "abc":
        queue.remove(f"default/{name}")
    await clock.advance(400)
    assert names(queue) == []
    queue.reject(first, FIT)
    assert len(queue) == 0


async def test_a_pod_without_any_node_waits_for_one(queue: SchedulingQueue):
    queue.add(pod("a"))
    queue.reject(taken(queue), frozenset())
    queue.notify(ClusterEvent.NODE_ADD, None, node("any"))
    assert names(queue) == ["a"]


async def test_waking_without_a_change(queue: SchedulingQueue):
    queue.add(pod("a"))
    queue.reject(taken(queue), FIT)
    queue.wake("default/a")
    queue.wake("default/unknown")
    assert names(queue) == ["a"]
