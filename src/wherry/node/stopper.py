"""Stopping containers: preStop hook, stop signal, grace period, SIGKILL; sidecars last and in reverse order.

Source: the Kubernetes documentation "Pod lifecycle, termination of Pods"; KEP-753 for the order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from wherry.api.types import Object
from wherry.base.failpoints import reach
from wherry.node import hooks
from wherry.node.container_builder import STOP_SIGNAL_LABEL
from wherry.node.pod import spec
from wherry.node.pod.spec import Kind
from wherry.node.runtimes.port import ContainerMissing, ContainerPhase, ContainerState
from wherry.node.tools import Tools

MINIMUM_GRACE_SECONDS = 2.0
"""Even with no grace at all a container is asked before it is killed."""
KILL_AGAIN_SECONDS = 10.0

Tell = Callable[[Kind, str, str, str, str], None]
"""Kind and name of the container; type, reason, message of the event."""


class Exits:
    """Waiting for containers to end."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._waiting: dict[str, asyncio.Event] = {}

    def changed(self, state: ContainerState) -> None:
        if state.phase is ContainerPhase.EXITED and (event := self._waiting.get(state.id)) is not None:
            event.set()

    def ended(self, container_id: str) -> bool:
        try:
            return self._tools.runtime.container(container_id).phase is not ContainerPhase.RUNNING
        except ContainerMissing:
            return True

    async def wait(self, container_id: str, seconds: float) -> bool:
        """True if the container ended within that time."""
        event = self._waiting.setdefault(container_id, asyncio.Event())
        try:
            if self.ended(container_id):
                return True
            async with self._tools.clock.timeout(seconds):
                await event.wait()
            return True
        except TimeoutError:
            return self.ended(container_id)
        finally:
            if not self.ended(container_id):
                event.clear()
            else:
                self._waiting.pop(container_id, None)


class Stopper:
    """Stops containers of one pod. Stopping one twice runs its hook and tells its event only once."""

    def __init__(self, tools: Tools, tell: Tell, address: Callable[[], str]) -> None:
        self.exits = Exits(tools)
        self._tools = tools
        self._tell = tell
        self._address = address
        self._begun: set[str] = set()

    async def stop(
        self, pod: Object, state: ContainerState, *, message: str, grace: float, turn: asyncio.Event | None = None
    ) -> None:
        """Return when the container has ended. `turn` is what it waits for after its hook, within its grace."""
        clock = self._tools.clock
        deadline = clock.monotonic() + grace
        found = spec.find_container(pod, state.name)
        if state.id not in self._begun:
            self._begun.add(state.id)
            self._tell(found[0] if found else Kind.APP, state.name, "Normal", "Killing", message)
            if found is not None and grace > 0:
                await self._pre_stop(pod, found, state, grace)
        if turn is not None:
            await self._wait_turn(turn, deadline)
        left = max(MINIMUM_GRACE_SECONDS, deadline - clock.monotonic())
        await self._signal(state, state.labels.get(STOP_SIGNAL_LABEL) or "SIGTERM")
        reach("node.stop.signalled")
        if await self.exits.wait(state.id, left):
            return
        while True:
            await self._signal(state, "SIGKILL")
            if await self.exits.wait(state.id, KILL_AGAIN_SECONDS):
                return

    async def _signal(self, state: ContainerState, name: str) -> None:
        try:
            await self._tools.runtime.kill(state.id, name)
        except ContainerMissing:
            return

    async def _wait_turn(self, turn: asyncio.Event, deadline: float) -> None:
        left = deadline - self._tools.clock.monotonic()
        if left <= 0:
            return
        try:
            async with self._tools.clock.timeout(left):
                await turn.wait()
        except TimeoutError:
            return

    async def _pre_stop(self, pod: Object, found: tuple[Kind, Object], state: ContainerState, grace: float) -> None:
        kind, container = found
        try:
            await hooks.run(
                "preStop", container, tools=self._tools, container_id=state.id, address=self._address(), timeout=grace
            )
        except hooks.HookFailed as error:
            self._tools.log.warning(
                "preStop hook failed", pod=spec.full_name(pod), container=state.name, error=str(error)
            )
            self._tell(kind, state.name, "Warning", "FailedPreStopHook", "PreStopHook failed")

    async def stop_pod(self, pod: Object, states: list[ContainerState], grace: float) -> None:
        """Stop all of them: app containers at once, then the sidecars from the last to the first."""
        ended = {state.name: asyncio.Event() for state in states}
        order = [container["name"] for container in spec.sidecars(pod)]

        async def one(state: ContainerState) -> None:
            await self.stop(
                pod,
                state,
                message=f"Stopping container {state.name}",
                grace=grace,
                turn=_turn_of(state.name, order, ended),
            )
            ended[state.name].set()

        followers = [asyncio.ensure_future(one(state)) for state in states]
        try:
            await asyncio.gather(*followers)
        finally:
            for follower in followers:
                follower.cancel()


def _turn_of(name: str, order: list[str], ended: dict[str, asyncio.Event]) -> asyncio.Event | None:
    """What a sidecar waits for: everything that is not a sidecar, and the sidecars behind it."""
    if name not in order:
        return None
    later = set(order[order.index(name) + 1 :])
    before = [event for other, event in ended.items() if other != name and (other not in order or other in later)]
    return _AllOf(before) if before else None


class _AllOf(asyncio.Event):
    """Set when all the others are."""

    def __init__(self, events: list[asyncio.Event]) -> None:
        super().__init__()
        self._events = events

    async def wait(self) -> Literal[True]:
        for event in self._events:
            await event.wait()
        return True
