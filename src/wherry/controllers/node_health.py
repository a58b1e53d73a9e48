"""What follows from a node's conditions: whether it is well, the taints it must carry, how bad its zone is. Pure.

Source: k8s.io/kubernetes pkg/controller/nodelifecycle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.controllers import conditions

_DOMAIN = "node.kubernetes.io/"
NOT_READY, UNREACHABLE = _DOMAIN + "not-ready", _DOMAIN + "unreachable"
UNSCHEDULABLE = _DOMAIN + "unschedulable"
NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"

_BY_CONDITION: dict[tuple[str, str], str] = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): _DOMAIN + "memory-pressure",
    ("DiskPressure", "True"): _DOMAIN + "disk-pressure",
    ("PIDPressure", "True"): _DOMAIN + "pid-pressure",
    ("NetworkUnavailable", "True"): _DOMAIN + "network-unavailable",
}
MANAGED = frozenset((*_BY_CONDITION.values(), UNSCHEDULABLE))
WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that become Unknown when the node is silent."""

LARGE_ZONE = 50
UNHEALTHY_FRACTION = 0.55


class Zone(Enum):
    """How many of a zone's nodes are not ready."""

    NORMAL = "normal"
    PARTIAL = "partial"
    FULL = "full"


def ready_status(node: Object) -> str:
    """`True`, `False` or `Unknown`; a node that never said anything is Unknown."""
    found = conditions.find((node.get("status") or {}).get("conditions"), "Ready")
    return found.get("status", "Unknown") if found else "Unknown"


def is_ready(node: Object) -> bool:
    return ready_status(node) == "True"


def zone_of(node: Object) -> str:
    labels = node["metadata"].get("labels") or {}
    return f"{labels.get('topology.kubernetes.io/region', '')}/{labels.get('topology.kubernetes.io/zone', '')}"


def unknown_conditions(node: Object, now: float) -> list[Object]:
    """The conditions to set on a node that has fallen silent; empty where they are all Unknown already."""
    current, changed = (node.get("status") or {}).get("conditions"), []
    for type_ in WATCHED:
        found = conditions.find(current, type_)
        if found is None:
            reason, message = "NodeStatusNeverUpdated", "Kubelet never posted node status."
            heard = node["metadata"].get("creationTimestamp", "")
        elif found.get("status") != "Unknown":
            reason, message = "NodeStatusUnknown", "Kubelet stopped posting node status."
            heard = found.get("lastHeartbeatTime", "")
        else:
            continue
        changed.append(conditions.make(type_, "Unknown", reason, message, now=rfc3339(now), lastHeartbeatTime=heard))
    return changed


def wanted_taints(node: Object, *, evict: bool) -> set[tuple[str, str]]:
    """(key, effect) of the taints that follow from the node's state. `evict`: NoExecute for nodes that are down."""
    found: set[tuple[str, str]] = set()
    for condition in (node.get("status") or {}).get("conditions") or ():
        if (key := _BY_CONDITION.get((condition["type"], condition.get("status", "")))) is not None:
            found.add((key, NO_SCHEDULE))
    if node["spec"].get("unschedulable"):
        found.add((UNSCHEDULABLE, NO_SCHEDULE))
    if evict:
        found |= {(key, NO_EXECUTE) for key, _ in found if key in (NOT_READY, UNREACHABLE)}
    return found


def next_taints(node: Object, wanted: set[tuple[str, str]], now: float) -> list[Object] | None:
    """The node's taints with ours put right; None where they are right."""
    current: Sequence[Object] = node["spec"].get("taints") or ()
    kept = [taint for taint in current if not _is_managed(taint) or (taint["key"], taint["effect"]) in wanted]
    missing = wanted - {(taint["key"], taint["effect"]) for taint in kept}
    if not missing and len(kept) == len(current):
        return None
    return kept + [{"key": key, "effect": effect, "timeAdded": rfc3339(now)} for key, effect in sorted(missing)]


def _is_managed(taint: Object) -> bool:
    effects = (NO_SCHEDULE, NO_EXECUTE) if taint["key"] in (NOT_READY, UNREACHABLE) else (NO_SCHEDULE,)
    return taint["key"] in MANAGED and taint["effect"] in effects


def zone_state(nodes: Iterable[Object]) -> tuple[Zone, int]:
    """How a zone is, and its size."""
    ready = down = 0
    for node in nodes:
        if is_ready(node):
            ready += 1
        else:
            down += 1
    size = ready + down
    if ready == 0 and down > 0:
        return Zone.FULL, size
    if down > 2 and down / size >= UNHEALTHY_FRACTION:
        return Zone.PARTIAL, size
    return Zone.NORMAL, size


def eviction_interval(state: Zone, size: int) -> float | None:
    """Seconds between two nodes of a zone whose pods are driven out; None: nobody is."""
    if state is not Zone.PARTIAL:
        return 10.0
    return 100.0 if size > LARGE_ZONE else None
