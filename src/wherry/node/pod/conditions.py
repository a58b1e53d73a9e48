"""The pod conditions that the node owns, with upstream's reasons and messages.

Source: kubelet's status generation; KEP-3085 (PodReadyToStartContainers), KEP-580 (readiness gates), KEP-5067
(observedGeneration).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.node.pod import spec
from wherry.node.pod.phase import any_app_started

OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
"""In the order in which they are reported."""

_END_REASONS = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}


def _condition(type_: str, status: bool, reason: str = "", message: str = "") -> Object:
    found: Object = {"type": type_, "status": "True" if status else "False"}
    if reason:
        found["reason"] = reason
    if message:
        found["message"] = message
    return found


def _names(names: Iterable[str]) -> str:
    return f"[{' '.join(names)}]"


def containers_ready(pod: Object, by_name: Mapping[str, Object], phase: str) -> Object:
    unknown, unready = [], []
    for container in [*spec.sidecars(pod), *spec.app_containers(pod)]:
        status = by_name.get(container["name"])
        if status is None:
            unknown.append(container["name"])
        elif not status.get("ready"):
            unready.append(container["name"])
    if phase == "Failed" or (phase == "Succeeded" and not unknown):
        return _condition("ContainersReady", False, _END_REASONS[phase])
    parts = []
    if unknown:
        parts.append(f"containers with unknown status: {_names(unknown)}")
    if unready:
        parts.append(f"containers with unready status: {_names(unready)}")
    if parts:
        return _condition("ContainersReady", False, "ContainersNotReady", ", ".join(parts))
    return _condition("ContainersReady", True)


def ready(pod: Object, containers: Object, conditions: Iterable[Object]) -> Object:
    """Ready: the containers are, and every readiness gate's condition is True."""
    if containers["status"] != "True":
        return {**containers, "type": "Ready"}
    by_type = {condition["type"]: condition for condition in conditions}
    problems = []
    for gate in pod["spec"].get("readinessGates") or ():
        gate_type = gate["conditionType"]
        found = by_type.get(gate_type)
        if found is None:
            problems.append(f'corresponding condition of pod readiness gate "{gate_type}" does not exist.')
        elif found["status"] != "True":
            problems.append(f'the status of pod readiness gate "{gate_type}" is not "True", but {found["status"]}')
    if problems:
        return _condition("Ready", False, "ReadinessGatesNotReady", ", ".join(problems))
    return _condition("Ready", True)


def initialized(pod: Object, by_name: Mapping[str, Object], phase: str) -> Object:
    unknown, incomplete = [], []
    for container in spec.init_containers(pod):
        status = by_name.get(container["name"])
        if status is None:
            unknown.append(container["name"])
        elif not status.get("started" if spec.is_sidecar(container) else "ready"):
            incomplete.append(container["name"])
    if phase == "Succeeded" and not unknown:
        return _condition("Initialized", True, "PodCompleted")
    if any_app_started(pod, by_name):
        return _condition("Initialized", True)
    parts = []
    if unknown:
        parts.append(f"containers with unknown status: {_names(unknown)}")
    if incomplete:
        parts.append(f"containers with incomplete status: {_names(incomplete)}")
    if parts:
        return _condition("Initialized", False, "ContainersNotInitialized", ", ".join(parts))
    return _condition("Initialized", True)


def owned(
    pod: Object, statuses: Iterable[Object], phase: str, *, sandbox_ready: bool, known: Iterable[Object]
) -> list[Object]:
    """The node's conditions, without times. `known` are the API's, for the readiness gates."""
    by_name = {status["name"]: status for status in statuses}
    containers = containers_ready(pod, by_name, phase)
    return [
        _condition("PodReadyToStartContainers", sandbox_ready),
        initialized(pod, by_name, phase),
        ready(pod, containers, known),
        containers,
        _condition("PodScheduled", True),
    ]


def stamp(conditions: Iterable[Object], known: Iterable[Object], *, now: float, generation: int | None) -> list[Object]:
    """Add the times: a transition time changes only when the status does."""
    by_type = {condition["type"]: condition for condition in known}
    stamped = []
    for condition in conditions:
        before = by_type.get(condition["type"]) or {}
        same = before.get("status") == condition["status"] and before.get("lastTransitionTime")
        extra: Object = {
            "lastTransitionTime": before["lastTransitionTime"] if same else rfc3339(now),
        }
        if generation is not None:
            extra["observedGeneration"] = generation
        stamped.append({**extra, **condition})
    return stamped
