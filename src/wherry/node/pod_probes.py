"""The probers of one pod: one for each running container that has probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wherry.api.types import Object
from wherry.node.pod import spec
from wherry.node.pod.observed import ProbeVerdict
from wherry.node.pod.spec import Kind
from wherry.node.probes.prober import ContainerProbes, Target
from wherry.node.runtimes.port import ContainerState
from wherry.node.stopper import Tell
from wherry.node.tools import Tools

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


class PodProbes:
    """`on_change` is called when a verdict changed."""

    def __init__(self, tools: Tools, *, on_change: Callable[[], None], tell: Tell) -> None:
        self._tools = tools
        self._on_change = on_change
        self._tell = tell
        self._probers: dict[str, ContainerProbes] = {}

    def verdicts(self) -> dict[str, ProbeVerdict]:
        """By container id."""
        return {container_id: prober.verdict() for container_id, prober in self._probers.items()}

    def __bool__(self) -> bool:
        return bool(self._probers)

    def start(self, pod: Object, running: Iterable[ContainerState], address: str) -> None:
        """Begin to probe those that are not probed yet."""
        for state in running:
            found = spec.find_container(pod, state.name)
            if found is not None and state.id not in self._probers and _has_probes(*found):
                self._probers[state.id] = self._prober(pod, *found, state, address)

    def _prober(
        self, pod: Object, kind: Kind, container: Object, state: ContainerState, address: str
    ) -> ContainerProbes:
        return ContainerProbes(
            Target(container=container, container_id=state.id, address=address, started_at=state.started_at),
            actions=self._tools.probes,
            clock=self._tools.clock,
            on_change=self._on_change,
            report=lambda type_, message: self._tell(kind, state.name, type_, "Unhealthy", message),
            adopted=_was_ready(pod, state),
        )

    def not_among(self, container_ids: Iterable[str]) -> list[str]:
        """Containers that are probed, but are not among these."""
        return [container_id for container_id in self._probers if container_id not in set(container_ids)]

    async def stop(self, container_id: str) -> None:
        if (prober := self._probers.pop(container_id, None)) is not None:
            await prober.close()

    async def quiet(self) -> None:
        """The pod is being stopped: only readiness still matters."""
        for prober in list(self._probers.values()):
            await prober.quiet()

    async def close(self) -> None:
        for container_id in list(self._probers):
            await self.stop(container_id)


def _has_probes(kind: Kind, container: Object) -> bool:
    return kind in (Kind.APP, Kind.SIDECAR) and any(name in container for name in _PROBES)


def _was_ready(pod: Object, state: ContainerState) -> bool:
    """Whether the API knows this very container as ready, from an agent before this one."""
    for field_name in ("containerStatuses", "initContainerStatuses"):
        for status in (pod.get("status") or {}).get(field_name) or ():
            if str(status.get("containerID", "")).endswith(f"//{state.id}"):
                return bool(status.get("ready"))
    return False
