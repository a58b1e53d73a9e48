"""What a pod counts for: its requests and limits while it lives, and itself as long as it is stored.

Source: pkg/quota/v1/evaluator/core/pods.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wherry.api.pod_resources import pod_limits, pod_requests, qos_class
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.machinery.quantity import Quantity

ONE = Quantity(10**9)
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_TRACKED = frozenset(
    {"pods", "count/pods", *(prefix + name for prefix in ("", "requests.", "limits.") for name in _COMPUTE)}
)
_REQUIRED = frozenset({prefix + name for prefix in ("", "requests.", "limits.") for name in ("cpu", "memory")})
"""If a quota counts one of these, every container must say how much it wants."""
_FINISHED = frozenset({"Succeeded", "Failed"})
_HUGE = "hugepages-"


def tracks(name: str) -> bool:
    if name in _TRACKED or name.startswith(_HUGE):
        return True
    asked = name.removeprefix("requests.")
    return asked != name and (asked.startswith(_HUGE) or _is_extended(asked))


def _is_extended(name: str) -> bool:
    """Resources of devices: with a domain that is not Kubernetes' own."""
    domain, slash, _ = name.partition("/")
    return bool(slash) and domain != "kubernetes.io" and not domain.endswith(".kubernetes.io")


def usage(pod: Object, now: float) -> dict[str, Quantity]:
    counted = {"count/pods": ONE}
    if is_over(pod, now):
        return counted
    return counted | _compute(pod_requests(pod["spec"]), pod_limits(pod["spec"]))


def _compute(requests: dict[str, Quantity], limits: dict[str, Quantity]) -> dict[str, Quantity]:
    result = {"pods": ONE}
    for name, amount in requests.items():
        if name in _COMPUTE or name.startswith(_HUGE):
            result[name] = result[f"requests.{name}"] = amount
        elif _is_extended(name):
            result[f"requests.{name}"] = amount
    for name in _COMPUTE:
        if name in limits:
            result[f"limits.{name}"] = limits[name]
    return result


def is_over(pod: Object, now: float) -> bool:
    """Whether it has ended, or should have: a pod that hangs on a lost node is not charged for ever."""
    if (pod.get("status") or {}).get("phase") in _FINISHED:
        return True
    gone_by = overdue(pod)
    return gone_by is not None and now > gone_by


def overdue(pod: Object) -> float | None:
    """From when on a pod that is being deleted is not charged any more."""
    metadata = pod["metadata"]
    marked, grace = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
    return parse_rfc3339(marked) + grace if marked and grace is not None else None


def missing(pod: Object, counted: Collection[str]) -> str:
    """What containers do not say although a quota counts it; empty where nothing is missing."""
    needed = _REQUIRED.intersection(counted)
    found: dict[str, set[str]] = {}
    for container in _containers(pod):
        resources = container.get("resources") or {}
        said = set(_compute(resources.get("requests") or {}, resources.get("limits") or {}))
        for name in needed - said:
            found.setdefault(name, set()).add(container.get("name") or "")
    if not found:
        return ""
    return "must specify " + "; ".join(f"{name} for: {','.join(sorted(found[name]))}" for name in sorted(found))


def _containers(pod: Object) -> Iterable[Object]:
    return (*(pod["spec"].get("containers") or ()), *(pod["spec"].get("initContainers") or ()))


def is_best_effort(pod: Object) -> bool:
    return qos_class(pod["spec"]) == "BestEffort"


def is_terminating(pod: Object) -> bool:
    """Not that it is being deleted: that it has a deadline."""
    return pod["spec"].get("activeDeadlineSeconds") is not None


def reaches_other_namespaces(pod: Object) -> bool:
    """By its affinity to other pods."""
    affinity = pod["spec"].get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(kind) or {}
        weighted = found.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms = [
            *(found.get("requiredDuringSchedulingIgnoredDuringExecution") or ()),
            *(each.get("podAffinityTerm") or {} for each in weighted),
        ]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False
