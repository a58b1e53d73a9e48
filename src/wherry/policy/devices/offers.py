"""Which devices a node can have, and which of them are taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.policy.devices.claims import allocation
from wherry.policy.node_selector import selects

Id = tuple[str, str, str]
"""Driver, pool, device."""


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    id: Id
    spec: Object
    slice: Object
    """The spec of the ResourceSlice that has it."""


class Offers:
    """All devices by where they are. Of a pool only the newest generation counts; sharers of counters are left out."""

    def __init__(self, slices: Iterable[Object]) -> None:
        self._pools: dict[tuple[str, str], list[Object]] = {}
        for each in slices:
            spec = each["spec"]
            known = self._pools.setdefault((spec["driver"], spec["pool"]["name"]), [])
            generation = spec["pool"].get("generation", 0)
            if known and known[0]["pool"].get("generation", 0) < generation:
                known.clear()
            if not known or known[0]["pool"].get("generation", 0) == generation:
                known.append(spec)
        self._by_node: dict[str, list[tuple[str, str]]] = {}
        """Pools with slices of one node; under the empty name those that any node may reach."""
        for pool, specs in sorted(self._pools.items()):
            for name in dict.fromkeys(spec.get("nodeName") or "" for spec in specs):
                self._by_node.setdefault(name, []).append(pool)

    def on_node(self, labels: Mapping[str, str], node: str) -> tuple[list[Device], bool]:
        """A node's devices, pool by pool, and whether all slices of these pools are there: only then they are offered."""
        found: list[Device] = []
        complete = True
        for driver, pool in sorted({*self._by_node.get(node, ()), *self._by_node.get("", ())}):
            specs = self._pools[driver, pool]
            here = [
                Device((driver, pool, device["name"]), device, spec)
                for spec in specs
                for device in spec.get("devices") or ()
                if not device.get("consumesCounters") and _reaches(spec, device, labels, node)
            ]
            if here and len(specs) != specs[0]["pool"].get("resourceSliceCount", 1):
                complete = False
            else:
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
