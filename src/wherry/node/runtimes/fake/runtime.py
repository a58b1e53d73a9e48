"""The fake runtime itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from wherry import __version__
from wherry.base.clock import Clock
from wherry.node.runtimes.fake.behaviour import Behave, forever
from wherry.node.runtimes.fake.images import FakeImages
from wherry.node.runtimes.fake.machine import FakeContainer, FakeMachine
from wherry.node.runtimes.fake.streams import FakeStreams, play
from wherry.node.runtimes.port import (
    Container,
    ContainerMissing,
    ContainerPhase,
    ContainerState,
    CreateFailed,
    Resources,
    Sandbox,
    StartFailed,
    Usage,
)


class FakeRuntime:
    """A `Runtime` whose containers only pretend.

    `behave` chooses what each container does (default: run until stopped). `machine` keeps the containers; hand the
    same one to a new runtime to play the restart of an agent. Change `behave` at any time: it is asked at `create`.
    """

    name = "fake"
    version = __version__

    def __init__(
        self,
        *,
        clock: Clock,
        behave: Behave = forever,
        images: FakeImages | None = None,
        machine: FakeMachine | None = None,
    ) -> None:
        self.behave = behave
        self.images = images or FakeImages()
        self.machine = machine or FakeMachine(clock)
        self._clock = clock
        self._execs: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[ContainerState], None]] = []

    async def open(self) -> None:
        self.machine.listeners.append(self._tell)

    async def close(self) -> None:
        if self._tell in self.machine.listeners:
            self.machine.listeners.remove(self._tell)

    def on_change(self, callback: Callable[[ContainerState], None]) -> None:
        self._listeners.append(callback)

    def _tell(self, state: ContainerState) -> None:
        for listener in tuple(self._listeners):
            listener(state)

    async def create_sandbox(self, sandbox: Sandbox) -> None:
        self.machine.sandboxes[sandbox.pod_uid] = sandbox

    async def remove_sandbox(self, pod_uid: str) -> None:
        for container in tuple(self.machine.containers.values()):
            if container.spec.sandbox.pod_uid == pod_uid:
                self.machine.remove(container.spec.id)
        self.machine.sandboxes.pop(pod_uid, None)

    def sandboxes(self) -> Mapping[str, Sandbox]:
        return self.machine.sandboxes

    async def create(self, container: Container) -> None:
        if container.id in self.machine.containers:
            return
        if container.sandbox.pod_uid not in self.machine.sandboxes:
            raise CreateFailed(f"pod {container.sandbox.pod_uid} has no sandbox")
        behaviour = self.behave(container)
        if behaviour.create_error:
            raise CreateFailed(behaviour.create_error)
        self.machine.add(container, behaviour)

    async def start(self, container_id: str) -> None:
        container = self._get(container_id)
        if container.state.phase == ContainerPhase.RUNNING:
            return
        if container.state.phase == ContainerPhase.EXITED:
            raise StartFailed(f"container {container_id} has already ended")
        if container.behaviour.start_seconds:
            await self._clock.sleep(container.behaviour.start_seconds)
        if container.behaviour.start_error:
            self.machine.fail_start(container, container.behaviour.start_error)
            raise StartFailed(container.behaviour.start_error)
        self.machine.run(container)

    async def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        self.machine.signal(self._get(container_id), signal)

    async def remove(self, container_id: str) -> None:
        self.machine.remove(container_id)

    def containers(self) -> Sequence[ContainerState]:
        return [container.state for container in self.machine.containers.values()]

    def container(self, container_id: str) -> ContainerState:
        return self._get(container_id).state

    async def update(self, container_id: str, resources: Resources) -> None:
        self._running(container_id)

    async def exec(
        self, container_id: str, arguments: Sequence[str], *, tty: bool = False, stdin: bool = False
    ) -> FakeStreams:
        container = self._running(container_id)
        result = container.behaviour.exec(arguments)
        if result.start_error:
            raise StartFailed(result.start_error)
        streams = FakeStreams(tty=tty, stdin=stdin)
        task = asyncio.ensure_future(play(streams, result))
        streams.on_close = task.cancel
        self._execs.add(task)
        task.add_done_callback(self._execs.discard)
        return streams

    async def attach(self, container_id: str, *, stdin: bool = False) -> FakeStreams:
        container = self._running(container_id)
        streams = FakeStreams(tty=container.spec.tty, stdin=stdin and container.spec.stdin)
        container.attached.append(streams)
        return streams

    async def reopen_log(self, container_id: str) -> None:
        self._get(container_id)

    async def usage(self, container_id: str) -> Usage | None:
        container = self._get(container_id)
        if container.state.phase != ContainerPhase.RUNNING:
            return None
        seconds = self._clock.now() - container.state.started_at
        return Usage(
            cpu_seconds=seconds * container.behaviour.cpu_cores,
            memory_bytes=container.behaviour.memory_bytes,
            processes=1,
        )

    def _get(self, container_id: str) -> FakeContainer:
        try:
            return self.machine.containers[container_id]
        except KeyError:
            raise ContainerMissing(f"no container {container_id}") from None

    def _running(self, container_id: str) -> FakeContainer:
        container = self._get(container_id)
        if container.state.phase != ContainerPhase.RUNNING:
            raise ContainerMissing(f"container {container_id} is not running")
        return container
