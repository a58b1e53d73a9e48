"""What fake pods pretend to use: CPU seconds that add up at the rate of their life, memory as it says.

The figures have the same form as a real node's (`node.server.measurement.Measurement`), so whoever reads those reads these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.machinery.quantity import parse_value
from wherry.node.fakes.life import Lives
from wherry.node.server.measurement import ContainerUse, Measurement


@dataclass(slots=True)
class _Total:
    """CPU seconds up to a moment, and the cores used from then on."""

    at: float
    seconds: float
    cores: float

    def at_moment(self, now: float, cores: float) -> float:
        self.seconds += max(0.0, now - self.at) * self.cores
        self.at, self.cores = max(now, self.at), cores
        return self.seconds


class FakeUsage:
    """Counts while it is asked; what is never asked for costs nothing."""

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        self._totals: dict[str, _Total] = {}

    def forget(self, uid: str) -> None:
        self._totals.pop(uid, None)

    def of(self, pods: Iterable[Object], node: Object, now: float) -> Measurement:
        """Of one node and its pods at a moment (seconds since 1970)."""
        uses = tuple(use for pod in pods for use in self._of_pod(pod, now))
        capacity = ((node.get("status") or {}).get("capacity") or {}).get("memory", "0")
        used = sum(use.memory_bytes for use in uses)
        return Measurement(
            at=now,
            node_cpu_seconds=sum(use.cpu_seconds for use in uses),
            node_memory_bytes=used,
            node_memory_available_bytes=max(0, parse_value(capacity) - used),
            containers=uses,
        )

    def _of_pod(self, pod: Object, now: float) -> Iterable[ContainerUse]:
        entries = [
            entry for entry in pod["status"].get("containerStatuses") or () if "running" in (entry.get("state") or {})
        ]
        if not entries:
            return
        metadata, life = pod["metadata"], self._lives.of(pod)
        started = parse_rfc3339(entries[0]["state"]["running"]["startedAt"])
        total = self._totals.setdefault(metadata["uid"], _Total(started, 0.0, life.cpu))
        seconds = total.at_moment(now, life.cpu)
        for entry in entries:
            yield ContainerUse(
                namespace=metadata["namespace"],
                pod=metadata["name"],
                pod_uid=metadata["uid"],
                name=entry["name"],
                started_at=started,
                cpu_seconds=seconds,
                memory_bytes=life.memory,
            )
