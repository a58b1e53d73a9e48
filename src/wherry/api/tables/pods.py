"""The row of a pod: what it is doing, in one word. Source: `printPod`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wherry.api.tables.ages import since
from wherry.api.tables.columns import AGE, NAME, NONE, Cells, Table, age, column, name, part
from wherry.api.types import Object

Status = Mapping[str, Any]


@dataclass(slots=True)
class _Count:
    """What is added up while the container statuses are read."""

    ready: int = 0
    restarts: int = 0
    last_restart: str = ""

    def add_restarts(self, status: Status) -> None:
        self.restarts += status.get("restartCount") or 0
        finished = part(status, "lastState", "terminated").get("finishedAt") or ""
        # RFC 3339 in UTC compares as text.
        self.last_restart = max(self.last_restart, finished)


def _row(pod: Object, now: float) -> Cells:
    spec, status = part(pod, "spec"), part(pod, "status")
    sidecars = {c.get("name") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    total = len(spec.get("containers") or ()) + len(sidecars)
    count, reason = _summary(spec, status, sidecars)
    reason = _deleted(pod, status, reason)
    restarts = str(count.restarts)
    if count.restarts and count.last_restart:
        restarts += f" ({since(count.last_restart, now)} ago)"
    ips = status.get("podIPs") or ()
    return [
        name(pod),
        f"{count.ready}/{total}",
        reason,
        restarts,
        age(pod, now),
        (ips[0].get("ip") if ips else "") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(spec.get("readinessGates") or (), status),
    ]


def _summary(spec: Status, status: Status, sidecars: set[str]) -> tuple[_Count, str]:
    reason = status.get("reason") or status.get("phase") or ""
    if any(c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated" for c in _conditions(status)):
        reason = "SchedulingGated"
    everything, of_sidecars = _Count(), _Count()
    initialising = _initialising(spec, status, sidecars, everything, of_sidecars)
    if initialising and not _is_true(status, "Initialized"):
        everything.ready = of_sidecars.ready
        return everything, initialising
    return of_sidecars, _main(status, initialising or reason, of_sidecars)


def _initialising(spec: Status, status: Status, sidecars: set[str], everything: _Count, of_sidecars: _Count) -> str:
    """`Init:...` for the first init container that is not done; empty when all are."""
    for i, container in enumerate(status.get("initContainerStatuses") or ()):
        is_sidecar = container.get("name") in sidecars
        everything.add_restarts(container)
        if is_sidecar:
            of_sidecars.add_restarts(container)
        state = part(container, "state")
        ended, waiting = state.get("terminated"), part(state, "waiting").get("reason") or ""
        if ended is not None and not ended.get("exitCode"):
            continue
        if is_sidecar and container.get("started"):
            of_sidecars.ready += bool(container.get("ready"))
            continue
        if ended is not None:
            return f"Init:{ended.get('reason') or _ending(ended)}"
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{i}/{len(spec.get('initContainers') or ())}"
    return ""


def _main(status: Status, reason: str, count: _Count) -> str:
    """The state of the last container that says something; counts what is ready."""
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        count.add_restarts(container)
        state = part(container, "state")
        waiting, ended = part(state, "waiting").get("reason"), state.get("terminated")
        if waiting:
            reason = waiting
        elif ended is not None:
            reason = ended.get("reason") or _ending(ended)
        elif container.get("ready") and state.get("running") is not None:
            running = True
            count.ready += 1
    if reason == "Completed" and running:
        return "Running" if _is_true(status, "Ready") else "NotReady"
    return reason


def _ending(ended: Status) -> str:
    signal = ended.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode') or 0}"


def _deleted(pod: Object, status: Status, reason: str) -> str:
    if not pod["metadata"].get("deletionTimestamp"):
        return reason
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return reason if status.get("phase") in ("Failed", "Succeeded") else "Terminating"


def _conditions(status: Status) -> Iterable[Status]:
    return status.get("conditions") or ()


def _is_true(status: Status, kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True" for c in _conditions(status))


def _gates(gates: Iterable[Status], status: Status) -> str:
    wanted = [gate.get("conditionType") or "" for gate in gates]
    if not wanted:
        return NONE
    return f"{sum(_is_true(status, kind) for kind in wanted)}/{len(wanted)}"


PODS = Table(
    (
        NAME,
        column("Ready", about="Containers that are ready, of all that should be."),
        column("Status", about="What the pod is doing, from its phase and the states of its containers."),
        column("Restarts", about="How often its containers were restarted, and when last."),
        AGE,
        column("IP", about="The address of the pod.", wide=True),
        column("Node", about="The node on which the pod runs.", wide=True),
        column("Nominated Node", about="The node that is being cleared for the pod.", wide=True),
        column("Readiness Gates", about="Readiness gates that are open, of all.", wide=True),
    ),
    _row,
)
