"""The phase of a pod, from its container statuses alone (kubelet's getPhase)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.node.pod import restart, spec


@dataclass(slots=True)
class _Count:
    """How many app containers are in which state."""

    unknown: int = 0
    running: int = 0
    waiting: int = 0
    stopped: int = 0
    succeeded: int = 0


def pod_phase(pod: Object, statuses: Iterable[Object], *, ended: bool) -> str:
    """Pending, Running, Succeeded or Failed. With `ended` no container will run again."""
    by_name = {status["name"]: status for status in statuses}
    pending_init, failed_init = _init(pod, by_name)
    if failed_init:
        return "Failed"
    count = _apps(pod, by_name)
    pending_sidecars = _pending_sidecars(pod, by_name) and not any_app_started(pod, by_name)
    if pending_init or pending_sidecars or count.waiting:
        return "Pending"
    if count.running and not count.unknown:
        return "Running"
    if count.stopped and not count.unknown:
        return _stopped(pod, count, ended)
    return "Pending"


def _stopped(pod: Object, count: _Count, ended: bool) -> str:
    every_one_succeeded = count.stopped == count.succeeded
    policy = pod["spec"].get("restartPolicy") or "Always"
    if ended:
        return "Succeeded" if every_one_succeeded else "Failed"
    if policy == "Always":
        return "Running"
    if every_one_succeeded:
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _last_exit(status: Object) -> int | None:
    """The exit code of a container that ended, or that waits for its next start."""
    state = status.get("state") or {}
    terminated = state.get("terminated")
    if terminated is None and "waiting" in state:
        terminated = (status.get("lastState") or {}).get("terminated")
    return None if terminated is None else int(terminated["exitCode"])


def _init(pod: Object, by_name: Mapping[str, Object]) -> tuple[int, bool]:
    """How many init containers have yet to finish, and whether one failed for good."""
    pending = 0
    for container in spec.init_containers(pod):
        if spec.is_sidecar(container):
            continue
        code = _last_exit(by_name.get(container["name"], {}))
        if code is None:
            pending += 1
        elif code != 0:
            if not restart.init_restarts_on_failure(pod, container, code):
                return pending, True
            pending += 1
    return pending, False


def _pending_sidecars(pod: Object, by_name: Mapping[str, Object]) -> bool:
    for container in spec.sidecars(pod):
        status = by_name.get(container["name"], {})
        if _last_exit(status) is None and not status.get("started"):
            return True
    return False


def any_app_started(pod: Object, by_name: Mapping[str, Object]) -> bool:
    """Whether the pod has been initialised before: an app container runs or has ended."""
    for container in spec.app_containers(pod):
        status = by_name.get(container["name"], {})
        if "running" in (status.get("state") or {}) or _last_exit(status) is not None:
            return True
    return False


def _apps(pod: Object, by_name: Mapping[str, Object]) -> _Count:
    count = _Count()
    for container in spec.app_containers(pod):
        status = by_name.get(container["name"])
        state = (status or {}).get("state") or {}
        if status is None or not state:
            count.unknown += 1
        elif "running" in state:
            count.running += 1
        elif (code := _last_exit(status)) is not None:
            count.stopped += 1
            count.succeeded += "terminated" in state and code == 0
        else:
            count.waiting += 1
    return count
