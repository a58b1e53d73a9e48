"""The fake runtime keeps the contract of all runtimes."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.node.runtimes.fake.machine import FakeMachine
from wherry.node.runtimes.fake.runtime import FakeRuntime
from wherry.testing.runtime_contract import CHECKS, Check, Subject, pretend, run_check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(check: Check, tmp_path: Path) -> None:
    clock = FakeClock()
    machine = FakeMachine(clock)
    await run_check(
        Subject(
            make=lambda: FakeRuntime(clock=clock, behave=pretend, machine=machine),
            reference="busybox",
            logs=tmp_path,
            passes=clock.advance,
        ),
        check,
    )
    assert not machine.containers
