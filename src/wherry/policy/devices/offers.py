"""Which devices a node can have, and which of them are taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.policy.devices.claims import allocation
from wherry.policy.volumes.topology import selects

Id = tuple[str, str, str]
"""Driver, pool, device."""


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    id: Id
    spec: Object
    slice: Object
    """The spec of the ResourceSlice that has it."""


def on_node(slices: Iterable[Object], labels: Mapping[str, str], node: str) -> tuple[list[Device], bool]:
    """The devices that a node can have, in the order of their pools, and whether all slices of these pools are there.

    Of a pool only the newest generation counts. Devices that share counters with others are left out.
    """
    pools: dict[tuple[str, str], list[Object]] = {}
    for each in slices:
        pools.setdefault((each["spec"]["driver"], each["spec"]["pool"]["name"]), []).append(each["spec"])
    found: list[Device] = []
    complete = True
    for (driver, pool), specs in sorted(pools.items()):
        newest = max(spec["pool"].get("generation", 0) for spec in specs)
        current = [spec for spec in specs if spec["pool"].get("generation", 0) == newest]
        here = [
            Device((driver, pool, device["name"]), device, spec)
            for spec in current
            for device in spec.get("devices") or ()
            if not device.get("consumesCounters") and _reaches(spec, device, labels, node)
        ]
        if here and len(current) != current[0]["pool"].get("resourceSliceCount", 1):
            complete = False
            continue
        found += here
    return found, complete


def _reaches(spec: Object, device: Object, labels: Mapping[str, str], node: str) -> bool:
    where = device if spec.get("perDeviceNodeSelection") else spec
    if where.get("allNodes"):
        return True
    if (selector := where.get("nodeSelector")) is not None:
        return selects(selector.get("nodeSelectorTerms") or (), labels, node)
    return bool(where.get("nodeName") == node)


def place(device: Device) -> Object | None:
    """A node selector's one term for where the device can be used; None: everywhere."""
    where = device.spec if device.slice.get("perDeviceNodeSelection") else device.slice
    if (name := where.get("nodeName")) is not None:
        return {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
    terms = (where.get("nodeSelector") or {}).get("nodeSelectorTerms") or ()
    return terms[0] if terms else None


def taken(claims: Iterable[Object]) -> set[Id]:
    """Devices that claims have. Who only looks after devices takes none."""
    return {
        (result["driver"], result["pool"], result["device"])
        for claim in claims
        for result in ((allocation(claim) or {}).get("devices") or {}).get("results") or ()
        if not result.get("adminAccess")
    }
