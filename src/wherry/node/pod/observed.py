"""What the agent knows about one pod at one moment: the input of the plan and of the status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.node.pod.restart import BackoffEntry
from wherry.node.runtimes.port import ContainerPhase, ContainerState

HASH_LABEL = "io.kubernetes.container.hash"
KIND_LABEL = "wherry.dev/container-kind"
RESOURCES_LABEL = "wherry.dev/resources"
"""What the container was given at its start, as `spec.resources_text` spells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeVerdict:
    """The probes' opinion of one running container."""

    started: bool = True
    ready: bool = True
    failed: str = ""
    """`liveness` or `startup` when that probe wants the container restarted."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run: becomes `state.waiting`."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last attempt to start a container failed; `retry_at` is when to try again (wall clock)."""

    waiting: Waiting
    retry_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One pod now. Containers are by name, newest attempt first; times are wall clock."""

    containers: Mapping[str, Sequence[ContainerState]] = field(default_factory=dict)
    sandbox_ready: bool = False
    sandbox_since: float = 0.0
    """When this agent made the sandbox; init containers that ended before count as not run."""
    probes: Mapping[str, ProbeVerdict] = field(default_factory=dict)
    """By container id; absent means that there is no probe."""
    backoffs: Mapping[str, BackoffEntry] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    starting: str = ""
    """The container that is being pulled, made and started now."""
    stopping: frozenset[str] = frozenset()
    """Ids of containers that are being stopped."""
    applied: Mapping[str, str] = field(default_factory=dict)
    """By container id: resources that were given later than at its start."""
    redo: frozenset[str] = frozenset()
    """Names of containers that must run again whatever their policy says (their definition changed)."""

    def latest(self, name: str) -> ContainerState | None:
        found = self.containers.get(name)
        return found[0] if found else None

    def previous(self, name: str) -> ContainerState | None:
        found = self.containers.get(name)
        return found[1] if found and len(found) > 1 else None

    def verdict(self, container_id: str) -> ProbeVerdict:
        return self.probes.get(container_id, _NO_PROBES)

    def running(self) -> list[ContainerState]:
        return [state for states in self.containers.values() for state in states if is_running(state)]


_NO_PROBES = ProbeVerdict()


def is_running(state: ContainerState | None) -> bool:
    return state is not None and state.phase is ContainerPhase.RUNNING


def group(states: Iterable[ContainerState]) -> dict[str, list[ContainerState]]:
    """Containers of one pod by name, newest attempt first."""
    found: dict[str, list[ContainerState]] = {}
    for state in states:
        found.setdefault(state.name, []).append(state)
    for attempts in found.values():
        attempts.sort(key=lambda state: (state.attempt, state.created_at), reverse=True)
    return found


def restart_count(pod: Object, name: str, latest: ContainerState | None) -> int:
    """How often the container was restarted, so far: the runtime's word, else the API's."""
    if latest is not None:
        return latest.attempt
    for field_name in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for status in (pod.get("status") or {}).get(field_name) or ():
            if status["name"] == name:
                return int(status.get("restartCount") or 0)
    return 0
