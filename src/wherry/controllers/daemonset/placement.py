"""Which nodes need a daemon pod, which pods go, what a rolling update replaces next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.controllers import node_affinity, pods
from wherry.controllers.deployment.rolling import scaled
from wherry.controllers.history import HASH_LABEL
from wherry.controllers.tainteviction import tolerates

_NODE = "node.kubernetes.io/"
TOLERATIONS: tuple[tuple[str, str], ...] = (
    (_NODE + "not-ready", "NoExecute"),
    (_NODE + "unreachable", "NoExecute"),
    (_NODE + "disk-pressure", "NoSchedule"),
    (_NODE + "memory-pressure", "NoSchedule"),
    (_NODE + "pid-pressure", "NoSchedule"),
    (_NODE + "unschedulable", "NoSchedule"),
)
"""What daemon pods tolerate without saying so; on the host's network also `network-unavailable`."""


@dataclass(slots=True)
class Steps:
    """What to do now. Failed and succeeded pods are to be deleted too, and told of."""

    create_on: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    failed: list[Object] = field(default_factory=list)
    succeeded: list[Object] = field(default_factory=list)


def pod_spec(daemonset: Object, node: str = "") -> Object:
    """The template's spec with the tolerations of a daemon pod, pinned to a node."""
    spec = dict(daemonset["spec"]["template"]["spec"])
    extra = [*TOLERATIONS, (_NODE + "network-unavailable", "NoSchedule")] if spec.get("hostNetwork") else TOLERATIONS
    tolerations = list(spec.get("tolerations") or ())
    for key, effect in extra:
        new = {"key": key, "operator": "Exists", "effect": effect}
        tolerations = [t for t in tolerations if (t.get("key"), t.get("effect")) != (key, effect)] + [new]
    spec["tolerations"] = tolerations
    return node_affinity.only_on(spec, node) if node else spec


def should_run(daemonset: Object, node: Object) -> tuple[bool, bool]:
    """Whether a pod should be started on the node, and whether one that runs there may go on."""
    spec = pod_spec(daemonset)
    if spec.get("nodeName") not in (None, "", node["metadata"]["name"]) or not node_affinity.allows(spec, node):
        return False, False
    hard = [t for t in node["spec"].get("taints") or () if t["effect"] in ("NoSchedule", "NoExecute")]
    untolerated = [t for t in hard if not any(tolerates(toleration, t) for toleration in spec["tolerations"])]
    if not untolerated:
        return True, True
    return False, all(taint["effect"] != "NoExecute" for taint in untolerated)


def node_of(pod: Object) -> str:
    """Where a daemon pod is, or is meant to be."""
    return pod["spec"].get("nodeName") or node_affinity.pinned_to(pod["spec"])


def by_node(found: Iterable[Object]) -> dict[str, list[Object]]:
    result: dict[str, list[Object]] = {}
    for pod in found:
        result.setdefault(node_of(pod), []).append(pod)
    return result


def is_current(pod: Object, hash_: str) -> bool:
    return (pod["metadata"].get("labels") or {}).get(HASH_LABEL) == hash_


