"""Containers under shims: the `Runtime` that `oci` and `process` are made of.

What always holds: a container's directory says all that a new agent must know (see `shelf.py`); operations on one
container happen one after another; an operation once begun is finished even if its caller is cancelled, so that
`containers()` stays true. Everything that blocks runs in this runtime's own threads.
"""

from __future__ import annotations

import asyncio
import marshal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wherry.base.clock import Clock
from wherry.base.failpoints import reach
from wherry.base.log import Logger
from wherry.node.runtimes.port import (
    Container,
    ContainerMissing,
    ContainerPhase,
    ContainerState,
    CreateFailed,
    Images,
    Resources,
    RuntimeFailure,
    Sandbox,
    StartFailed,
    Streams,
    Usage,
)
from wherry.node.runtimes.shim.records import LAUNCH_FILE, Exited
from wherry.node.runtimes.signals import signal_number
from wherry.node.runtimes.supervised import recovery
from wherry.node.runtimes.supervised.attach import AttachedStreams
from wherry.node.runtimes.supervised.backend import Backend
from wherry.node.runtimes.supervised.control import Control, Status, connect
from wherry.node.runtimes.supervised.nursery import Nursery
from wherry.node.runtimes.supervised.sandboxes import Sandboxes
from wherry.node.runtimes.supervised.shelf import Shelf, kill_shim
from wherry.node.runtimes.supervised.ward import Ward, lost
from wherry.node.runtimes.supervised.workshop import Workshop

_KILL_SECONDS = 10.0
_START_SECONDS = 120.0
"""As long as the kubelet waits for a runtime."""


