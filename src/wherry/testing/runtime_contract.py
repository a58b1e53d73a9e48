"""What every container runtime must do: the contract suite of `wherry.node.runtimes.port`.

A driver's test makes a `Subject` and calls `check_runtime`, or runs `CHECKS` one by one. The image needs a POSIX shell and
`sleep` and `cat` on its PATH. The fake runtime passes with `pretend`, which plays the few commands used here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wherry.node.runtimes.fake.behaviour import Behaviour, ExecResult
from wherry.node.runtimes.port import (
    Container,
    ContainerMissing,
    ContainerPhase,
    ContainerState,
    CreateFailed,
    Runtime,
    Sandbox,
    StartFailed,
    Streams,
)

SPEAK = ("sh", "-c", "echo out; echo err >&2; exit 3")
SLEEP = ("sleep", "1000")
POLITE = ("sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done")
STUBBORN = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
SHORT = ("sh", "-c", "sleep 0.2; exit 5")
MISSING = ("no-such-command",)
_PATIENCE_SECONDS = 20.0
_STEP_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A runtime under test. Each call of `make` gives a new agent over the same containers."""

    make: Callable[[], Runtime]
    reference: str
    logs: Path
    passes: Callable[[float], Awaitable[None]]
    """Let that many seconds pass: sleep, or move the fake clock."""


@dataclass(slots=True)
class Bench:
    """One check's workplace: an open runtime with a sandbox, and what it told."""

    subject: Subject
    runtime: Runtime
    sandbox: Sandbox
    changes: list[ContainerState] = field(default_factory=list)

    async def make(self, name: str, arguments: Sequence[str], **fields: Any) -> str:
        """Create a container; gives its id."""
        container_id = hashlib.sha256(f"{self.sandbox.pod_uid}/{name}".encode()).hexdigest()
        container = Container(
            id=container_id,
            sandbox=self.sandbox,
            name=name,
            attempt=0,
            image=await self.runtime.images.pull(self.subject.reference),
            arguments=tuple(arguments),
            environment=(("GREETING", "hello"), ("PATH", "/usr/local/bin:/usr/bin:/bin")),
            log_path=str(self.subject.logs / f"{container_id[:12]}.log"),
            labels={"app": "contract"},
        )
        await self.runtime.create(replace(container, **fields))
        return container_id

    async def run(self, name: str, arguments: Sequence[str], **fields: Any) -> str:
        container_id = await self.make(name, arguments, **fields)
        await self.runtime.start(container_id)
        return container_id

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        waited = 0.0
        while not condition():
            assert waited < _PATIENCE_SECONDS, f"never came: {what}"
            await self.subject.passes(_STEP_SECONDS)
            waited += _STEP_SECONDS

    async def until_phase(self, container_id: str, phase: ContainerPhase) -> ContainerState:
        await self.until(lambda: self.runtime.container(container_id).phase == phase, f"phase {phase}")
        return self.runtime.container(container_id)

    async def until_ready(self, container_id: str) -> None:
        """Until it has said `ready`, so that its signal handlers are in place."""
        log = Path(self.runtime.container(container_id).log_path)
        await self.until(lambda: log.exists() and "ready" in log.read_text(), "ready in the log")

    async def restart_agent(self) -> None:
        await self.runtime.close()
        self.runtime = self.subject.make()
        self.runtime.on_change(self.changes.append)
        await self.runtime.open()


Check = Callable[[Bench], Awaitable[None]]


async def a_container_lives_and_its_end_is_told(bench: Bench) -> None:
    container_id = await bench.make("life", SPEAK)
    created = bench.runtime.container(container_id)
    assert created.phase == ContainerPhase.CREATED
    assert (created.name, created.attempt, dict(created.labels)) == ("life", 0, {"app": "contract"})
    assert created.created_at > 0
    assert created.started_at == 0
    await bench.runtime.start(container_id)
    ended = await bench.until_phase(container_id, ContainerPhase.EXITED)
    assert (ended.exit_code, ended.signal, ended.reason, ended.oom_killed) == (3, 0, "Error", False)
    assert created.created_at <= ended.started_at + 0.05 <= ended.finished_at + 0.1
    assert [change.phase for change in bench.changes] == [ContainerPhase.RUNNING, ContainerPhase.EXITED]
    assert bench.changes[0].pid > 0
    records = read_log(ended.log_path)
    assert sorted(record[1:] for record in records) == [["stderr", "F", "err"], ["stdout", "F", "out"]]
    assert all(len(record[0]) >= 20 and record[0].endswith("Z") for record in records)