def surge_of(daemonset: Object, desired: int) -> tuple[int, int]:
    """maxSurge and maxUnavailable in nodes; never both zero."""
    rolling = (daemonset["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    unavailable = scaled(rolling.get("maxUnavailable", 1), desired, round_up=True)
    surge = scaled(rolling.get("maxSurge", 0), desired, round_up=True)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def allows_surge(daemonset: Object) -> bool:
    rolling = (daemonset["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return is_rolling(daemonset) and rolling.get("maxSurge", 0) not in (0, "0%", None)


def is_rolling(daemonset: Object) -> bool:
    return (daemonset["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"


def steps(
    daemonset: Object, nodes: Iterable[Object], placed: Mapping[str, Sequence[Object]], hash_: str, now: float
) -> Steps:
    """Bring every node to its one pod."""
    result = Steps()
    known = set()
    for node in nodes:
        name = node["metadata"]["name"]
        known.add(name)
        start, go_on = should_run(daemonset, node)
        here = placed.get(name, ())
        if start and not here:
            result.create_on.append(name)
        elif go_on:
            _keep_one(daemonset, name, here, hash_, now, result)
        else:
            result.delete += [pod for pod in here if not pods.is_terminating(pod)]
    for name, here in placed.items():
        if name not in known:
            # Pods that were never bound to a node that is gone; of bound ones the pod collector takes care.
            result.delete += [p for p in here if not p["spec"].get("nodeName") and not pods.is_terminating(p)]
    return result


def _keep_one(daemonset: Object, node: str, here: Iterable[Object], hash_: str, now: float, result: Steps) -> None:
    running = []
    for pod in here:
        if pods.is_terminating(pod):
            continue
        if pods.phase(pod) == "Failed":
            result.failed.append(pod)
        elif pods.phase(pod) == "Succeeded":
            result.succeeded.append(pod)
        else:
            running.append(pod)
    if len(running) < 2:
        return
    running.sort(key=_oldest_first)
    if not allows_surge(daemonset):
        result.delete += running[1:]
        return
    _keep_surged(daemonset, running, hash_, now, result)


def _keep_surged(daemonset: Object, running: Sequence[Object], hash_: str, now: float, result: Steps) -> None:
    """While surging, an old pod and a new one may stand side by side: until the new one is available."""
    min_ready = daemonset["spec"].get("minReadySeconds", 0)
    old = [pod for pod in running if not is_current(pod, hash_)]
    new = [pod for pod in running if is_current(pod, hash_)]
    result.delete += old[1:] + new[1:]
    if not old or not new:
        return
    if pods.is_available(new[0], min_ready, now) or not pods.is_ready(old[0]):
        result.delete.append(old[0])


def _oldest_first(pod: Object) -> tuple[bool, str, str]:
    metadata = pod["metadata"]
    return not pod["spec"].get("nodeName"), metadata.get("creationTimestamp", ""), metadata["name"]


def _pair(here: Sequence[Object], hash_: str) -> tuple[Object | None, Object | None] | None:
    """The new and the old pod of a node; None where there are two of one kind."""
    new = old = None
    for pod in here:
        if pods.is_terminating(pod):
            continue
        if is_current(pod, hash_):
            if new is not None:
                return None
            new = pod
        else:
            if old is not None:
                return None
            old = pod
    return new, old


def rolling_steps(
    daemonset: Object, placed: Mapping[str, Sequence[Object]], hash_: str, desired: int, now: float
) -> Steps:
    """What the rolling update replaces next."""
    surge, unavailable = surge_of(daemonset, desired)
    pairs = {name: _pair(here, hash_) for name, here in placed.items()}
    min_ready = daemonset["spec"].get("minReadySeconds", 0)
    if surge:
        return _surging(pairs, surge, min_ready, now)
    return _replacing(pairs, unavailable, min_ready, now)


_Pairs = Mapping[str, tuple[Object | None, Object | None] | None]


def _replacing(pairs: _Pairs, allowed: int, min_ready: int, now: float) -> Steps:
    """Delete old pods: those that are not available at once, others as far as `allowed` nodes may be without."""
    missing = 0
    broken: list[Object] = []
    candidates: list[Object] = []
    for pair in pairs.values():
        new, old = pair or (None, None)
        if (new is None) == (old is None):
            missing += 1
        elif new is not None:
            missing += not pods.is_available(new, min_ready, now)
        elif old is not None:
            (candidates if pods.is_available(old, min_ready, now) else broken).append(old)
    return Steps(delete=broken + candidates[: max(0, allowed - missing)])


def _surging(pairs: _Pairs, allowed: int, min_ready: int, now: float) -> Steps:
    """Start new pods beside old ones on at most `allowed` nodes; delete old ones whose new one is available."""
    result, surging = Steps(), 0
    candidates: list[str] = []
    for name, pair in pairs.items():
        if pair is None:
            surging += 1
            continue
        new, old = pair
        if old is None:
            continue
        if new is None:
            available = pods.is_available(old, min_ready, now)
            (candidates if available else result.create_on).append(name)
        elif pods.is_available(new, min_ready, now):
            result.delete.append(old)
        else:
            surging += 1
    result.create_on += candidates[: max(0, allowed - surging)]
    return result


def next_status(
    daemonset: Object, nodes: Iterable[Object], placed: Mapping[str, Sequence[Object]], hash_: str, now: float
) -> Object:
    """The counts of the status."""
    min_ready = daemonset["spec"].get("minReadySeconds", 0)
    count = dict.fromkeys(("desired", "current", "misscheduled", "ready", "updated", "available"), 0)
    for node in nodes:
        here = sorted(placed.get(node["metadata"]["name"], ()), key=_oldest_first)
        if not should_run(daemonset, node)[0]:
            count["misscheduled"] += bool(here)
            continue
        count["desired"] += 1
        if not here:
            continue
        oldest = here[0]
        count["current"] += 1
        count["ready"] += pods.is_ready(oldest)
        count["available"] += pods.is_available(oldest, min_ready, now)
        count["updated"] += is_current(oldest, hash_)
    status = {
        "currentNumberScheduled": count["current"],
        "numberMisscheduled": count["misscheduled"],
        "desiredNumberScheduled": count["desired"],
        "numberReady": count["ready"],
    }
    optional = {
        "observedGeneration": daemonset["metadata"].get("generation", 0),
        "updatedNumberScheduled": count["updated"],
        "numberAvailable": count["available"],
        "numberUnavailable": count["desired"] - count["available"],
        "collisionCount": (daemonset.get("status") or {}).get("collisionCount"),
    }
    return status | {name: value for name, value in optional.items() if value}
