"""What a pod asks for as a whole: its quality of service class and its effective requests.

Sidecars (init containers that always restart) count for the whole life of the pod, other init containers one at a
time. Source: KEP-753, KEP-2837; pkg/apis/core/helper/qos, component-helpers/resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from wherry.api.types import Object
from wherry.machinery.quantity import ZERO, Quantity, QuantityError, parse

N = TypeVar("N", int, Quantity)
_QOS_RESOURCES = ("cpu", "memory")


def qos_class(spec: Mapping[str, Any]) -> str:
    """`Guaranteed`, `Burstable` or `BestEffort`, from CPU and memory of a pod spec."""
    own = spec.get("resources")
    if own and (own.get("limits") or own.get("requests")):
        parts: list[Any] = [own]
    else:
        parts = [c.get("resources") for key in ("containers", "initContainers") for c in spec.get(key) or ()]
    if not any(parts):
        return "BestEffort"
    return _classify(parts)


def _classify(parts: Iterable[Mapping[str, Any] | None]) -> str:
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    guaranteed = True
    for part in parts:
        resources = part or {}
        _add_positive(requests, resources.get("requests"))
        if not _add_positive(limits, resources.get("limits")):
            guaranteed = False
    if not requests and not limits:
        return "BestEffort"
    return "Guaranteed" if guaranteed and requests == limits else "Burstable"


def _add_positive(totals: dict[str, Quantity], quantities: Mapping[str, str] | None) -> bool:
    """Add up CPU and memory; True if both are there and above zero."""
    found = 0
    for name in _QOS_RESOURCES if quantities else ():
        amount = _amount((quantities or {}).get(name))
        if amount.nanos > 0:
            totals[name] = totals.get(name, ZERO) + amount
            found += 1
    return found == len(_QOS_RESOURCES)


@lru_cache(maxsize=4096)
def _amount(text: str | int | float | None) -> Quantity:
    if text is None:
        return ZERO
    try:
        return parse(text)
    except QuantityError:
        # Validation comes later and names the field.
        return ZERO


def effective_requests(spec: Mapping[str, Any]) -> Object:
    """Resource name to quantity text: what the scheduler must find room for, from the containers alone."""
    return {name: str(amount) for name, amount in containers_peak(spec, "requests").items()}


def pod_requests(spec: Mapping[str, Any], *, overhead: bool = True) -> dict[str, Quantity]:
    """What the whole pod asks for: its own requests where it has some, else its containers', and its overhead."""
    totals = containers_peak(spec, "requests")
    totals.update(amounts(spec, "requests"))
    if overhead:
        _add(totals, {name: _amount(text) for name, text in (spec.get("overhead") or {}).items()})
    return totals


def pod_limits(spec: Mapping[str, Any], *, overhead: bool = True) -> dict[str, Quantity]:
    """The limits of the whole pod; its overhead raises those that there are."""
    totals = containers_peak(spec, "limits")
    totals.update(amounts(spec, "limits"))
    for name, text in (spec.get("overhead") or {}).items() if overhead else ():
        if totals.get(name):
            totals[name] = totals[name] + _amount(text)
    return totals


def containers_peak(spec: Mapping[str, Any], field: str) -> dict[str, Quantity]:
    """What the containers need at most at the same time, of `requests` or `limits`."""
    regular = [amounts(container, field) for container in spec.get("containers") or ()]
    init = [
        (amounts(container, field), container.get("restartPolicy") == "Always")
        for container in spec.get("initContainers") or ()
    ]
    return peak(regular, init)


def amounts(holder: Mapping[str, Any], field: str) -> dict[str, Quantity]:
    """The `resources` of a container or pod as quantities."""
    found = (holder.get("resources") or {}).get(field) or {}
    return {name: _amount(text) for name, text in found.items()}


def peak(regular: Iterable[Mapping[str, N]], init: Iterable[tuple[Mapping[str, N], bool]]) -> dict[str, N]:
    """The most that is needed at once, in whatever numbers it is counted.

    `regular` are containers that run together; of each of `init`, in order, it is said whether it is a sidecar, which
    stays while the later ones run and while the regular ones do.
    """
    totals: dict[str, N] = {}
    for asked in regular:
        _add(totals, asked)
    sidecars: dict[str, N] = {}
    highest: dict[str, N] = {}
    for asked, sidecar in init:
        if sidecar:
            _add(totals, asked)
            _add(sidecars, asked)
            _raise_to(highest, sidecars)
        else:
            together = dict(asked)
            _add(together, sidecars)
            _raise_to(highest, together)
    _raise_to(totals, highest)
    return totals


def _add(totals: dict[str, N], more: Mapping[str, N]) -> None:
    for name, amount in more.items():
        totals[name] = totals[name] + amount if name in totals else amount


def _raise_to(totals: dict[str, N], floor: Mapping[str, N]) -> None:
    for name, amount in floor.items():
        if name not in totals or totals[name] < amount:
            totals[name] = amount
