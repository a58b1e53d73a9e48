"""What `wherry status` finds out, and how it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.cli.clusterstatus import processes
from wherry.distro.config import ClusterConfig, StateDirectory

_PATIENCE_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Report:
    """`problem` says why the API server could not be asked."""

    config: ClusterConfig
    state: StateDirectory
    pid: int | None
    uptime_seconds: float = 0.0
    memory_bytes: int = 0
    shims: int = 0
    shims_bytes: int = 0
    version: str = ""
    problem: str = ""
    nodes_ready: int = 0
    pods: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> Object:
        return {
            "name": self.config.name,
            "running": self.pid is not None,
            "pid": self.pid,
            "uptimeSeconds": round(self.uptime_seconds),
            "server": self.config.server,
            "ready": bool(self.version) and not self.problem,
            "version": self.version,
            "problem": self.problem,
            "context": self.config.context,
            "runtime": self.config.runtime,
            "nodes": {"total": self.config.nodes, "ready": self.nodes_ready},
            "pods": dict(self.pods),
            "memory": {"clusterBytes": self.memory_bytes, "shimsBytes": self.shims_bytes, "shims": self.shims},
            "paths": {
                "state": str(self.state.path.resolve()),
                "log": str(self.state.log),
                "kubeconfig": str(self.state.kubeconfig),
            },
        }

    def lines(self) -> list[tuple[str, str]]:
        """Titles and what is said about them."""
        config = self.config
        if self.pid is None:
            first = [("Cluster", f"{config.name} is stopped; `wherry start {config.name}` starts it")]
        else:
            from wherry.api.tables.ages import human

            server = f"{config.server} {self.problem or f'is ready, {self.version}'}"
            first = [
                ("Cluster", f"{config.name} runs as process {self.pid} for {human(self.uptime_seconds)}"),
                ("API server", server),
                ("Nodes", f"{self.nodes_ready} of {config.nodes} ready, runtime {config.runtime}"),
                ("Pods", ", ".join(f"{count} {phase}" for phase, count in self.pods.items()) or "none"),
                ("Memory", self._memory()),
            ]
        return [
            *first,
            ("Context", config.context),
            ("State", str(self.state.path.resolve())),
            ("Log", str(self.state.log)),
        ]

    def _memory(self) -> str:
        text = f"{self.memory_bytes / 2**20:.0f} MiB"
        if self.shims:
            text += f", and {self.shims_bytes / 2**20:.0f} MiB of {self.shims} container shims"
        return text


def find_out(state: StateDirectory) -> Report:
    """Raises `ConfigError` for a state directory that is none."""
    from wherry.distro.daemon import running_pid

    report = Report(config=state.load(), state=state, pid=running_pid(state))
    if report.pid is not None:
        report.uptime_seconds = processes.age_seconds(report.pid)
        report.memory_bytes = processes.memory_bytes(processes.tree(report.pid))
        shims = processes.shims(state.path)
        report.shims, report.shims_bytes = len(shims), processes.memory_bytes(shims)
        asyncio.run(_ask(report))
    return report


async def _ask(report: Report) -> None:
    """Add what the API server tells."""
    from wherry.base.clock import RealClock
    from wherry.cli.connect import client_of
    from wherry.client import kubeconfig
    from wherry.client.answers import content

    try:
        connection = kubeconfig.connection(kubeconfig.load([report.state.kubeconfig]))
        client = client_of(connection, clock=RealClock())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                import orjson

                report.version = orjson.loads(content(await client.raw("GET", "/version")))["gitVersion"]
                ready = await client.raw("GET", "/readyz")
                report.problem = "" if ready.status == 200 else f"is not ready: {content(ready).decode()}"
                nodes, pods = await asyncio.gather(client.list("nodes"), client.list("pods"))
        finally:
            await client.aclose()
    except (OSError, StatusError, kubeconfig.KubeconfigError) as error:
        report.problem = f"does not answer: {error or 'no answer in time'}"
        return
    report.nodes_ready = sum(map(_is_ready, nodes["items"]))
    report.pods = dict(sorted(Counter(pod["status"].get("phase", "Unknown") for pod in pods["items"]).items()))


def _is_ready(node: Mapping[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
