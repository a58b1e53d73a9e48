"""What a fake pod does next: from its status and its life to a moment and a new status. Pure.

| stage | how it is known | what follows | when |
|---|---|---|---|
| bound | no container statuses | running, or an image that cannot be pulled | `start_delay` |
| starting | waiting, ContainerCreating | running | `start_delay` |
| running | running, not ready | ready | `ready_delay` |
| running | running | ended: Succeeded, Failed, or waiting to run again | `run_time` |
| waiting | CrashLoopBackOff | running, one restart more | 10 s doubling to 5 min, as the kubelet |
| deleted | deletionTimestamp | gone | `stop_delay`, at most the grace period |

All containers of a pod do the same at the same time. Init containers end well at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339, rfc3339
from wherry.node.fakes.life import Life
from wherry.node.pod import conditions, qos, restart, spec

STOPPED_EXIT_CODE = 143
"""Of work that was told to stop (SIGTERM)."""
LOST_EXIT_CODE = 255
RAN_WELL_SECONDS = 600.0
"""A container that ran so long starts again without a wait."""


class Stage(Enum):
    BOUND = "bound"
    STARTING = "starting"
    IMAGE = "image"
    RUNNING = "running"
    READY = "ready"
    WAITING = "waiting"
    DELETED = "deleted"
    OVER = "over"


class Act(Enum):
    """What to do at a moment."""

    CREATE = "create"
    FAIL_IMAGE = "fail image"
    START = "start"
    READY = "ready"
    EXIT = "exit"
    REBOOT = "reboot"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """`after` seconds counted from the moment at which the pod came to its stage."""

    after: float
    act: Act


def stage_of(pod: Object) -> Stage:
    if pod["metadata"].get("deletionTimestamp"):
        return Stage.DELETED
    status = pod.get("status") or {}
    if status.get("phase") in spec.TERMINAL_PHASES:
        return Stage.OVER
    entries = status.get("containerStatuses")
    if not entries:
        return Stage.BOUND
    state = entries[0].get("state") or {}
    if "running" in state:
        return Stage.READY if entries[0].get("ready") else Stage.RUNNING
    reason = (state.get("waiting") or {}).get("reason", "")
    if reason == "ImagePullBackOff":
        return Stage.IMAGE
    return Stage.WAITING if reason == "CrashLoopBackOff" else Stage.STARTING


def key_of_stage(pod: Object) -> tuple[Stage, int]:
    """Changes when the time of a new stage begins to count; RUNNING and READY are one in this."""
    stage = stage_of(pod)
    return (Stage.RUNNING if stage is Stage.READY else stage), restarts(pod)


def restarts(pod: Object) -> int:
    entries = (pod.get("status") or {}).get("containerStatuses")
    return int(entries[0].get("restartCount", 0)) if entries else 0


def since(pod: Object, now: float) -> float:
    """When the stage began, as far as the status tells; for pods that were there before us."""
    status = pod.get("status") or {}
    entries = status.get("containerStatuses") or [{}]
    state = entries[0].get("state") or {}
    told = (
        (state.get("running") or {}).get("startedAt")
        or ((entries[0].get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        or status.get("startTime")
    )
    return min(now, parse_rfc3339(told)) if told and stage_of(pod) is not Stage.DELETED else now


def next_step(pod: Object, life: Life) -> Step | None:
    """None where nothing follows by itself."""
    stage = stage_of(pod)
    match stage:
        case Stage.OVER | Stage.IMAGE:
            return None
        case Stage.DELETED:
            grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
            over = (pod.get("status") or {}).get("phase") in spec.TERMINAL_PHASES
            if over and not grace and pod["metadata"].get("finalizers"):
                return None  # we have done our part
            return Step(0.0 if over else min(life.stop_delay, grace), Act.REMOVE)
        case Stage.BOUND if life.start_delay > 0:
            return Step(0.0, Act.CREATE)
        case Stage.BOUND | Stage.STARTING:
            return Step(life.start_delay, Act.FAIL_IMAGE if life.image_error else Act.START)
        case Stage.WAITING:
            return Step(_back_off(pod), Act.START)
        case Stage.RUNNING | Stage.READY:
            return _running(pod, stage, life)


def _running(pod: Object, stage: Stage, life: Life) -> Step | None:
    steps = []
    if stage is Stage.RUNNING and life.ready_delay is not None:
        steps.append(Step(life.ready_delay, Act.READY))
    elif stage is Stage.READY and _ready_is_wrong(pod):
        steps.append(Step(0.0, Act.READY))
    if life.run_time is not None:
        steps.append(Step(life.run_time, Act.EXIT))
    return min(steps, key=lambda step: step.after, default=None)


def _ready_is_wrong(pod: Object) -> bool:
    """Whether the condition lags behind: a readiness gate has changed, or the node was thought dead in between."""
    known = pod["status"].get("conditions") or ()
    told = next((each["status"] for each in known if each["type"] == "Ready"), "")
    if told == "True" and not pod["spec"].get("readinessGates"):
        return False
    by_name = {entry["name"]: entry for entry in _all_entries(pod)}
    containers = conditions.containers_ready(pod, by_name, "Running")
    return bool(conditions.ready(pod, containers, known)["status"] != told)


def _all_entries(pod: Object) -> list[Object]:
    status = pod["status"]
    return [*(status.get("initContainerStatuses") or ()), *status["containerStatuses"]]


def _back_off(pod: Object) -> float:
    entry = pod["status"]["containerStatuses"][0]
    ended = (entry.get("lastState") or {}).get("terminated") or {}
    ran = parse_rfc3339(ended["finishedAt"]) - parse_rfc3339(ended["startedAt"])
    if ran >= RAN_WELL_SECONDS:
        return 0.0
    return float(min(restart.INITIAL_SECONDS * 2 ** restarts(pod), restart.CAP_SECONDS))


def next_status(pod: Object, life: Life, act: Act, *, now: float, address: str, host: str) -> Object:
    """The whole status that the node reports once the act is done."""
    moment = rfc3339(now)
    if act is Act.CREATE:
        entries, phase = _each(pod, {"waiting": {"reason": "ContainerCreating"}}), "Pending"
    elif act is Act.FAIL_IMAGE:
        waiting = {"reason": "ImagePullBackOff", "message": life.image_error}
        entries, phase = _each(pod, {"waiting": waiting}), "Pending"
    elif act is Act.START:
        # One write for both, where nothing lies between.
        ready = life.ready_delay == 0
        again = restarts(pod) + 1 if stage_of(pod) is Stage.WAITING else restarts(pod)
        entries, phase = _each(pod, {"running": {"startedAt": moment}}, ready=ready, count=again), "Running"
    elif act is Act.READY:
        entries, phase = [{**entry, "ready": True} for entry in pod["status"]["containerStatuses"]], "Running"
    elif act is Act.EXIT:
        entries, phase = _ended(pod, life.exit_code, moment)
    elif act is Act.REBOOT:
        entries, phase = _rebooted(pod, life, moment)
    else:
        entries, phase = _stopped(pod, moment)
    return _status(pod, entries, phase, now=now, address=address, host=host)


def _each(pod: Object, state: Object, *, ready: bool = False, count: int = 0) -> list[Object]:
    old = {entry["name"]: entry for entry in (pod.get("status") or {}).get("containerStatuses") or ()}
    return [_entry(pod, c, old.get(c["name"], {}), state, ready, count) for c in spec.app_containers(pod)]


def _entry(pod: Object, container: Object, old: Object, state: Object, ready: bool, count: int) -> Object:
    running = "running" in state
    found = {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": f"fake://{container.get('image', '')}" if running else "",
        "ready": ready,
        "started": running,
        "restartCount": count,
        "state": state,
        "lastState": old.get("lastState") or {},
    }
    if running:
        found["containerID"] = container_id(pod, container["name"], count)
    return found


def container_id(pod: Object, name: str, count: int) -> str:
    return f"fake://{spec.uid(pod)}-{name}-{count}"


def _ended(pod: Object, code: int, moment: str) -> tuple[list[Object], str]:
    """Containers that have ended, each as its restart policy says."""
    again = any(restart.restarts_after(pod, container, code) for container in spec.app_containers(pod))
    entries = []
    for old in pod["status"]["containerStatuses"]:
        terminated = _terminated(old, code, moment)
        entry = {**old, "ready": False, "started": False}
        if again:
            message = f"back-off restarting failed container={old['name']} pod={spec.full_name(pod)}"
            entry |= {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": message}}}
            entry |= {"lastState": {"terminated": terminated}}
        else:
            entry |= {"state": {"terminated": terminated}}
        entries.append(entry)
    return entries, "Running" if again else ("Failed" if code else "Succeeded")


def _rebooted(pod: Object, life: Life, moment: str) -> tuple[list[Object], str]:
    """Of a pod whose node went down: its containers were lost and run again, where they may."""
    entries, phase = _ended(pod, LOST_EXIT_CODE, moment)
    if phase != "Running":
        return entries, phase
    running = _each(pod, {"running": {"startedAt": moment}}, ready=life.ready_delay == 0, count=restarts(pod) + 1)
    lost = {entry["name"]: entry["lastState"] for entry in entries}
    return [{**entry, "lastState": lost[entry["name"]]} for entry in running], phase


def _stopped(pod: Object, moment: str) -> tuple[list[Object], str]:
    """Of a pod that is being deleted: servers end well when they are told to stop, work that is cut off has failed."""
    known = (pod.get("status") or {}).get("containerStatuses") or _each(pod, {"waiting": {}})
    code = 0 if pod["spec"].get("restartPolicy", "Always") == "Always" else STOPPED_EXIT_CODE
    ended = {"ready": False, "started": False}
    entries = [{**old, **ended, "state": {"terminated": _terminated(old, code, moment)}} for old in known]
    return entries, "Failed" if code else "Succeeded"


def _terminated(old: Object, code: int, moment: str) -> Object:
    started = ((old.get("state") or {}).get("running") or {}).get("startedAt", moment)
    return {
        "exitCode": code,
        "reason": "Error" if code else "Completed",
        "startedAt": started,
        "finishedAt": moment,
        "containerID": old.get("containerID", ""),
    }


def _init_entries(pod: Object, running: bool, moment: str) -> list[Object]:
    """Init containers have ended well, sidecars run as long as the others do."""
    known = {entry["name"]: entry for entry in (pod.get("status") or {}).get("initContainerStatuses") or ()}
    found = []
    for container in spec.init_containers(pod):
        sidecar = spec.is_sidecar(container)
        if (old := known.get(container["name"])) is not None and (not sidecar or running):
            found.append(old)
            continue
        entry = _entry(pod, container, {}, {"running": {"startedAt": moment}}, True, 0)
        if not (sidecar and running):
            ended = _terminated(entry, 0, moment)
            entry |= {"state": {"terminated": ended}, "ready": not sidecar, "started": False}
        found.append(entry)
    return found


def _status(pod: Object, entries: list[Object], phase: str, *, now: float, address: str, host: str) -> Object:
    old = pod.get("status") or {}
    generation = pod["metadata"].get("generation")
    known = old.get("conditions") or ()
    status: Object = {
        "phase": phase,
        "startTime": old.get("startTime") or rfc3339(now),
        "containerStatuses": entries,
        "qosClass": qos.qos_class(pod),
        "hostIP": host,
        "hostIPs": [{"ip": host}],
    }
    if pod["spec"].get("initContainers") and any("waiting" not in entry["state"] for entry in entries):
        status["initContainerStatuses"] = _init_entries(pod, phase == "Running", rfc3339(now))
    every = [*status.get("initContainerStatuses", ()), *entries]
    owned = conditions.owned(pod, every, phase, sandbox_ready=phase not in spec.TERMINAL_PHASES, known=known)
    others = [condition for condition in known if condition["type"] not in conditions.OWNED]
    status["conditions"] = [*others, *conditions.stamp(owned, known, now=now, generation=generation)]
    if generation is not None:
        status["observedGeneration"] = generation
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    return status