async def a_missing_command_fails_to_start(bench: Bench) -> None:
    container_id = await bench.make("missing", MISSING)
    try:
        await bench.runtime.start(container_id)
    except StartFailed as error:
        assert 'exec: "no-such-command": executable file not found in $PATH' in str(error)
    else:
        raise AssertionError("it started")
    state = bench.runtime.container(container_id)
    assert (state.phase, state.exit_code, state.reason) == (ContainerPhase.EXITED, 128, "StartError")
    assert "executable file not found" in state.message


async def signals_reach_the_process(bench: Bench) -> None:
    polite = await bench.run("polite", POLITE)
    stubborn = await bench.run("stubborn", STUBBORN)
    for container_id in (polite, stubborn):
        await bench.until_ready(container_id)
        await bench.runtime.kill(container_id, "SIGTERM")
    await bench.until_phase(polite, ContainerPhase.EXITED)
    assert bench.runtime.container(stubborn).phase == ContainerPhase.RUNNING
    await bench.runtime.kill(stubborn)
    ended = await bench.until_phase(stubborn, ContainerPhase.EXITED)
    assert (ended.exit_code, ended.signal) == (137, 9)
    await bench.runtime.kill(stubborn)


async def calls_may_be_repeated(bench: Bench) -> None:
    await bench.runtime.create_sandbox(bench.sandbox)
    container_id = await bench.run("again", SLEEP)
    assert await bench.make("again", SLEEP) == container_id
    await bench.runtime.start(container_id)
    assert len(bench.runtime.containers()) == 1
    await bench.runtime.remove(container_id)
    await bench.runtime.remove(container_id)
    assert not bench.runtime.containers()
    assert bench.changes[-1].exit_code == 137
    again = await bench.run("again", SLEEP)
    assert bench.runtime.container(again).phase == ContainerPhase.RUNNING


async def what_is_not_there_is_said(bench: Bench) -> None:
    for call in (
        bench.runtime.start("0" * 64),
        bench.runtime.kill("0" * 64),
        bench.runtime.exec("0" * 64, SLEEP),
        bench.runtime.attach("0" * 64),
    ):
        try:
            await call
        except ContainerMissing:
            continue
        raise AssertionError("ContainerMissing was expected")
    container_id = await bench.make("idle", SLEEP)
    try:
        await bench.runtime.exec(container_id, SLEEP)
    except ContainerMissing:
        pass
    else:
        raise AssertionError("exec into a container that does not run")
    assert await bench.runtime.usage(container_id) is None
    stranger = replace(bench.sandbox, pod_uid="nobody")
    try:
        await bench.make("lost", SLEEP, sandbox=stranger, id="1" * 64)
    except CreateFailed:
        pass
    else:
        raise AssertionError("a container without a sandbox")


async def commands_run_inside(bench: Bench) -> None:
    container_id = await bench.run("host", SLEEP)
    streams = await bench.runtime.exec(container_id, ("sh", "-c", "echo out; echo err >&2; exit 3"))
    assert await read_all(streams) == (b"out\n", b"err\n")
    assert await streams.wait() == 3
    await streams.close()
    streams = await bench.runtime.exec(container_id, ("cat",), stdin=True)
    assert streams.stdin is not None
    await streams.stdin.write(b"through")
    await streams.stdin.write_eof()
    assert (await read_all(streams))[0] == b"through"
    assert await streams.wait() == 0
    await streams.close()
    try:
        await bench.runtime.exec(container_id, MISSING)
    except StartFailed as error:
        assert "executable file not found in $PATH" in str(error)
    else:
        raise AssertionError("it started")


async def a_new_agent_goes_on(bench: Bench) -> None:
    runs = await bench.run("runs", SLEEP)
    ends = await bench.run("ends", SHORT)
    waits = await bench.make("waits", SLEEP)
    before = bench.runtime.container(runs)
    await bench.runtime.close()
    await bench.subject.passes(1.0)
    await bench.restart_agent()
    assert bench.runtime.container(runs) == before
    assert bench.runtime.container(waits).phase == ContainerPhase.CREATED
    ended = bench.runtime.container(ends)
    assert (ended.phase, ended.exit_code) == (ContainerPhase.EXITED, 5)
    assert dict(bench.runtime.sandboxes()) == {bench.sandbox.pod_uid: bench.sandbox}
    await bench.runtime.start(waits)
    await bench.runtime.kill(runs)
    await bench.until_phase(runs, ContainerPhase.EXITED)
    assert any(change.id == runs and change.phase == ContainerPhase.EXITED for change in bench.changes)


