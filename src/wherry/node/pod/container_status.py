"""`status.containerStatuses` and its siblings, from what the runtime says and what the API said before.

The rules follow the kubelet's convertToAPIContainerStatuses: the newest attempt is `state`, the one before `lastState`;
a container that waits for its next start shows why; one that the runtime lost keeps what was known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.node.pod import restart, spec
from wherry.node.pod.observed import Observed, Waiting, is_running
from wherry.node.pod.spec import Kind
from wherry.node.runtimes.port import ContainerPhase, ContainerState

LOST_EXIT_CODE = 137


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """All that container statuses are made of."""

    pod: Object
    seen: Observed
    old: Mapping[str, Object]
    """The API's container statuses by name."""
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    """Why containers that should run do not."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """Termination messages by container id."""
    scheme: str = "runc"
    ended: bool = False
    """The pod is over: nothing waits any more."""


def statuses(source: Source) -> dict[str, list[Object]]:
    """The lists by their status field; those for which the pod has no containers are absent."""
    found: dict[str, list[Object]] = {}
    for kind, container in spec.all_containers(source.pod):
        status_field = f"{kind.spec_field.removesuffix('s')}Statuses"
        status_field = "containerStatuses" if kind is Kind.APP else status_field
        found.setdefault(status_field, []).append(_status(source, kind, container))
    return found


def old_statuses(pod: Object) -> dict[str, Object]:
    """The API's container statuses of all parts, by name."""
    status = pod.get("status") or {}
    fields = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    return {entry["name"]: entry for name in fields for entry in status.get(name) or ()}


def _status(source: Source, kind: Kind, container: Object) -> Object:
    name = container["name"]
    latest, old = source.seen.latest(name), source.old.get(name)
    if latest is None:
        status = _without_container(source, kind, container, old)
    else:
        status = _of_container(source, container, latest, old)
    _apply_waiting(source, kind, container, latest, status)
    _apply_probes(source, kind, latest, status)
    _apply_resources(container, kind, status)
    return status


def _blank(container: Object) -> Object:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "lastState": {},
        "state": {},
        "ready": False,
        "restartCount": 0,
    }


def _without_container(source: Source, kind: Kind, container: Object, old: Object | None) -> Object:
    """The runtime knows no container of that name: not made yet, or lost."""
    status = _blank(container)
    reason = "PodInitializing" if kind is Kind.APP and spec.init_containers(source.pod) else "ContainerCreating"
    if kind in (Kind.INIT, Kind.SIDECAR) and container is not spec.init_containers(source.pod)[0]:
        reason = "PodInitializing"
    status["state"] = {"waiting": {"reason": reason}}
    if old is None:
        return status
    if (old.get("state") or {}).get("terminated"):
        return {**status, **old}
    status["restartCount"] = old.get("restartCount", 0)
    status["lastState"] = old.get("lastState") or {}
    if (old.get("state") or {}).get("running") and not status["lastState"].get("terminated"):
        status["lastState"] = {"terminated": _lost("deleted.  The container used to be Running")}
        if not spec.is_deleted(source.pod):
            status["restartCount"] += 1
    return status


def _lost(what: str) -> Object:
    return {
        "exitCode": LOST_EXIT_CODE,
        "reason": "ContainerStatusUnknown",
        "message": f"The container could not be located when the pod was {what}",
    }


def _of_container(source: Source, container: Object, latest: ContainerState, old: Object | None) -> Object:
    status = _blank(container)
    status["containerID"] = f"{source.scheme}://{latest.id}"
    status["image"] = latest.image_name or container.get("image", "")
    status["imageID"] = latest.image_id
    status["restartCount"] = latest.attempt
    status["state"] = _state(source, latest)
    if is_running(latest) and source.seen.starting == container["name"]:
        # It counts as running only when its postStart hook has ended.
        status["state"] = {"waiting": {"reason": "ContainerCreating"}}
    previous = source.seen.previous(container["name"])
    if previous is not None and previous.phase is ContainerPhase.EXITED:
        status["lastState"] = {"terminated": _terminated(source, previous)}
    elif old is not None:
        status["lastState"] = _old_last_state(old, status["containerID"])
    return status


