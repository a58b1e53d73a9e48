"""Starting one container: image, configuration, create, start, postStart hook."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path

from wherry.api.types import Object
from wherry.base.failpoints import reach
from wherry.node import hooks
from wherry.node.container_builder import ConfigProblem, PodParts, build
from wherry.node.image_pulls import StartProblem
from wherry.node.pod import restart, spec
from wherry.node.pod.observed import Failure, Waiting
from wherry.node.pod.restart import BackoffEntry
from wherry.node.pod.spec import Kind
from wherry.node.runtimes.port import (
    Container,
    ContainerPhase,
    ContainerState,
    CreateFailed,
    Image,
    RuntimeFailure,
    StartFailed,
)
from wherry.node.stopper import Exits, Tell
from wherry.node.tools import Tools

TRY_AGAIN_SECONDS = 10.0
KEPT_ENDED = 1
"""Ended attempts of a container that are kept, besides the newest."""


class Starter:
    """Starts containers of one pod, one at a time."""

    def __init__(self, tools: Tools, tell: Tell, address: Callable[[], str], exits: Exits) -> None:
        self._tools = tools
        self._tell = tell
        self._address = address
        self._exits = exits

    async def start(
        self,
        pod: Object,
        kind: Kind,
        container: Object,
        states: Sequence[ContainerState],
        parts: PodParts,
        backoffs: MutableMapping[str, BackoffEntry],
    ) -> None:
        """The container runs when this returns. `states` are its earlier attempts, newest first; the wait after its
        next end goes into `backoffs`. Raises `StartProblem`.
        """
        name = container["name"]

        def tell(type_: str, reason: str, message: str) -> None:
            self._tell(kind, name, type_, reason, message)

        image = await self._tools.images.ensure(pod, container, tell)
        latest = states[0] if states else None
        attempt = await self._next_attempt(pod, name, latest, parts.paths.logs / name)
        made = self._build(pod, kind, container, attempt, image, parts, tell)
        if latest is not None and latest.phase is ContainerPhase.EXITED:
            backoffs[name] = restart.next_entry(backoffs.get(name), latest.finished_at, self._tools.clock.now())
        await self._create_and_start(made, tell)
        await self._forget_old(states)
        await self._post_start(pod, container, made, tell)

    async def _next_attempt(self, pod: Object, name: str, latest: ContainerState | None, logs: Path) -> int:
        """The number of this attempt. One that was made but never started (an agent died) is made again."""
        if latest is None:
            return _attempt_after_loss(pod, name, logs)
        if latest.phase is ContainerPhase.CREATED:
            await self._tools.runtime.remove(latest.id)
            return latest.attempt
        return latest.attempt + 1

    def _build(
        self,
        pod: Object,
        kind: Kind,
        container: Object,
        attempt: int,
        image: Image,
        parts: PodParts,
        tell: Callable[[str, str, str], None],
    ) -> Container:
        try:
            return build(self._tools, pod, kind, container, attempt, image, parts)
        except ConfigProblem as error:
            tell("Warning", "Failed", f"Error: {error}")
            raise self._problem("CreateContainerConfigError", str(error)) from error

    async def _create_and_start(self, container: Container, tell: Callable[[str, str, str], None]) -> None:
        runtime = self._tools.runtime
        try:
            await runtime.create(container)
        except (CreateFailed, RuntimeFailure, OSError) as error:
            tell("Warning", "Failed", f"Error: {error}")
            raise self._problem("CreateContainerError", str(error)) from error
        reach("node.start.created")
        tell("Normal", "Created", "Container created")
        try:
            await runtime.start(container.id)
        except (StartFailed, RuntimeFailure, OSError) as error:
            tell("Warning", "Failed", f"Error: {error}")
            raise self._problem("RunContainerError", str(error), seconds=1.0) from error
        reach("node.start.started")
        tell("Normal", "Started", "Container started")

    async def _forget_old(self, states: Sequence[ContainerState]) -> None:
        """Ended attempts but the last, and their logs."""
        for state in states[KEPT_ENDED:]:
            await self._tools.runtime.remove(state.id)
            if state.log_path:
                _unlink_logs(state.log_path)

    async def _post_start(
        self, pod: Object, container: Object, made: Container, tell: Callable[[str, str, str], None]
    ) -> None:
        try:
            await hooks.run("postStart", container, tools=self._tools, container_id=made.id, address=self._address())
        except hooks.HookFailed as error:
            tell("Warning", "FailedPostStartHook", "PostStartHook failed")
            tell("Normal", "Killing", "FailedPostStartHook")
            await self._tools.runtime.kill(made.id, made.stop_signal)
            if not await self._exits.wait(made.id, float(spec.grace_seconds(pod))):
                await self._tools.runtime.kill(made.id)
            raise self._problem("PostStartHookError", str(error), seconds=1.0) from error

    def _problem(self, reason: str, message: str, *, seconds: float = TRY_AGAIN_SECONDS) -> StartProblem:
        retry_at = self._tools.clock.now() + seconds
        return StartProblem(Failure(waiting=Waiting(reason, message), retry_at=retry_at))


def _attempt_after_loss(pod: Object, name: str, logs: Path) -> int:
    """The runtime knows no attempt: zero, or one more than the API or the logs remember.

    The logs know better: the API may have been told of the loss already, and then counts it. Source: the kubelet's
    `calcRestartCountByLogDir`.
    """
    attempts = [-1]
    if logs.is_dir():
        attempts += [int(number) for path in logs.iterdir() if (number := path.name.partition(".")[0]).isdecimal()]
    for field_name in ("containerStatuses", "initContainerStatuses"):
        for status in (pod.get("status") or {}).get(field_name) or ():
            if status["name"] == name and status.get("containerID"):
                attempts.append(int(status.get("restartCount") or 0))
    return max(attempts) + 1


def _unlink_logs(log_path: str) -> None:
    path = Path(log_path)
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink(missing_ok=True)
