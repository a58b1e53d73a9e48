"""What objects count for, by resource: pods, services and claims have rules of their own, all others are counted.

Source: pkg/quota/v1/evaluator/core, k8s.io/apiserver/pkg/quota/v1/generic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wherry.api.types import Object
from wherry.machinery.quantity import Quantity, parse
from wherry.policy.quota import pods
from wherry.policy.quota.pods import ONE

PODS, SERVICES, CLAIMS = "pods", "services", "persistentvolumeclaims"
DEVICE_CLAIMS = "resourceclaims.resource.k8s.io"
_ALIASES = frozenset({"configmaps", "resourcequotas", "replicationcontrollers", "secrets"})
"""Counted under their own names as well as under `count/`."""
_SERVICES = frozenset({"count/services", "services", "services.nodeports", "services.loadbalancers"})
_CLASS = ".storageclass.storage.k8s.io/"
_CLAIM_KINDS = ("persistentvolumeclaims", "requests.storage")
_CLAIMS = frozenset({"count/persistentvolumeclaims", *_CLAIM_KINDS})
_DEVICES = ".deviceclass.resource.k8s.io/devices"
_DEVICE_CLAIM_COUNT = f"count/{DEVICE_CLAIMS}"
_MOST_DEVICES = 32
"""Of one request that asks for all there are: a claim gets no more."""
_DEFAULT_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def tracked(resource: str, names: Iterable[str]) -> list[str]:
    """Those of a quota's names that objects of a resource (`pods`, `deployments.apps`) count for, in order."""
    tracks = _TRACKS.get(resource)
    if tracks is not None:
        return sorted(name for name in names if tracks(name))
    own = {f"count/{resource}", *((resource,) if resource in _ALIASES else ())}
    return sorted(own.intersection(names))


def resource_of(name: str) -> str:
    """The resource whose objects count for a name of a quota; empty if there is none."""
    if name.startswith("count/"):
        return name.removeprefix("count/")
    if name in _ALIASES:
        return name
    return next((resource for resource, tracks in _TRACKS.items() if tracks(name)), "")


def usage(resource: str, obj: Object, now: float) -> dict[str, Quantity]:
    """What one object counts for."""
    if resource == PODS:
        return pods.usage(obj, now)
    if resource == SERVICES:
        return _service(obj)
    if resource == CLAIMS:
        return _claim(obj)
    counted = {f"count/{resource}": ONE}
    if resource == DEVICE_CLAIMS:
        return {**counted, **_devices(obj)}
    if resource in _ALIASES:
        counted[resource] = ONE
    return counted


def _service(service: Object) -> dict[str, Quantity]:
    spec = service.get("spec") or {}
    kind, ports = spec.get("type"), spec.get("ports") or ()
    node_ports = len(ports) if kind in ("NodePort", "LoadBalancer") else 0
    if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
        node_ports = sum(1 for port in ports if port.get("nodePort"))
    return {
        "count/services": ONE,
        "services": ONE,
        "services.loadbalancers": ONE * (kind == "LoadBalancer"),
        "services.nodeports": ONE * node_ports,
    }


def _claim(claim: Object) -> dict[str, Quantity]:
    counted = {"count/persistentvolumeclaims": ONE, "persistentvolumeclaims": ONE}
    storage = _storage(claim)
    if storage is not None:
        counted["requests.storage"] = storage
    annotations = claim["metadata"].get("annotations") or {}
    storage_class = annotations.get(_DEFAULT_CLASS_ANNOTATION) or claim["spec"].get("storageClassName")
    if storage_class:
        of_class = {storage_class + _CLASS + kind: counted[kind] for kind in _CLAIM_KINDS if kind in counted}
        counted.update(of_class)
    return counted


def _storage(claim: Object) -> Quantity | None:
    """What was asked for, or what was allocated if that is more; in whole bytes."""
    asked = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage")
    if asked is None:
        return None
    allocated = ((claim.get("status") or {}).get("allocatedResources") or {}).get("storage")
    most = parse(asked) if allocated is None else max(parse(asked), parse(allocated))
    return most if most.nanos % 10**9 == 0 else Quantity(most.value() * 10**9, most.format)


def _devices(claim: Object) -> dict[str, Quantity]:
    """By device class. Of alternatives it is the most of each class: which one it will be is not known yet.

    Source: pkg/quota/v1/evaluator/core/resource_claims.go.
    """
    counted: dict[str, int] = {}
    for request in ((claim.get("spec") or {}).get("devices") or {}).get("requests") or ():
        most: dict[str, int] = {}
        for wish in request.get("firstAvailable") or (request.get("exactly") or {},):
            if device_class := wish.get("deviceClassName"):
                number = _MOST_DEVICES if wish.get("allocationMode") == "All" else int(wish.get("count") or 1)
                most[device_class] = max(number, most.get(device_class, 0))
        for device_class, number in most.items():
            counted[device_class] = counted.get(device_class, 0) + number
    return {device_class + _DEVICES: ONE * number for device_class, number in counted.items()}


def _tracks_devices(name: str) -> bool:
    return name == _DEVICE_CLAIM_COUNT or name.endswith(_DEVICES)


def _tracks_claim(name: str) -> bool:
    return name in _CLAIMS or any(name.endswith(_CLASS + kind) for kind in _CLAIM_KINDS)


_TRACKS: dict[str, Callable[[str], bool]] = {
    PODS: pods.tracks,
    SERVICES: _SERVICES.__contains__,
    CLAIMS: _tracks_claim,
    DEVICE_CLAIMS: _tracks_devices,
}
