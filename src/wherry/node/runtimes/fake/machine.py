"""The pretended machine: what outlives a fake runtime, as real containers outlive the node agent.

Give one machine to two runtimes after one another to test the restart of an agent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from wherry.base.clock import Clock
from wherry.base.times import rfc3339_micro
from wherry.node.runtimes.fake.behaviour import Behaviour
from wherry.node.runtimes.fake.streams import FakeStreams
from wherry.node.runtimes.port import Container, ContainerPhase, ContainerState, Sandbox
from wherry.node.runtimes.signals import end_reason, signal_number


@dataclass(slots=True, eq=False)
class FakeContainer:
    """One container: what was asked for, how it behaves, and where it is now."""

    spec: Container
    behaviour: Behaviour
    state: ContainerState
    timer: asyncio.Task[None] | None = None
    attached: list[FakeStreams] = field(default_factory=list)


class FakeMachine:
    """Sandboxes and containers that exist, and the timers that end them. Needs a running event loop."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sandboxes: dict[str, Sandbox] = {}
        self.containers: dict[str, FakeContainer] = {}
        self.listeners: list[Callable[[ContainerState], None]] = []
        self._pids = 1000

    def add(self, spec: Container, behaviour: Behaviour) -> None:
        state = ContainerState(
            id=spec.id,
            pod_uid=spec.sandbox.pod_uid,
            name=spec.name,
            attempt=spec.attempt,
            phase=ContainerPhase.CREATED,
            image_id=spec.image.id,
            image_name=spec.image.names[0] if spec.image.names else "",
            labels=dict(spec.labels),
            created_at=self.clock.now(),
            log_path=spec.log_path,
        )
        self.containers[spec.id] = FakeContainer(spec, behaviour, state)

    def run(self, container: FakeContainer) -> None:
        self._pids += 1
        container.state = replace(
            container.state, phase=ContainerPhase.RUNNING, pid=self._pids, started_at=self.clock.now()
        )
        self._write_log(container)
        if container.behaviour.exit_after_seconds is not None:
            container.timer = asyncio.ensure_future(self._end_later(container))
        self._tell(container.state)

    async def _end_later(self, container: FakeContainer) -> None:
        behaviour = container.behaviour
        await self.clock.sleep(behaviour.exit_after_seconds or 0.0)
        container.timer = None
        if behaviour.oom_killed:
            self.end(container, 137, signal=9, oom_killed=True)
        else:
            self.end(container, behaviour.exit_code)

    def fail_start(self, container: FakeContainer, message: str) -> None:
        self.end(container, 128, reason="StartError", message=message)

    def signal(self, container: FakeContainer, name: str) -> None:
        number = signal_number(name)
        if container.state.phase != ContainerPhase.RUNNING:
            return
        if number != 9 and any(signal_number(ignored) == number for ignored in container.behaviour.ignores):
            return
        self.end(container, 128 + number, signal=number)

    def end(
        self,
        container: FakeContainer,
        code: int,
        *,
        signal: int = 0,
        oom_killed: bool = False,
        reason: str = "",
        message: str = "",
    ) -> None:
        if container.timer is not None:
            container.timer.cancel()
            container.timer = None
        container.state = replace(
            container.state,
            phase=ContainerPhase.EXITED,
            pid=0,
            finished_at=self.clock.now(),
            exit_code=code,
            signal=signal,
            oom_killed=oom_killed,
            reason=reason or end_reason(code, oom_killed=oom_killed),
            message=message,
        )
        for streams in container.attached:
            streams.end(code)
        container.attached.clear()
        self._tell(container.state)

    def remove(self, container_id: str) -> None:
        container = self.containers.pop(container_id, None)
        if container is not None and container.state.phase == ContainerPhase.RUNNING:
            self.end(container, 137, signal=9)

    def _write_log(self, container: FakeContainer) -> None:
        """Only containers that say something get a log file: thousands of silent ones must not touch the disk."""
        if not container.behaviour.output:
            return
        moment = rfc3339_micro(self.clock.now()).removesuffix("Z") + "000Z"
        lines = (f"{moment} {stream} F {text}\n" for stream, text in container.behaviour.output)
        with Path(container.spec.log_path).open("a") as log:
            log.writelines(lines)

    def _tell(self, state: ContainerState) -> None:
        for listener in tuple(self.listeners):
            listener(state)