class SupervisedRuntime:
    """A `Runtime` below the directory `root`; `backend` makes the containers."""

    def __init__(
        self, *, root: Path, images: Images, clock: Clock, backend: Backend, log: Logger | None = None
    ) -> None:
        self.name = backend.name
        self.version = ""
        self.images = images
        self._backend = backend
        self._clock = clock
        self._log = log or Logger(f"node.{backend.name}")
        self._shelf = Shelf(root)
        self._nursery = Nursery(root / "shims.log")
        self._workshop = Workshop(f"runtime-{backend.name}")
        self._pods = Sandboxes(self._shelf, backend, self._workshop)
        self._wards: dict[str, Ward] = {}
        self._listeners: list[Callable[[ContainerState], None]] = []
        self._closing = False

    # -- the runtime as a whole

    async def open(self) -> None:
        self._closing = False
        self._workshop.open()
        try:
            await self._workshop.blocking(self._shelf.open)
            await self._workshop.blocking(self._backend.open)
            self.version = self._backend.version
            self._nursery.open()
            await self._recover()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        self._closing = True
        for ward in self._wards.values():
            if ward.control is not None:
                ward.control.close()
            ward.changed.set()  # nothing is heard any more: who waits for a change must not wait on
        await self._workshop.close()
        self._nursery.close()
        self._shelf.close()

    def on_change(self, callback: Callable[[ContainerState], None]) -> None:
        self._listeners.append(callback)

    async def _recover(self) -> None:
        found = await self._workshop.blocking(recovery.survey, self._shelf, self._backend, self._clock.now())
        self._pods.known.update(found.sandboxes)
        for ward, sock in found.wards:
            self._wards[ward.container.id] = ward
            if sock is not None:
                await self._watch(ward, sock)
                if ward.control is not None:
                    ward.control.ask_status()

    # -- sandboxes

    async def create_sandbox(self, sandbox: Sandbox) -> None:
        await self._workshop.finish(self._pods.create(sandbox))

    async def remove_sandbox(self, pod_uid: str) -> None:
        await self._workshop.finish(self._pods.remove(pod_uid, first=self._remove_members))

    async def _remove_members(self, pod_uid: str) -> None:
        members = [ward for ward in self._wards.values() if ward.state.pod_uid == pod_uid]
        await asyncio.gather(*(self._remove(ward.container.id) for ward in members))

    def sandboxes(self) -> Mapping[str, Sandbox]:
        return self._pods.known

    # -- a container's life

    async def create(self, container: Container) -> None:
        await self._workshop.finish(self._create(container))

    async def _create(self, container: Container) -> None:
        if (ward := self._wards.get(container.id)) is not None:
            async with ward.turn:
                return
        if container.sandbox.pod_uid not in self._pods.known:
            raise CreateFailed(f"pod {container.sandbox.pod_name} has no sandbox")
        ward = Ward.of(container, self._shelf.container_directory(container.id), self._clock.now())
        self._wards[container.id] = ward
        async with ward.turn:
            try:
                await self._workshop.blocking(self._prepare, ward)
            except BaseException:
                del self._wards[container.id]
                raise

    def _prepare(self, ward: Ward) -> None:
        try:
            ward.directory.mkdir(mode=0o711)
            self._backend.prepare(ward.container, ward.directory)
            self._shelf.keep_container(ward.container, ward.state.created_at)
        except BaseException as error:
            self._backend.discard(ward.container.id, ward.directory)
            self._shelf.remove(ward.directory)
            if isinstance(error, OSError):
                raise CreateFailed(f"cannot make container {ward.container.name}: {error}") from error
            raise

    async def start(self, container_id: str) -> None:
        await self._workshop.finish(self._start(self._ward(container_id)))

    async def _start(self, ward: Ward) -> None:
        async with ward.turn:
            if ward.state.phase == ContainerPhase.RUNNING:
                return
            if ward.state.phase == ContainerPhase.EXITED:
                raise StartFailed(f"container {ward.container.id} has already ended")
            try:
                await self._workshop.blocking(self._write_launch, ward)
                reach("node.start.described")
                ward.changed.clear()
                await self._watch(ward, await self._nursery.spawn(ward.directory))
            except (OSError, RuntimeFailure) as error:
                await self._fail_start(ward, str(error))
                raise StartFailed(str(error)) from error
            await self._await_start(ward)
            if self._closing:
                raise StartFailed("the agent ends while the container starts; the next one finds it")
            if ward.state.reason == "StartError" or not ward.state.started_at:
                raise StartFailed(ward.state.message)

    async def _await_start(self, ward: Ward) -> None:
        """Until the shim tells; one that hangs, with the OCI runtime that it waits for, is killed."""
        try:
            async with self._clock.timeout(_START_SECONDS):
                await ward.changed.wait()
        except TimeoutError:
            self._log.error("container does not start, giving it up", container=ward.container.id)
            await self._workshop.blocking(kill_shim, ward.directory)
            await ward.changed.wait()

    def _write_launch(self, ward: Ward) -> None:
        launch = self._backend.launch(ward.container, ward.directory)
        launch.update(
            tty=ward.container.tty,
            stdin=ward.container.stdin,
            stdin_once=ward.container.stdin_once,
            log_path=ward.container.log_path,
        )
        (ward.directory / LAUNCH_FILE).write_bytes(marshal.dumps(launch))

    async def _fail_start(self, ward: Ward, message: str) -> None:
        status = Exited(128, 0, 0, int(self._clock.now() * 1e9), False, "StartError", message)
        await self._workshop.blocking(self._shelf.write_status, ward.directory, status)
        self._on_status(ward, status)

    async def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        number = signal_number(signal)
        ward = self._ward(container_id)
        if ward.control is not None and ward.state.phase == ContainerPhase.RUNNING:
            await ward.control.command(f"kill {number}")

    async def remove(self, container_id: str) -> None:
        await self._workshop.finish(self._remove(container_id))

    async def _remove(self, container_id: str) -> None:
        ward = self._wards.get(container_id)
        if ward is None:
            return
        async with ward.turn:
            if container_id not in self._wards:
                return
            await self._stop(ward)
            if ward.control is not None:
                ward.control.close()
            await self._workshop.blocking(self._clear, ward)
            del self._wards[container_id]

    async def _stop(self, ward: Ward) -> None:
        """Kill what runs, and wait for its end; when the shim cannot, `ended` of the backend will."""
        if ward.state.phase != ContainerPhase.RUNNING:
            return
        try:
            async with self._clock.timeout(_KILL_SECONDS):
                while ward.state.phase == ContainerPhase.RUNNING:
                    ward.changed.clear()
                    if ward.control is None or not await ward.control.command("kill 9"):
                        await self._abandon(ward)
                    elif ward.state.phase == ContainerPhase.RUNNING:
                        await ward.changed.wait()
        except TimeoutError:
            self._log.warning("container does not end, removing it all the same", container=ward.container.id)

    def _clear(self, ward: Ward) -> None:
        self._backend.ended(ward.container.id, ward.directory)
        self._backend.discard(ward.container.id, ward.directory)
        self._shelf.remove(ward.directory)

    # -- what shims say

    async def _watch(self, ward: Ward, sock: Any) -> None:
        ward.control = await Control.over(
            sock, lambda status: self._on_status(ward, status), lambda: self._on_lost(ward)
        )
        if self._closing:
            ward.control.close()
            ward.changed.set()

    def _on_status(self, ward: Ward, status: Status) -> None:
        if isinstance(status, Exited):
            if status.reason == "StartError" and not status.message:
                status.message = self._backend.start_failure(ward.directory)
            self._workshop.spawn(self._workshop.blocking(self._backend.ended, ward.container.id, ward.directory))
        if ward.apply(status):
            for listener in tuple(self._listeners):
                listener(ward.state)

    def _on_lost(self, ward: Ward) -> None:
        """The control connection is gone. A shim ends only after it said how its container ended, so it was killed."""
        ward.control = None
        if ward.state.phase != ContainerPhase.EXITED:
            self._workshop.spawn(self._abandon(ward))

    async def _abandon(self, ward: Ward) -> None:
        status = self._shelf.read_status(ward.directory)
        if not isinstance(status, Exited):
            status = lost(ward.state, self._clock.now())
            await self._workshop.blocking(self._backend.ended, ward.container.id, ward.directory)
            if ward.directory.exists():
                await self._workshop.blocking(self._shelf.write_status, ward.directory, status)
        self._on_status(ward, status)

    # -- looking at containers and into them

    def containers(self) -> Sequence[ContainerState]:
        return [ward.state for ward in self._wards.values()]

    def container(self, container_id: str) -> ContainerState:
        return self._ward(container_id).state

    async def update(self, container_id: str, resources: Resources) -> None:
        ward = self._running(container_id)
        await self._workshop.blocking(self._backend.update, ward.container, ward.directory, resources)

    async def exec(
        self, container_id: str, arguments: Sequence[str], *, tty: bool = False, stdin: bool = False
    ) -> Streams:
        ward = self._running(container_id)
        return await self._backend.exec(ward.container, ward.directory, ward.state.pid, arguments, tty=tty, stdin=stdin)

    async def attach(self, container_id: str, *, stdin: bool = False) -> Streams:
        ward = self._running(container_id)
        try:
            sock = connect(ward.directory)
        except OSError as error:
            raise ContainerMissing(f"container {container_id} is not running") from error
        return await AttachedStreams.over(sock, tty=ward.container.tty, stdin=stdin and ward.container.stdin)

    async def reopen_log(self, container_id: str) -> None:
        ward = self._ward(container_id)
        if ward.control is not None:
            await ward.control.command("reopen")

    async def usage(self, container_id: str) -> Usage | None:
        ward = self._ward(container_id)
        if ward.state.phase != ContainerPhase.RUNNING:
            return None
        return await self._workshop.blocking(self._backend.usage, ward.container, ward.directory, ward.state.pid)

    # -- how things are run

    def _ward(self, container_id: str) -> Ward:
        try:
            return self._wards[container_id]
        except KeyError:
            raise ContainerMissing(f"no container {container_id}") from None

    def _running(self, container_id: str) -> Ward:
        ward = self._ward(container_id)
        if ward.state.phase != ContainerPhase.RUNNING:
            raise ContainerMissing(f"container {container_id} is not running")
        return ward
