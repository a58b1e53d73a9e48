"""The fake runtime: programmed lives on virtual time."""

from __future__ import annotations

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.node.runtimes.fake.behaviour import Behaviour, ExecResult
from wherry.node.runtimes.fake.runtime import FakeRuntime
from wherry.node.runtimes.port import (
    Container,
    ContainerMissing,
    ContainerPhase,
    ContainerState,
    CreateFailed,
    Image,
    Runtime,
    Sandbox,
    StartFailed,
)

SANDBOX = Sandbox(pod_uid="u1", pod_name="web", pod_namespace="default", hostname="web")
IMAGE = Image(id="sha256:1", names=("busybox",), size_bytes=1)


def make(identity: str = "a" * 64, **fields: object) -> Container:
    values = {
        "id": identity, "sandbox": SANDBOX, "name": "c", "attempt": 0, "image": IMAGE, "arguments": ("run",),
        "environment": (), "log_path": "/nowhere", "labels": {"k": "v"},
    }  # fmt: skip
    return Container(**(values | fields))  # type: ignore[arg-type]


async def opened(clock: FakeClock, **behaviour: object) -> FakeRuntime:
    runtime = FakeRuntime(clock=clock, behave=lambda _: Behaviour(**behaviour))  # type: ignore[arg-type]
    typed: Runtime = runtime
    await typed.open()
    await typed.create_sandbox(SANDBOX)
    await typed.create(make())
    return runtime


async def test_a_container_ends_by_itself_on_the_injected_clock() -> None:
    clock = FakeClock()
    runtime = await opened(clock, exit_after_seconds=30.0, exit_code=3)
    changes: list[ContainerState] = []
    runtime.on_change(changes.append)
    await runtime.start("a" * 64)
    await clock.advance(29)
    assert runtime.container("a" * 64).phase == ContainerPhase.RUNNING
    await clock.advance(1)
    state = runtime.container("a" * 64)
    assert (state.phase, state.exit_code, state.reason) == (ContainerPhase.EXITED, 3, "Error")
    assert state.finished_at - state.started_at == 30
    assert [change.phase for change in changes] == [ContainerPhase.RUNNING, ContainerPhase.EXITED]


async def test_a_start_that_fails_leaves_exit_code_128() -> None:
    runtime = await opened(FakeClock(), start_error='exec: "x": executable file not found in $PATH')
    with pytest.raises(StartFailed, match="executable file not found"):
        await runtime.start("a" * 64)
    state = runtime.container("a" * 64)
    assert (state.exit_code, state.reason, state.started_at) == (128, "StartError", 0.0)


async def test_signals_end_it_unless_ignored() -> None:
    runtime = await opened(FakeClock(), ignores=frozenset({"SIGTERM"}))
    await runtime.start("a" * 64)
    await runtime.kill("a" * 64, "TERM")
    assert runtime.container("a" * 64).phase == ContainerPhase.RUNNING
    await runtime.kill("a" * 64)
    assert (runtime.container("a" * 64).exit_code, runtime.container("a" * 64).signal) == (137, 9)


async def test_a_new_agent_finds_what_runs() -> None:
    clock = FakeClock()
    first = await opened(clock, exit_after_seconds=5.0)
    await first.start("a" * 64)
    await first.close()
    second = FakeRuntime(clock=clock, machine=first.machine)
    changes: list[ContainerState] = []
    second.on_change(changes.append)
    await second.open()
    assert [c.id for c in second.containers()] == ["a" * 64]
    assert dict(second.sandboxes()) == {"u1": SANDBOX}
    await clock.advance(5)
    assert changes[-1].phase == ContainerPhase.EXITED


async def test_exec_results_are_programmable() -> None:
    def results(arguments: object) -> ExecResult:
        return ExecResult(exit_code=2, stdout=b"out", stderr=b"err")

    runtime = await opened(FakeClock(), exec=results)
    with pytest.raises(ContainerMissing):
        await runtime.exec("a" * 64, ["x"])
    await runtime.start("a" * 64)
    streams = await runtime.exec("a" * 64, ["x"])
    assert await streams.wait() == 2
    assert await streams.stdout.read() == b"out"
    assert streams.stderr is not None
    assert await streams.stderr.read() == b"err"
    assert await streams.stdout.read() == b""


async def test_exec_can_echo_its_input() -> None:
    runtime = await opened(FakeClock(), exec=lambda _: ExecResult(echo=True))
    await runtime.start("a" * 64)
    streams = await runtime.exec("a" * 64, ["cat"], stdin=True)
    assert streams.stdin is not None
    await streams.stdin.write(b"hello")
    assert await streams.stdout.read() == b"hello"
    await streams.stdin.write_eof()
    assert await streams.wait() == 0


async def test_removal_forgets_containers_and_tells_of_their_end() -> None:
    runtime = await opened(FakeClock())
    changes: list[ContainerState] = []
    runtime.on_change(changes.append)
    await runtime.start("a" * 64)
    await runtime.remove_sandbox("u1")
    assert (runtime.containers(), dict(runtime.sandboxes())) == ([], {})
    assert changes[-1].exit_code == 137
    with pytest.raises(ContainerMissing):
        runtime.container("a" * 64)
    await runtime.remove("a" * 64)
    with pytest.raises(CreateFailed, match="no sandbox"):
        await runtime.create(make())


async def test_images_are_always_there_unless_said_missing() -> None:
    runtime = FakeRuntime(clock=FakeClock())
    image = await runtime.images.pull("nginx:1")
    assert runtime.images.find("nginx:1") is image
    assert runtime.images.find(image.id) is image
    await runtime.images.remove("nginx:1")
    assert runtime.images.list() == ()
