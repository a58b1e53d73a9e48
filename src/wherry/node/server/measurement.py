"""What the node and its containers use at one moment, from the runtime and from /proc."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.node.runtimes.port import ContainerMissing, ContainerPhase, ContainerState, Runtime
from wherry.node.server.port import PodLookup

_PROC = Path("/proc")
_TICKS_PER_SECOND = 100
_BUSY = (0, 1, 2, 5, 6, 7)
"""Of the columns of /proc/stat: user, nice, system, irq, softirq, steal; not idle and iowait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerUse:
    """CPU seconds are the total since the start; times are seconds since 1970."""

    namespace: str
    pod: str
    pod_uid: str
    name: str
    started_at: float
    cpu_seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    at: float
    node_cpu_seconds: float
    node_memory_bytes: int
    node_memory_available_bytes: int
    containers: tuple[ContainerUse, ...]


class Meter:
    """Measures when asked; keeps nothing."""

    def __init__(self, *, pods: PodLookup, runtime: Runtime, clock: Clock, proc: Path = _PROC) -> None:
        self._pods = pods
        self._runtime = runtime
        self._clock = clock
        self._proc = proc

    async def measure(self) -> Measurement:
        """Containers that end meanwhile are left out."""
        pods = {pod["metadata"]["uid"]: pod for pod in self._pods.pods()}
        running = [c for c in self._runtime.containers() if c.phase is ContainerPhase.RUNNING and c.pod_uid in pods]
        uses = await asyncio.gather(*(self._container(state, pods[state.pod_uid]) for state in running))
        total, available = node_memory(self._read("meminfo"))
        return Measurement(
            at=self._clock.now(),
            node_cpu_seconds=node_cpu_seconds(self._read("stat")),
            node_memory_bytes=total - available,
            node_memory_available_bytes=available,
            containers=tuple(use for use in uses if use is not None),
        )

    def _read(self, name: str) -> str:
        try:
            return (self._proc / name).read_text()
        except OSError:
            return ""

    async def _container(self, state: ContainerState, pod: Object) -> ContainerUse | None:
        try:
            usage = await self._runtime.usage(state.id)
        except ContainerMissing:
            return None
        if usage is None:
            return None
        metadata = pod["metadata"]
        return ContainerUse(
            namespace=metadata["namespace"],
            pod=metadata["name"],
            pod_uid=metadata["uid"],
            name=state.name,
            started_at=state.started_at,
            cpu_seconds=usage.cpu_seconds,
            memory_bytes=usage.memory_bytes,
        )


def node_cpu_seconds(stat: str) -> float:
    """From /proc/stat; 0 where there is none."""
    columns = stat.partition("\n")[0].split()[1:]
    return sum(int(columns[i]) for i in _BUSY if i < len(columns)) / _TICKS_PER_SECOND


def node_memory(meminfo: str) -> tuple[int, int]:
    """Bytes in total and available, from /proc/meminfo."""
    values = {line.split(":")[0]: line.split()[1] for line in meminfo.splitlines() if len(line.split()) > 1}
    total = int(values.get("MemTotal", 0)) * 1024
    return total, int(values.get("MemAvailable", 0)) * 1024
