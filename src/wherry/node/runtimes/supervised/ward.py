"""One container as the agent knows it, and what follows from what its shim says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from wherry.node.runtimes.port import Container, ContainerPhase, ContainerState
from wherry.node.runtimes.shim.records import Exited, Running
from wherry.node.runtimes.supervised.control import Control

SHIM_LOST = "the container's shim was killed, and the container with it"


@dataclass(slots=True, eq=False)
class Ward:
    """A container in somebody's care. `turn` lets one operation after another touch it."""

    container: Container
    directory: Path
    state: ContainerState
    control: Control | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, container: Container, directory: Path, created_at: float) -> Ward:
        return cls(
            container,
            directory,
            ContainerState(
                id=container.id,
                pod_uid=container.sandbox.pod_uid,
                name=container.name,
                attempt=container.attempt,
                phase=ContainerPhase.CREATED,
                image_id=container.image.id,
                image_name=container.image.names[0] if container.image.names else "",
                labels=container.labels,
                created_at=created_at,
                log_path=container.log_path,
            ),
        )

    def apply(self, status: Running | Exited) -> bool:
        """Take a status over; False when it brings nothing new."""
        state = state_after(self.state, status)
        if state == self.state:
            return False
        self.state = state
        self.changed.set()
        return True


def state_after(state: ContainerState, status: Running | Exited) -> ContainerState:
    """Pure. An end is final: nothing that comes later changes it."""
    if state.phase == ContainerPhase.EXITED:
        return state
    if isinstance(status, Running):
        return replace(state, phase=ContainerPhase.RUNNING, pid=status.pid, started_at=status.started_ns / 1e9)
    return replace(
        state,
        phase=ContainerPhase.EXITED,
        pid=0,
        started_at=status.started_ns / 1e9,
        finished_at=status.finished_ns / 1e9,
        exit_code=status.code,
        signal=status.signal,
        oom_killed=status.oom_killed,
        reason=status.reason,
        message=status.message,
    )


def lost(state: ContainerState, now: float) -> Exited:
    """The end of a container whose shim was killed: as if killed itself. Pure."""
    return Exited(137, 9, int(state.started_at * 1e9), int(now * 1e9), False, "Error", SHIM_LOST)
