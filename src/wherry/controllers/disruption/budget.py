"""What a budget allows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339, rfc3339
from wherry.controllers import conditions, pods
from wherry.controllers.deployment.rolling import scaled

DELETION_SECONDS = 120.0
"""How long an evicted pod may take until its deletion is seen; then it counts as healthy again."""


def needs_scale(budget: Object) -> bool:
    """Whether the pods' controllers must be asked how many pods there should be."""
    spec = budget["spec"]
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def wanted(budget: Object, expected: int) -> int:
    """How many of the expected pods must be healthy."""
    spec = budget["spec"]
    if spec.get("maxUnavailable") is not None:
        return max(0, expected - scaled(spec["maxUnavailable"], expected, round_up=True))
    return scaled(spec.get("minAvailable", 0), expected, round_up=True)


def disrupted(budget: Object, found: Iterable[Object], now: float) -> tuple[dict[str, str], list[Object]]:
    """Pods that were evicted and not yet seen to be deleted, and those for which that took too long."""
    noted: Mapping[str, str] = (budget.get("status") or {}).get("disruptedPods") or {}
    kept, late = {}, []
    for pod in found:
        name = pod["metadata"]["name"]
        if name not in noted or pods.is_terminating(pod):
            continue
        if parse_rfc3339(noted[name]) + DELETION_SECONDS < now:
            late.append(pod)
        else:
            kept[name] = noted[name]
    return kept, late


def recheck_in(kept: Mapping[str, str], now: float) -> float | None:
    """Seconds until the oldest eviction takes too long."""
    return min((parse_rfc3339(at) + DELETION_SECONDS + 1 - now for at in kept.values()), default=None)


def next_status(budget: Object, found: Sequence[Object], expected: int, kept: Mapping[str, str], now: float) -> Object:
    """The status as it follows from the pods."""
    healthy = sum(
        pods.is_ready(pod) and not pods.is_terminating(pod) and pod["metadata"]["name"] not in kept for pod in found
    )
    desired = wanted(budget, expected)
    allowed = max(0, healthy - desired) if expected > 0 else 0
    reason = "SufficientPods" if allowed else "InsufficientPods"
    status = _with_condition(budget, bool(allowed), reason, "", now)
    if kept:
        status["disruptedPods"] = dict(kept)
    else:
        status.pop("disruptedPods", None)
    return status | {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
    }


def failed_status(budget: Object, why: str, now: float) -> Object:
    """Where nothing can be known, nothing is allowed."""
    status = _with_condition(budget, False, "SyncFailed", why, now)
    counts = {name: status.get(name, 0) for name in ("currentHealthy", "desiredHealthy", "expectedPods")}
    return status | counts | {"disruptionsAllowed": 0}


def _with_condition(budget: Object, allowed: bool, reason: str, message: str, now: float) -> Object:
    status = dict(budget.get("status") or {})
    generation = budget["metadata"].get("generation", 0)
    new = conditions.make("DisruptionAllowed", allowed, reason, message, now=rfc3339(now))
    new = {"message": "", **new, "observedGeneration": generation}
    current = conditions.find(status.get("conditions"), "DisruptionAllowed")
    if current is not None and current.get("status") == new["status"]:
        new["lastTransitionTime"] = current.get("lastTransitionTime", new["lastTransitionTime"])
    status["conditions"] = [*conditions.without(status.get("conditions"), "DisruptionAllowed"), new]
    return status | {"observedGeneration": generation}
