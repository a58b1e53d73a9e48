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


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10, 20])
async def test_an_agent_that_ends_while_containers_start_does_not_wait_for_them(
    tmp_path: Path, milliseconds: int
) -> None:
    root = tmp_path / "state"
    subject = Subject(
        make=lambda: ProcessRuntime(root=root, clock=RealClock(), private_mounts=False),
        reference="wherry.local/host",
        logs=tmp_path,
        passes=asyncio.sleep,
    )
    bench = Bench(subject, subject.make(), Sandbox(pod_uid="u", pod_name="p", pod_namespace="d", hostname="h"))
    await bench.runtime.open()
    await bench.runtime.create_sandbox(bench.sandbox)
    names = [await bench.make(f"c{number}", SLEEP) for number in range(4)]
    starts = [asyncio.ensure_future(bench.runtime.start(name)) for name in names]
    await asyncio.sleep(milliseconds / 1000)
    for start in starts:
        start.cancel()
    await asyncio.wait_for(bench.restart_agent(), 5)
    try:
        for name in names:
            if bench.runtime.container(name).phase == ContainerPhase.CREATED:
                await bench.runtime.start(name)
            await bench.until_phase(name, ContainerPhase.RUNNING)
        assert len({bench.runtime.container(name).pid for name in names}) == len(names)
    finally:
        await bench.runtime.remove_sandbox("u")
        await bench.runtime.close()


async def test_one_agent_at_a_time(tmp_path: Path) -> None:
    first, second = (ProcessRuntime(root=tmp_path, clock=RealClock(), private_mounts=False) for _ in range(2))
    await first.open()
    with pytest.raises(RuntimeFailure, match="in use by another node agent"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()
