"""The process runtime keeps the contract of all runtimes, with private mounts and without."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wherry.base.clock import RealClock
from wherry.node.runtimes.port import ContainerPhase, RuntimeFailure, Sandbox
from wherry.node.runtimes.process.runtime import ProcessRuntime
from wherry.testing.runtime_contract import CHECKS, SLEEP, Bench, Check, Subject, run_check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(check: Check, tmp_path: Path) -> None:
    root = tmp_path / "state"
    await run_check(
        Subject(
            make=lambda: ProcessRuntime(root=root, clock=RealClock(), private_mounts=False),
            reference="wherry.local/host",
            logs=tmp_path,
            passes=asyncio.sleep,
        ),
        check,
    )
    assert not list((root / "containers").iterdir())


async def test_the_process_that_forks_shims_may_die(tmp_path: Path) -> None:
    runtime = ProcessRuntime(root=tmp_path / "state", clock=RealClock(), private_mounts=False)
    bench = Bench(
        Subject(make=lambda: runtime, reference="wherry.local/host", logs=tmp_path, passes=asyncio.sleep),
        runtime,
        Sandbox(pod_uid="u", pod_name="p", pod_namespace="d", hostname="h"),
    )
    await runtime.open()
    try:
        await runtime.create_sandbox(bench.sandbox)
        first = await bench.run("first", SLEEP)
        nursery = runtime._nursery._process
        assert nursery is not None
        nursery.kill()
        nursery.wait()
        second = await bench.run("second", SLEEP)
        assert {runtime.container(one).phase for one in (first, second)} == {ContainerPhase.RUNNING}
    finally:
        await runtime.remove_sandbox("u")
        await runtime.close()


async def test_one_agent_at_a_time(tmp_path: Path) -> None:
    first, second = (ProcessRuntime(root=tmp_path, clock=RealClock(), private_mounts=False) for _ in range(2))
    await first.open()
    with pytest.raises(RuntimeFailure, match="in use by another node agent"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()