async def streams_can_be_joined(bench: Bench) -> None:
    container_id = await bench.run("joined", SHORT)
    streams = await bench.runtime.attach(container_id)
    assert streams.stdin is None
    await bench.until_phase(container_id, ContainerPhase.EXITED)
    assert await read_all(streams) == (b"", b"")
    assert await streams.wait() == 5
    await streams.close()


async def usage_can_be_told(bench: Bench) -> None:
    container_id = await bench.run("used", POLITE)
    await bench.until_ready(container_id)
    usage = await bench.runtime.usage(container_id)
    assert usage is not None
    assert usage.memory_bytes > 0
    assert usage.cpu_seconds >= 0
    assert usage.processes >= 1


async def a_sandbox_goes_with_all_its_containers(bench: Bench) -> None:
    await bench.run("one", SLEEP)
    await bench.make("two", SLEEP)
    await bench.runtime.remove_sandbox(bench.sandbox.pod_uid)
    assert not bench.runtime.containers()
    assert not bench.runtime.sandboxes()
    await bench.runtime.remove_sandbox(bench.sandbox.pod_uid)


CHECKS: tuple[Check, ...] = (
    a_container_lives_and_its_end_is_told,
    a_missing_command_fails_to_start,
    signals_reach_the_process,
    calls_may_be_repeated,
    what_is_not_there_is_said,
    commands_run_inside,
    a_new_agent_goes_on,
    streams_can_be_joined,
    usage_can_be_told,
    a_sandbox_goes_with_all_its_containers,
)


async def check_runtime(subject: Subject) -> None:
    """Run every check. Raises `AssertionError`; leaves no container behind either way."""
    for check in CHECKS:
        await run_check(subject, check)


async def run_check(subject: Subject, check: Check) -> None:
    """One check in a sandbox of its own, which is removed afterwards."""
    name = getattr(check, "__name__", "check").replace("_", "-")
    sandbox = Sandbox(pod_uid=f"contract-{name}", pod_name=name, pod_namespace="default", hostname="contract")
    bench = Bench(subject, subject.make(), sandbox)
    bench.runtime.on_change(bench.changes.append)
    await bench.runtime.open()
    try:
        await bench.runtime.create_sandbox(sandbox)
        await check(bench)
    finally:
        await bench.runtime.remove_sandbox(sandbox.pod_uid)
        await bench.runtime.close()


def read_log(path: str) -> list[list[str]]:
    """The records of a log in CRI format: time, stream, tag, text."""
    return [line.split(" ", 3) for line in Path(path).read_text().splitlines()]


async def read_all(streams: Streams) -> tuple[bytes, bytes]:
    """Standard output and standard error to their ends."""
    collected = []
    for stream in (streams.stdout, streams.stderr):
        pieces = b""
        while stream is not None and (chunk := await stream.read()):
            pieces += chunk
        collected.append(pieces)
    return collected[0], collected[1]


def pretend(container: Container) -> Behaviour:
    """How the fake runtime plays the commands of this suite."""
    return {
        SPEAK: Behaviour(
            exec=_pretend_exec, exit_after_seconds=0.01, exit_code=3, output=(("stdout", "out"), ("stderr", "err"))
        ),
        POLITE: Behaviour(exec=_pretend_exec, output=(("stdout", "ready"),)),
        STUBBORN: Behaviour(exec=_pretend_exec, output=(("stdout", "ready"),), ignores=frozenset({"SIGTERM"})),
        SHORT: Behaviour(exec=_pretend_exec, exit_after_seconds=0.2, exit_code=5),
        MISSING: Behaviour(start_error='exec: "no-such-command": executable file not found in $PATH'),
    }.get(container.arguments, Behaviour(exec=_pretend_exec))


def _pretend_exec(arguments: Sequence[str]) -> ExecResult:
    if tuple(arguments) == SPEAK:
        return ExecResult(exit_code=3, stdout=b"out\n", stderr=b"err\n")
    if tuple(arguments) == MISSING:
        return ExecResult(start_error='exec: "no-such-command": executable file not found in $PATH')
    return ExecResult(echo=tuple(arguments) == ("cat",))
