"""What controllers need to know of a pod: active, ready, available, which to delete first. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.controllers import conditions

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASE_ORDER = {"Pending": 0, "Unknown": 1, "Running": 2}


def phase(pod: Object) -> str:
    return (pod.get("status") or {}).get("phase", "")


def is_terminating(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_finished(pod: Object) -> bool:
    return phase(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Neither finished nor being deleted."""
    return not is_finished(pod) and not is_terminating(pod)


def is_ready(pod: Object) -> bool:
    return conditions.is_true((pod.get("status") or {}).get("conditions"), "Ready")


def ready_since(pod: Object) -> float | None:
    """When it became ready, in seconds since 1970; None where it is not, or does not say."""
    condition = conditions.find((pod.get("status") or {}).get("conditions"), "Ready")
    if condition is None or condition.get("status") != "True" or not condition.get("lastTransitionTime"):
        return None
    return parse_rfc3339(condition["lastTransitionTime"])


def available_in(pod: Object, min_ready_seconds: int, now: float) -> float | None:
    """Seconds until the pod counts as available if it stays ready; 0 or less: it is; None: it is not ready."""
    if not is_ready(pod):
        return None
    if min_ready_seconds == 0:
        return 0.0
    since = ready_since(pod)
    return None if since is None else since + min_ready_seconds - now


def is_available(pod: Object, min_ready_seconds: int, now: float) -> bool:
    wait = available_in(pod, min_ready_seconds, now)
    return wait is not None and wait <= 0


def next_availability(pods: Iterable[Object], min_ready_seconds: int, now: float) -> float | None:
    """Seconds until the next ready pod becomes available; None where none is on the way."""
    waits = [wait for pod in pods if (wait := available_in(pod, min_ready_seconds, now)) is not None and wait > 0]
    return min(waits, default=None)


def from_template(template: Object, owner: Object, reference: Object, *, name: str = "") -> Object:
    """A pod as the owner's template says, controlled by the owner. Without a name the server makes one."""
    given = template.get("metadata") or {}
    metadata: Object = {"name": name} if name else {"generateName": f"{owner['metadata']['name']}-"}
    metadata["namespace"] = owner["metadata"]["namespace"]
    for part in ("labels", "annotations", "finalizers"):
        if given.get(part):
            metadata[part] = given[part].copy()
    metadata["ownerReferences"] = [reference]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def deletion_order(
    pods: Iterable[Object], *, now: float, rank: Callable[[Object], int] = lambda pod: 0
) -> list[Object]:
    """The pods, those to delete first at the front.

    Unassigned before assigned, pending before running, not ready before ready, cheap before dear, crowded nodes
    before empty ones (`rank`: how many related pods share the node), freshly ready before long ready, often restarted
    before stable, young before old. Ages are compared by their order of magnitude, so that a rollout's pods do not all
    go from the same batch. Source: `ActivePodsWithRanks` in pkg/controller/controller_utils.go.
    """
    return sorted(pods, key=lambda pod: _deletion_key(pod, now, rank(pod)))


def _deletion_key(pod: Object, now: float, rank: int) -> tuple[Any, ...]:
    metadata = pod["metadata"]
    ready = is_ready(pod)
    since = ready_since(pod) if ready else None
    created = metadata.get("creationTimestamp")
    return (
        bool(pod["spec"].get("nodeName")),
        _PHASE_ORDER.get(phase(pod), 0),
        ready,
        deletion_cost(metadata.get("annotations") or {}),
        -rank,
        _magnitude(now - since) if since is not None else -2,
        -most_restarts(pod),
        _magnitude(now - parse_rfc3339(created)) if created else -2,
        metadata.get("uid", ""),
    )


def _magnitude(seconds: float) -> int:
    """The binary logarithm of an age in nanoseconds, as an integer; -1 for none."""
    return int(math.log2(seconds * 1e9)) if seconds > 0 else -1


def deletion_cost(annotations: Mapping[str, str]) -> int:
    """The pod's own say in the order; what is not a canonical 32-bit integer counts as 0."""
    text = annotations.get(DELETION_COST, "")
    try:
        value = int(text)
    except ValueError:
        return 0
    return value if str(value) == text and -(2**31) <= value < 2**31 else 0


def most_restarts(pod: Object) -> int:
    return max((s.get("restartCount", 0) for s in (pod.get("status") or {}).get("containerStatuses") or ()), default=0)


def related_on_same_node(related: Iterable[Object]) -> Callable[[Object], int]:
    """A `rank` for `deletion_order`: how many active related pods are on the pod's node."""
    counts: dict[str, int] = {}
    for pod in related:
        if is_active(pod):
            node = pod["spec"].get("nodeName", "")
            counts[node] = counts.get(node, 0) + 1
    return lambda pod: counts.get(pod["spec"].get("nodeName", ""), 0)
