"""The quality-of-service class of a pod and what follows from it: its cgroup and the kernel's OOM order."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.machinery.quantity import parse, parse_value
from wherry.node.pod import spec

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COUNTED = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """Guaranteed: every container has equal requests and limits of CPU and memory; BestEffort: none has any."""
    if recorded := (pod.get("status") or {}).get("qosClass"):
        return str(recorded)
    anything, guaranteed = False, True
    pod_level = pod["spec"].get("resources")
    parts = [pod_level] if pod_level else [c.get("resources") or {} for c in _counted_containers(pod)]
    for resources in parts:
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name in _COUNTED:
            limit, request = limits.get(name), requests.get(name, limits.get(name))
            has_limit = limit is not None and bool(parse(limit))
            anything = anything or has_limit or (request is not None and bool(parse(request)))
            guaranteed = guaranteed and has_limit and parse(limit) == parse(request)
    if not anything:
        return BEST_EFFORT
    return GUARANTEED if guaranteed else BURSTABLE


def _counted_containers(pod: Object) -> list[Object]:
    return [*spec.init_containers(pod), *spec.app_containers(pod)]


def cgroup(pod: Object) -> str:
    """The pod's cgroup below the node's: guaranteed pods stand at the top."""
    own = f"pod{spec.uid(pod)}"
    found = qos_class(pod)
    return own if found == GUARANTEED else f"{found.lower()}/{own}"


def oom_score_adjust(pod: Object, container: Object, memory_capacity: int) -> int:
    """-997 for guaranteed and node-critical pods, 1000 for best effort, between them by the share of memory asked."""
    if int(pod["spec"].get("priority") or 0) >= 2_000_001_000:
        return -997
    found = qos_class(pod)
    if found == GUARANTEED:
        return -997
    if found == BEST_EFFORT:
        return 1000
    requests = (container.get("resources") or {}).get("requests") or {}
    asked = parse_value(requests.get("memory", 0))
    score = 1000 - (1000 * asked) // max(1, memory_capacity)
    return min(max(score, 3), 999)
