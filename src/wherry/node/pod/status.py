"""The whole `status` of a pod, as the node reports it.

What always holds: a terminal phase never goes back; a transition time changes only with its condition's status;
conditions of other owners are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.node.pod import conditions, container_status, phase, qos, spec
from wherry.node.pod.observed import Observed, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the worker knows beyond the runtime's word."""

    node_addresses: Sequence[str] = ()
    pod_addresses: Sequence[str] = ()
    start_time: str = ""
    """RFC 3339; when the node first saw the pod."""
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "runc"
    ending: bool = False
    """The pod is being stopped, or nothing of it will run again."""
    ended: bool = False
    """Nothing of the pod runs any more."""
    failed_reason: str = ""
    """Set when the node gave the pod up (`DeadlineExceeded`, `Evicted`, ...): the phase is then Failed."""
    failed_message: str = ""


def build(pod: Object, seen: Observed, facts: Facts, now: float) -> Object:
    """The status to report now. `pod` is the API's newest."""
    old = pod.get("status") or {}
    generation = pod["metadata"].get("generation")
    by_field = container_status.statuses(
        container_status.Source(
            pod=pod,
            seen=seen,
            old=container_status.old_statuses(pod),
            waiting=facts.waiting,
            messages=facts.messages,
            scheme=facts.scheme,
            ended=facts.ending,
        )
    )
    found = _phase(pod, by_field, facts)
    if facts.ended and found not in spec.TERMINAL_PHASES:
        found = "Failed"
    entries = [*by_field.get("initContainerStatuses", ()), *by_field.get("containerStatuses", ())]
    known = old.get("conditions") or ()
    owned = conditions.owned(pod, entries, found, sandbox_ready=seen.sandbox_ready, known=known)
    status: Object = {
        "phase": found,
        "conditions": conditions.stamp(owned, known, now=now, generation=generation),
        "startTime": old.get("startTime") or facts.start_time or rfc3339(now),
        "qosClass": qos.qos_class(pod),
        **by_field,
    }
    if generation is not None:
        status["observedGeneration"] = generation
    if facts.failed_reason:
        status["reason"] = facts.failed_reason
        status["message"] = facts.failed_message
    status.update(_addresses(pod, facts))
    return status


def _phase(pod: Object, by_field: Mapping[str, list[Object]], facts: Facts) -> str:
    if spec.is_terminal(pod):
        return spec.phase(pod)
    if facts.failed_reason:
        return "Failed"
    entries = [*by_field.get("initContainerStatuses", ()), *by_field.get("containerStatuses", ())]
    found = phase.pod_phase(pod, entries, ended=facts.ended)
    if facts.ended and found not in spec.TERMINAL_PHASES:
        if phase.any_app_started(pod, {entry["name"]: entry for entry in entries}):
            container_status.mark_lost(by_field)
    elif found in spec.TERMINAL_PHASES and not facts.ended:
        # Sidecars still run, or a container is still being removed: the end is told when it is true.
        return spec.phase(pod) if spec.phase(pod) != "Pending" else "Running"
    return found


def _addresses(pod: Object, facts: Facts) -> Object:
    found: Object = {}
    if facts.node_addresses:
        found["hostIP"] = facts.node_addresses[0]
        found["hostIPs"] = [{"ip": address} for address in facts.node_addresses]
    addresses = facts.node_addresses if spec.uses_host_network(pod) else facts.pod_addresses
    if addresses:
        found["podIP"] = addresses[0]
        found["podIPs"] = [{"ip": address} for address in addresses]
    return found


def rejected(reason: str, message: str, *, now: float, generation: int | None) -> Object:
    """The status of a pod that the node does not admit."""
    status: Object = {
        "phase": "Failed",
        "reason": reason,
        "message": message,
        "startTime": rfc3339(now),
    }
    if generation is not None:
        status["observedGeneration"] = generation
    return status
