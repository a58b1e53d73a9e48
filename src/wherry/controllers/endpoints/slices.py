"""Spreading endpoints over slices so that few slices change. Pure.

What always holds: endpoints stay in the slice where they are; a slice has at most `MAX_ENDPOINTS`, of one address
type, with one set of ports; a service always has at least one slice per address family, an empty one if need be.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wherry.api.types import Object

MAX_ENDPOINTS = 100
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"
RESERVED = frozenset((SERVICE_NAME, MANAGED_BY, HEADLESS))


@dataclass(slots=True)
class Group:
    """Endpoints of one address type that share their ports."""

    address_type: str
    ports: list[Object]
    endpoints: list[Object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be written. New slices have no names yet: the server makes them."""

    create: list[Object]
    update: list[Object]
    delete: list[Object]


def group_key(address_type: str, ports: Iterable[Object] | None) -> Hashable:
    facts = (
        (p.get("name") or "", p.get("port") or 0, p.get("protocol") or "TCP", p.get("appProtocol") or "")
        for p in ports or ()
    )
    return address_type, tuple(sorted(facts))


def grouped(found: Iterable[tuple[str, list[Object], Object]]) -> dict[Hashable, Group]:
    """(address type, ports, endpoint) triples, put together by type and ports."""
    groups: dict[Hashable, Group] = {}
    for address_type, ports, endpoint in found:
        key = group_key(address_type, ports)
        groups.setdefault(key, Group(address_type, ports)).endpoints.append(endpoint)
    return groups


def plan(
    template: Object,
    groups: Mapping[Hashable, Group],
    existing: Sequence[Object],
    address_types: Sequence[str],
) -> Plan:
    """The fewest writes that bring `existing` slices to `groups`. `template`: metadata of each slice."""
    left: dict[Hashable, list[Object]] = {}
    result = Plan([], [], [])
    for found in sorted(existing, key=lambda s: s["metadata"]["name"]):
        if found["addressType"] in address_types:
            left.setdefault(group_key(found["addressType"], found.get("ports")), []).append(found)
        else:
            result.delete.append(found)
    for key, group in groups.items():
        _plan_group(template, group, left.pop(key, []), result)
    surplus = [found for slices in left.values() for found in slices]
    _keep_placeholders(template, groups, surplus, address_types, result)
    return result


def _plan_group(template: Object, group: Group, existing: list[Object], result: Plan) -> None:
    wanted = {_identity(endpoint): endpoint for endpoint in group.endpoints}
    kept: list[tuple[Object, list[Object]]] = []
    for found in existing:
        endpoints = [wanted.pop(key) for e in found.get("endpoints") or () if (key := _identity(e)) in wanted]
        kept.append((found, endpoints))
    new = list(wanted.values())
    for found, endpoints in sorted(kept, key=lambda pair: _unchanged(*pair)):
        if _unchanged(found, endpoints) and not 0 < len(new) <= MAX_ENDPOINTS - len(endpoints):
            # A slice that need not change takes new endpoints only where all of them find room in it.
            _update(template, found, endpoints, result)
            continue
        room = MAX_ENDPOINTS - len(endpoints)
        endpoints, new = endpoints + new[:room], new[room:]
        if endpoints:
            _update(template, found, endpoints, result)
        else:
            result.delete.append(found)
    for start in range(0, len(new), MAX_ENDPOINTS):
        result.create.append(_slice(template, group.address_type, group.ports, new[start : start + MAX_ENDPOINTS]))


def _unchanged(found: Object, endpoints: Sequence[Object]) -> bool:
    return bool(endpoints) and list(found.get("endpoints") or ()) == list(endpoints)


def _identity(endpoint: Object) -> Hashable:
    reference = endpoint.get("targetRef") or {}
    return tuple(endpoint["addresses"]), reference.get("namespace"), reference.get("name"), reference.get("uid")


def _update(template: Object, found: Object, endpoints: list[Object], result: Plan) -> None:
    metadata = found["metadata"]
    labels = template["labels"]
    if metadata.get("labels") == labels and list(found.get("endpoints") or ()) == endpoints:
        return
    result.update.append({**found, "metadata": {**metadata, "labels": labels}, "endpoints": endpoints})


def _slice(template: Object, address_type: str, ports: list[Object], endpoints: list[Object]) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": dict(template),
        "addressType": address_type,
        "endpoints": endpoints,
        "ports": ports,
    }


def _keep_placeholders(
    template: Object,
    groups: Mapping[Hashable, Group],
    surplus: list[Object],
    address_types: Sequence[str],
    result: Plan,
) -> None:
    """Delete what nobody needs, but leave each family one empty slice, so that watchers know there is nothing."""
    served = {group.address_type for group in groups.values()}
    for address_type in address_types:
        if address_type in served:
            continue
        empty = next((s for s in surplus if s["addressType"] == address_type and _is_placeholder(s)), None)
        if empty is None:
            result.create.append(_slice(template, address_type, [], []))
        else:
            surplus.remove(empty)
            _update(template, empty, [], result)
    result.delete.extend(surplus)


def _is_placeholder(found: Object) -> bool:
    return not found.get("endpoints") and not found.get("ports")


def template(service: Object, reference: Object, manager: str, labels: Mapping[str, str], *, headless: bool) -> Object:
    """The metadata that all slices of a service carry."""
    metadata = service["metadata"]
    mine = {name: value for name, value in labels.items() if name not in RESERVED}
    if headless:
        mine[HEADLESS] = ""
    return {
        "generateName": f"{metadata['name']}-",
        "namespace": metadata["namespace"],
        "labels": {**mine, SERVICE_NAME: metadata["name"], MANAGED_BY: manager},
        "ownerReferences": [reference],
    }
