"""Containers of a node that is switched off get the grace period that they were made with, within a bound."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.node.container_builder import GRACE_LABEL, STOP_SIGNAL_LABEL
from wherry.node.farewell import ask_to_end
from wherry.node.runtimes.fake.behaviour import Behaviour
from wherry.node.runtimes.fake.runtime import FakeRuntime
from wherry.node.runtimes.port import Container, Image, Sandbox

IMAGE = Image(id="sha256:1", names=("app",), size_bytes=1)
SANDBOX = Sandbox(pod_uid="u", pod_name="p", pod_namespace="default", hostname="p")
DEAF = frozenset({"SIGTERM"})


async def running(clock: FakeClock, ignores: dict[str, frozenset[str]], **labels: dict[str, str]) -> FakeRuntime:
    runtime = FakeRuntime(clock=clock, behave=lambda container: Behaviour(ignores=ignores[container.name]))
    await runtime.open()
    await runtime.create_sandbox(SANDBOX)
    for name in ignores:
        more: Any = labels.get(name, {})
        made = Container(
            id=name, sandbox=SANDBOX, name=name, attempt=0, image=IMAGE, arguments=(), environment=(), log_path="",
            labels=more,
        )  # fmt: skip
        await runtime.create(made)
        await runtime.start(name)
    return runtime


async def test_who_listens_ends_at_once_and_is_told_of() -> None:
    clock, told = FakeClock(), list[int]()
    signal = {"b": {STOP_SIGNAL_LABEL: "SIGQUIT"}}
    runtime = await running(clock, {"a": frozenset(), "b": DEAF}, **signal)
    assert await ask_to_end(runtime, clock=clock, most_seconds=30, tell=told.append) == 0
    assert told == [2, 1, 0]
    assert clock.monotonic() == 0


@pytest.mark.parametrize(("most", "takes"), [(30.0, 5), (3.0, 3)])
async def test_who_does_not_is_waited_for_as_long_as_the_pod_says_or_the_bound(most: float, takes: int) -> None:
    clock = FakeClock()
    runtime = await running(clock, {"a": frozenset(), "deaf": DEAF}, deaf={GRACE_LABEL: "5"})
    task = asyncio.ensure_future(ask_to_end(runtime, clock=clock, most_seconds=most))
    await clock.settle()
    await clock.advance(takes - 0.5)
    assert not task.done()
    await clock.advance(0.5)
    assert await task == 1


async def test_without_time_nobody_is_asked() -> None:
    clock = FakeClock()
    runtime = await running(clock, {"a": frozenset()})
    assert await ask_to_end(runtime, clock=clock, most_seconds=0) == 1
