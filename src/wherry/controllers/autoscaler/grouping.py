"""Which pods' figures count: pods without figures, pods that are not ready yet, pods that are gone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.controllers import conditions, pods
from wherry.machinery.quantity import parse_milli

CPU_INITIALIZATION_SECONDS = 300.0
INITIAL_READINESS_SECONDS = 30.0


class CannotCompute(Exception):
    """No number of replicas follows from what is known; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one pod uses, in thousandths, over the seconds of `window` that ended at `at`."""

    value: int
    at: float = 0.0
    window: float = 60.0


@dataclass(slots=True)
class Groups:
    """Names of pods; whoever is in none of the sets is ready and has a figure."""

    ready: int = 0
    unready: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)


def group(found: Iterable[Object], samples: Mapping[str, Sample], *, cpu: bool, now: float) -> Groups:
    """`cpu`: the figures are of CPU, which pods need more of while they start."""
    groups = Groups()
    for pod in found:
        name = pod["metadata"]["name"]
        if pods.is_terminating(pod) or pods.phase(pod) == "Failed":
            groups.ignored.add(name)
        elif pods.phase(pod) == "Pending":
            groups.unready.add(name)
        elif name not in samples:
            groups.missing.add(name)
        elif cpu and _is_starting(pod, samples[name], now):
            groups.unready.add(name)
        else:
            groups.ready += 1
    return groups


def _is_starting(pod: Object, sample: Sample, now: float) -> bool:
    status: Object = pod.get("status") or {}
    condition = conditions.find(status.get("conditions"), "Ready")
    if condition is None or not status.get("startTime"):
        return True
    started = parse_rfc3339(status["startTime"])
    changed = parse_rfc3339(condition["lastTransitionTime"]) if condition.get("lastTransitionTime") else 0.0
    unready = condition.get("status") == "False"
    if started + CPU_INITIALIZATION_SECONDS > now:
        # A figure counts once it is of nothing but the time since the pod got ready.
        return unready or sample.at < changed + sample.window
    return unready and started + INITIAL_READINESS_SECONDS > changed  # it has never been ready


def requests(found: Iterable[Object], resource: str, container: str = "") -> dict[str, int]:
    """What each pod (or that container of it) asks for, in thousandths. Raises `CannotCompute` where one asks for nothing."""
    return {pod["metadata"]["name"]: _request(pod, resource, container) for pod in found}


def _request(pod: Object, resource: str, container: str) -> int:
    spec = pod["spec"]
    own = ((spec.get("resources") or {}).get("requests") or {}).get(resource)
    if own is not None and not container:
        return parse_milli(own)
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    total = 0
    for each in (*spec["containers"], *sidecars):
        if container and each["name"] != container:
            continue
        amount = ((each.get("resources") or {}).get("requests") or {}).get(resource)
        if amount is None:
            name = pod["metadata"]["name"]
            raise CannotCompute(f"missing request for {resource} in container {each['name']} of Pod {name}")
        total += parse_milli(amount)
    return total