def _old_last_state(old: Object, container_id: str) -> Object:
    """What the API remembers of the attempt before this one."""
    terminated = (old.get("state") or {}).get("terminated")
    if terminated and terminated.get("containerID") != container_id and old.get("containerID") != container_id:
        return {"terminated": terminated}
    last = old.get("lastState") or {}
    if (last.get("terminated") or {}).get("containerID") == container_id:
        return {}
    return last


def _state(source: Source, state: ContainerState) -> Object:
    if state.phase is ContainerPhase.RUNNING:
        return {"running": {"startedAt": rfc3339(state.started_at)}}
    if state.phase is ContainerPhase.CREATED:
        return {"waiting": {"reason": "ContainerCreating"}}
    return {"terminated": _terminated(source, state)}


def _terminated(source: Source, state: ContainerState) -> Object:
    terminated: Object = {
        "exitCode": state.exit_code,
        "reason": _end_reason(state),
        "startedAt": rfc3339(state.started_at),
        "finishedAt": rfc3339(state.finished_at),
        "containerID": f"{source.scheme}://{state.id}",
    }
    if message := source.messages.get(state.id) or state.message:
        terminated["message"] = message
    return terminated


def _end_reason(state: ContainerState) -> str:
    if state.reason:
        return state.reason
    if state.oom_killed:
        return "OOMKilled"
    if not state.started_at:
        return "StartError"
    return "Completed" if state.exit_code == 0 else "Error"


def _apply_waiting(
    source: Source, kind: Kind, container: Object, latest: ContainerState | None, status: Object
) -> None:
    """Show why a container that should run again does not, and keep its end as `lastState`."""
    waiting = source.waiting.get(container["name"])
    if waiting is None or source.ended or is_running(latest):
        return
    if kind is Kind.APP and not restart.should_run(source.pod, container, latest):
        return
    if terminated := status["state"].get("terminated"):
        status["lastState"] = {"terminated": terminated}
    status["state"] = {"waiting": {"reason": waiting.reason}}
    if waiting.message:
        status["state"]["waiting"]["message"] = waiting.message


def _apply_probes(source: Source, kind: Kind, latest: ContainerState | None, status: Object) -> None:
    """`started` and `ready`."""
    if kind is Kind.EPHEMERAL:
        return
    running = latest is not None and is_running(latest) and "running" in status["state"]
    verdict = source.seen.verdict(latest.id) if latest is not None else None
    started = bool(running and verdict is not None and verdict.started)
    status["started"] = started
    if kind is Kind.INIT:
        status["ready"] = (status["state"].get("terminated") or {}).get("exitCode") == 0
        if running:
            status["started"] = True
    else:
        status["ready"] = bool(started and verdict is not None and verdict.ready)


def _apply_resources(container: Object, kind: Kind, status: Object) -> None:
    """What the container was given, and its volume mounts (KEP-1287, KEP-3857)."""
    if kind is Kind.EPHEMERAL or "containerID" not in status:
        return
    resources: dict[str, Any] = container.get("resources") or {}
    if requests := resources.get("requests"):
        status["allocatedResources"] = requests
    status["resources"] = {key: resources[key] for key in ("limits", "requests") if resources.get(key)}
    if mounts := container.get("volumeMounts"):
        status["volumeMounts"] = [_mount_status(mount) for mount in mounts]


def _mount_status(mount: Object) -> Object:
    status: Object = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        status["readOnly"] = True
        status["recursiveReadOnly"] = "Disabled"
    return status


def mark_lost(statuses_by_field: Mapping[str, list[Object]]) -> None:
    """At the end of a pod: what never reported an end has ended all the same (kubelet's TerminatePod)."""
    for entries in statuses_by_field.values():
        for status in entries:
            if not status["state"].get("terminated"):
                status["state"] = {"terminated": _lost("terminated")}
                status["ready"] = False
                status["started"] = False
