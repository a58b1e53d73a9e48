"""A deployment's status: counts, and the conditions Available, Progressing and ReplicaFailure. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339, rfc3339
from wherry.controllers import conditions
from wherry.controllers.deployment.rolling import counted, max_unavailable, total
from wherry.controllers.replicaset import replicas_of

NO_DEADLINE = 2**31 - 1
TIMED_OUT = "ProgressDeadlineExceeded"
NEW_AVAILABLE = "NewReplicaSetAvailable"


def has_deadline(deployment: Object) -> bool:
    return deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE) not in (None, NO_DEADLINE)


def progressing(status: bool | str, reason: str, message: str, now: float) -> Object:
    return condition("Progressing", status, reason, message, now)


def condition(type: str, status: bool | str, reason: str, message: str, now: float) -> Object:
    stamp = rfc3339(now)
    return conditions.make(type, status, reason, message, now=stamp, lastUpdateTime=stamp)


def with_condition(status: Object, new: Object) -> Object:
    return {**status, "conditions": conditions.with_condition(status.get("conditions"), new)}


def without_condition(status: Object, type: str) -> Object:
    return {**status, "conditions": conditions.without(status.get("conditions"), type)}


def calculate(deployment: Object, sets: Sequence[Object], new: Object | None, now: float) -> Object:
    """Counts and availability as they follow from the sets."""
    before = deployment.get("status") or {}
    available = counted(sets, "availableReplicas")
    numbers = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": counted(sets),
        "updatedReplicas": counted([new]),
        "readyReplicas": counted(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total(sets) - available),
    }
    status: Object = {name: value for name, value in numbers.items() if value}
    if all("terminatingReplicas" in (rs.get("status") or {}) for rs in sets):
        status["terminatingReplicas"] = counted(sets, "terminatingReplicas")
    if "collisionCount" in before:
        status["collisionCount"] = before["collisionCount"]
    status["conditions"] = list(before.get("conditions") or ())
    if available >= replicas_of(deployment) - max_unavailable(deployment):
        found = ("Available", True, "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    else:
        found = (
            "Available",
            False,
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
            now,
        )
    return with_condition(status, condition(*found))


def is_complete(deployment: Object, status: Object) -> bool:
    """Every pod is of the new template and available."""
    wanted = replicas_of(deployment)
    return (
        status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    )


def has_progressed(before: Object, after: Object) -> bool:
    """Whether anything came nearer: more new, ready or available pods, or fewer old ones."""

    def old(status: Object) -> int:
        return status.get("replicas", 0) - status.get("updatedReplicas", 0)

    return old(after) < old(before) or any(
        after.get(name, 0) > before.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )


def has_timed_out(deployment: Object, status: Object, now: float) -> bool:
    found = conditions.find(status.get("conditions"), "Progressing")
    if not has_deadline(deployment) or found is None or found.get("reason") == NEW_AVAILABLE:
        return False
    if found.get("reason") == TIMED_OUT:
        return True
    since = parse_rfc3339(found.get("lastUpdateTime") or found["lastTransitionTime"])
    return since + deployment["spec"]["progressDeadlineSeconds"] < now


def rollout(deployment: Object, sets: Sequence[Object], new: Object | None, now: float) -> Object:
    """The status during (and after) a rollout, with how it goes on."""
    before = deployment.get("status") or {}
    status = calculate(deployment, sets, new, now)
    if not has_deadline(deployment):
        status = without_condition(status, "Progressing")
    current = conditions.find(before.get("conditions"), "Progressing")
    done = (
        current is not None
        and current.get("reason") == NEW_AVAILABLE
        and status.get("replicas", 0) == status.get("updatedReplicas", 0)
    )
    if has_deadline(deployment) and not done:
        status = _with_progress(deployment, before, status, new, now)
    failure = replica_failure(sets, new)
    return with_condition(status, failure) if failure else _dropped(status, "ReplicaFailure")


def _dropped(status: Object, type: str) -> Object:
    return without_condition(status, type) if conditions.find(status["conditions"], type) else status


def _with_progress(deployment: Object, before: Object, status: Object, new: Object | None, now: float) -> Object:
    subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    if is_complete(deployment, status):
        return with_condition(status, progressing(True, NEW_AVAILABLE, f"{subject} has successfully progressed.", now))
    if has_progressed(before, status):
        found = progressing(True, "ReplicaSetUpdated", f"{subject} is progressing.", now)
        current = conditions.find(status["conditions"], "Progressing")
        if current is not None and current.get("status") == "True":
            found["lastTransitionTime"] = current["lastTransitionTime"]
        # Removed first: each step forward renews lastUpdateTime, from which the deadline counts.
        return with_condition(without_condition(status, "Progressing"), found)
    if has_timed_out(deployment, status, now):
        return with_condition(status, progressing(False, TIMED_OUT, f"{subject} has timed out progressing.", now))
    return status


def replica_failure(sets: Iterable[Object], new: Object | None) -> Object | None:
    """The first set's ReplicaFailure as the deployment's, the new set's before all others."""
    ordered = ([new] if new else []) + [rs for rs in sets if rs is not new]
    for rs in ordered:
        found = conditions.find((rs.get("status") or {}).get("conditions"), "ReplicaFailure")
        if found is not None:
            stamp = found.get("lastTransitionTime", "")
            return conditions.make(
                "ReplicaFailure",
                found["status"],
                found.get("reason", ""),
                found.get("message", ""),
                now=stamp,
                lastUpdateTime=stamp,
            )
    return None


def stuck_check_in(deployment: Object, status: Object, now: float) -> float | None:
    """Seconds until the progress deadline must be looked at again; None where it need not be."""
    current = conditions.find((deployment.get("status") or {}).get("conditions"), "Progressing")
    if not has_deadline(deployment) or current is None:
        return None
    if is_complete(deployment, status) or current.get("reason") == TIMED_OUT:
        return None
    since = parse_rfc3339(current.get("lastUpdateTime") or current["lastTransitionTime"])
    # One second more: timestamps have no fractions, and the deadline must have passed.
    return max(0.0, since + deployment["spec"]["progressDeadlineSeconds"] - now) + 1.0
