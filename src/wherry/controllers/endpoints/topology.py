"""Topology mode `Auto`: which zone should use which endpoints, in proportion to the CPU of the zones. Pure.

Every endpoint first serves its own zone; zones that have more than their share lend some to those that have less. Where
a zone would get more than a fifth too much to do, there are no hints at all. Source: KEP-2433,
k8s.io/endpointslice/topologycache.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from wherry.api.types import Object
from wherry.controllers import conditions
from wherry.controllers.endpoints.addresses import ZONE
from wherry.machinery.quantity import parse_milli

ANNOTATIONS = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
OVERLOAD = 0.2
ENABLED = "Topology Aware Hints has been enabled"
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_NODES = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
_ONE_ZONE = "Nodes only ready in one zone"
_FEW = "Insufficient number of endpoints"
_OVERLOAD = "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"
_NO_ZONE = "Endpoint found without zone specified"


class NoHints(Exception):
    """There is no safe allocation; the message is told by an event."""


def wants_hints(service: Object) -> bool:
    annotations = service["metadata"].get("annotations") or {}
    return any(annotations.get(name) in ("Auto", "auto") for name in ANNOTATIONS)


def zone_shares(nodes: Iterable[Object]) -> dict[str, float]:
    """The part of each zone in the CPU of the ready nodes. Raises `NoHints`."""
    cpu: dict[str, int] = {}
    for node in nodes:
        labels, status = node["metadata"].get("labels") or {}, node.get("status") or {}
        if any(name in labels for name in _CONTROL_PLANE) or not conditions.is_true(status.get("conditions"), "Ready"):
            continue
        amount = parse_milli((status.get("allocatable") or {}).get("cpu", "0"))
        if not labels.get(ZONE) or not amount:
            raise NoHints(_NODES)
        cpu[labels[ZONE]] = cpu.get(labels[ZONE], 0) + amount
    if not cpu:
        raise NoHints(_NODES)
    if len(cpu) < 2:
        raise NoHints(_ONE_ZONE)
    whole = sum(cpu.values())
    return {zone: amount / whole for zone, amount in sorted(cpu.items())}


def zones_of(endpoints: Sequence[Object], shares: Mapping[str, float]) -> list[str]:
    """The zone that should use each of the ready endpoints, in their order. Raises `NoHints`."""
    total = len(endpoints)
    counts = f"({total} endpoints, {len(shares)} zones)"
    if total < len(shares):
        raise NoHints(f"{_FEW} {counts}")
    wanted = {zone: share * total for zone, share in shares.items()}
    if sum(math.ceil(round(amount / (1 + OVERLOAD), 9)) for amount in wanted.values()) > total:
        raise NoHints(f"{_OVERLOAD} {counts}")
    if not all(endpoint.get("zone") for endpoint in endpoints):
        raise NoHints(_NO_ZONE)
    zones = [str(endpoint["zone"]) for endpoint in endpoints]
    for giving, receiving in _moves(zones, wanted):
        zones[zones.index(giving)] = receiving
    return zones


def _moves(zones: Sequence[str], wanted: Mapping[str, float]) -> Iterable[tuple[str, str]]:
    """From the zone with most too many to the one with most too few, while half an endpoint or more is moved."""
    surplus = {zone: zones.count(zone) - wanted.get(zone, 0.0) for zone in {*zones, *wanted}}
    while True:
        giving = max(sorted(surplus), key=lambda zone: surplus[zone])
        receiving = min(sorted(surplus), key=lambda zone: surplus[zone])
        # One that would only turn the two round is not moved: it would be moved back again.
        if min(surplus[giving], -surplus[receiving]) < 0.5 or surplus[giving] - surplus[receiving] <= 1 + 1e-9:
            return
        surplus[giving] -= 1
        surplus[receiving] += 1
        yield giving, receiving


def hinted(endpoints: Sequence[Object], shares: Mapping[str, float]) -> list[Object]:
    """The endpoints, those that are ready with hints; others have none. Raises `NoHints`."""
    ready = [endpoint for endpoint in endpoints if endpoint["conditions"]["ready"]]
    ready.sort(key=lambda endpoint: str(endpoint["addresses"]))
    zones = dict(zip(map(id, ready), zones_of(ready, shares), strict=True))
    return [
        {**endpoint, "hints": {"forZones": [{"name": zones[id(endpoint)]}]}} if id(endpoint) in zones else endpoint
        for endpoint in endpoints
    ]
