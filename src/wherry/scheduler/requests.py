"""What a pod asks for as a whole, in whole numbers: CPU in thousandths, everything else in units or bytes.

Init containers run one at a time before the others; sidecars (init containers that always restart) stay. Requests for
the pod as a whole replace the sum of its containers'; the overhead of its runtime class comes on top. For a pod that
is being resized in place the larger of wanted, allocated and actual counts.
Source: KEP-753, KEP-1287, KEP-2837, KEP-688; k8s.io/component-helpers/resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from wherry.api.pod_resources import peak
from wherry.api.types import Object
from wherry.machinery.quantity import QuantityError, parse_milli, parse_value

Amounts = dict[str, int]

DEFAULT_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024
"""What a container without a request counts as where nodes are compared, so that pods without any spread too."""

_DEFAULTS: Mapping[str, int] = {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY}
_NONE: Mapping[str, Any] = {}


@lru_cache(maxsize=8192)
def amount(name: str, text: str | int | float) -> int:
    """A quantity as a whole number, rounded up; nonsense counts as nothing (the API server refuses it)."""
    try:
        return parse_milli(text) if name == "cpu" else parse_value(text)
    except QuantityError:
        return 0


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    return {name: amount(name, text) for name, text in (quantities or {}).items()}


def pod_requests(pod: Object, *, nonzero: bool = False) -> Amounts:
    """Resource to amount; with `nonzero`, containers that name no CPU or memory count with the defaults."""
    spec = pod["spec"]
    own = (spec.get("resources") or {}).get("requests")
    missing = {name: value for name, value in _DEFAULTS.items() if not own or name not in own} if nonzero else _NONE
    statuses = _statuses(pod)
    total = peak(
        (_container(container, statuses, missing) for container in spec.get("containers") or ()),
        (
            (_container(container, statuses, missing), container.get("restartPolicy") == "Always")
            for container in spec.get("initContainers") or ()
        ),
    )
    if own:
        total.update(amounts(own))
    for name, value in amounts(spec.get("overhead")).items():
        total[name] = total.get(name, 0) + value
    return total


def requests_and_weights(pod: Object) -> tuple[Amounts, int, int]:
    """What is above zero of `pod_requests`, and CPU and memory with the defaults for containers that name none."""
    spec, status = pod["spec"], pod.get("status")
    if (
        "initContainers" in spec
        or "resources" in spec
        or "overhead" in spec
        or (status and ("containerStatuses" in status or "initContainerStatuses" in status))
    ):
        nonzero = pod_requests(pod, nonzero=True)
        requests = {name: value for name, value in pod_requests(pod).items() if value}
        return requests, nonzero.get("cpu", DEFAULT_CPU), nonzero.get("memory", DEFAULT_MEMORY)
    return _of_containers(spec.get("containers") or ())


def _of_containers(containers: Sequence[Object]) -> tuple[Amounts, int, int]:
    """The common case in one pass: nothing but containers."""
    total: Amounts = {}
    cpu = memory = 0
    for container in containers:
        asked = (container.get("resources") or _NONE).get("requests") or _NONE
        for name, text in asked.items():
            if value := amount(name, text):
                total[name] = total.get(name, 0) + value
        if "cpu" not in asked:
            cpu += DEFAULT_CPU
        if "memory" not in asked:
            memory += DEFAULT_MEMORY
    return total, cpu + total.get("cpu", 0), memory + total.get("memory", 0)


def _container(container: Object, statuses: Mapping[str, Object], missing: Mapping[str, int]) -> Amounts:
    asked = amounts((container.get("resources") or {}).get("requests"))
    if statuses and (status := statuses.get(container["name"])) is not None:
        _raise_to(asked, amounts(status.get("allocatedResources")))
        _raise_to(asked, amounts((status.get("resources") or {}).get("requests")))
    for name, value in missing.items():
        asked.setdefault(name, value)
    return asked


def _statuses(pod: Object) -> Mapping[str, Object]:
    """Container statuses that tell of allocated resources, by name."""
    status = pod.get("status")
    if not status:
        return {}
    fields = ("containerStatuses", "initContainerStatuses")
    return {
        entry["name"]: entry for field in fields for entry in status.get(field) or () if "allocatedResources" in entry
    }


def _raise_to(total: Amounts, floor: Mapping[str, int]) -> None:
    for name, value in floor.items():
        if total.get(name, 0) < value:
            total[name] = value
