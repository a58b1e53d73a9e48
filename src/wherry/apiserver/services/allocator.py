"""Giving services their cluster addresses and node ports.

What is in use is read from the stored services at start and followed through the store's changes; what a write is about
to use is reserved under its key until the change comes by, or until the write is given up.
Source: pkg/registry/core/service/storage/alloc.go.
"""

from __future__ import annotations

import random
from collections import ChainMap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wherry.api.errors import Cause, InternalError, Invalid, invalid
from wherry.api.strategies.services import needs_cluster_ip, needs_health_check_port, needs_node_ports
from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.services.ip_objects import is_ours
from wherry.apiserver.services.pools import Exhausted, PortPool
from wherry.apiserver.services.ranges import Ranges
from wherry.apiserver.services.troubles import Trouble, troubles
from wherry.apiserver.services.used import NOTHING as _NOTHING
from wherry.apiserver.services.used import Used, cluster_ips, used_by
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hub
from wherry.store.port import Store

if TYPE_CHECKING:
    from wherry.apiserver.services.keeper import AddressKeeper

PREFIX = storage_prefix("", "services")
_HEADLESS = "None"


class ServiceAllocator:
    """The addresses and ports of one cluster's services."""

    def __init__(self, *, cidr: str, node_ports: tuple[int, int], rng: random.Random | None = None) -> None:
        self.ranges = Ranges(cidr)
        self.addresses = self.ranges.default
        self.keeper: AddressKeeper | None = None
        self._foreign: dict[str, Object] = {}
        """IPAddress objects of others, by address."""
        self._ports = PortPool(*node_ports)
        self._rng = rng or random.Random()
        self._stored: dict[str, Used] = {}
        self._reserved: dict[str, Used] = {}
        self._address_owner: dict[str, str] = {}
        self._port_owner: dict[int, str] = {}

    def start(self, store: Store, hub: Hub) -> None:
        """Learn what is in use, and follow changes from now on."""
        for entry in store.range(PREFIX).entries:
            self._settle(entry.key, used_by(decoded(entry)))
        hub.attach(self)

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._settle(change.entry.key, _NOTHING if change.type == DELETED else used_by(decoded(change.entry)))

    def give_back(self, key: str) -> None:
        """The write that something was reserved for did not happen."""
        if key in self._reserved:
            self._settle(key, self._stored.get(key, _NOTHING))

    def _settle(self, key: str, used: Used) -> None:
        before, reserved = self._stored.get(key, _NOTHING), self._reserved.pop(key, _NOTHING)
        self._forget(key, before)
        self._forget(key, reserved)
        self._note(key, used)
        if used is _NOTHING:
            self._stored.pop(key, None)
        else:
            self._stored[key] = used
        if self.keeper is not None and before.addresses != used.addresses:
            self.keeper.changed(before.addresses ^ used.addresses)

    def _forget(self, key: str, used: Used) -> None:
        for address in used.addresses:
            if self._address_owner.get(address) == key:
                del self._address_owner[address]
        for port in used.ports:
            if self._port_owner.get(port) == key:
                del self._port_owner[port]

    def _note(self, key: str, used: Used) -> None:
        for address in used.addresses:
            self._address_owner[address] = key
        for port in used.ports:
            self._port_owner[port] = key

    async def settled(self, key: str) -> None:
        """Return when the IPAddress objects of a stored service are there."""
        if self.keeper is not None:
            await self.keeper.wait_settled(self._stored.get(key, _NOTHING).addresses)

    def note_object(self, obj: Object, *, gone: bool) -> None:
        """An IPAddress object has come or gone: that of somebody else keeps its address from services."""
        name = obj["metadata"]["name"]
        if gone or is_ours(obj):
            self._foreign.pop(name, None)
        else:
            self._foreign[name] = obj

    def addresses_in_use(self) -> list[str]:
        return list(self._address_owner)

    def owner_of(self, address: str) -> tuple[str, str] | None:
        """Namespace and name of the stored service that has an address."""
        key = self._address_owner.get(address)
        if key is None or address not in self._stored.get(key, _NOTHING).addresses:
            return None
        namespace, name = key.removeprefix(PREFIX).split("/")
        return namespace, name

    def troubles(self) -> list[Trouble]:
        """What stored services have and should not: told to those who can make the service anew."""
        return list(troubles(self._stored, self._address_owner, self._port_owner, self.ranges, self._ports))

    def allocate(self, key: str, new: Object, old: Object | None, *, dry_run: bool) -> None:
        """Fill in (in place) what the service lacks and reserve it. Raises `Invalid`, `InternalError`."""
        spec: Object = new["spec"]
        if not needs_cluster_ip(spec):
            return
        self._allocate_address(key, new)
        self._allocate_ports(key, new)
        if not dry_run:
            used = used_by(new)
            self._forget(key, self._reserved.get(key, _NOTHING))
            self._reserved[key] = used
            self._note(key, used)
            self._note(key, self._stored.get(key, _NOTHING))

    def _allocate_address(self, key: str, service: Object) -> None:
        spec: Object = service["spec"]
        given = cluster_ips(spec)
        family = self.addresses.family
        if given == [_HEADLESS]:
            spec.setdefault("clusterIP", _HEADLESS)
            spec.setdefault("clusterIPs", [_HEADLESS])
        elif given:
            for address in given:
                self._check_address(key, service, address, given)
            spec["clusterIP"], spec["clusterIPs"] = given[0], given
        else:
            try:
                address = self._pick_address()
            except Exhausted as error:
                raise InternalError("failed to allocate a serviceIP: range is full") from error
            spec["clusterIP"], spec["clusterIPs"] = address, [address]
        spec["ipFamilies"] = spec.get("ipFamilies") or [family]
        spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or "SingleStack"

    def _pick_address(self) -> str:
        """Raises `Exhausted`."""
        taken: Any = ChainMap(self._address_owner, self._foreign) if self._foreign else self._address_owner
        for pool in self.ranges.pools():
            try:
                return pool.pick(taken, self._rng)
            except Exhausted:
                continue
        raise Exhausted

    def _check_address(self, key: str, service: Object, address: str, given: list[str]) -> None:
        why = ""
        if self._address_owner.get(address) != key and address not in self.ranges:
            why = "the provided network does not match the current range"
        elif self._address_owner.get(address, key) != key or address in self._foreign:
            why = "provided IP is already allocated"
        if why:
            shown = "[" + ",".join(f'"{each}"' for each in given) + "]"
            message = f"Invalid value: {shown}: failed to allocate IP {address}: {why}"
            raise _invalid(service, Cause("FieldValueInvalid", message, "spec.clusterIPs"))

    def _allocate_ports(self, key: str, service: Object) -> None:
        spec: Object = service["spec"]
        ports: list[Object] = spec.get("ports") or []
        own = {port["nodePort"] for port in ports if port.get("nodePort")}
        for index, port in enumerate(ports):
            if number := port.get("nodePort"):
                self._check_port(key, service, number, f"spec.ports[{index}].nodePort")
            elif needs_node_ports(spec):
                port["nodePort"] = self._shared(ports, port) or self._pick_port(own)
                own.add(port["nodePort"])
        if needs_health_check_port(spec):
            if number := spec.get("healthCheckNodePort"):
                self._check_port(key, service, number, "spec.healthCheckNodePort")
            else:
                spec["healthCheckNodePort"] = self._pick_port(own)

    def _shared(self, ports: list[Object], port: Object) -> int:
        """The node port of the same port under another protocol, as upstream gives DNS its one port."""
        for other in ports:
            same = other is not port and other.get("port") == port.get("port") and other.get("nodePort")
            if same and other.get("protocol") != port.get("protocol"):
                return int(other["nodePort"])
        return 0

    def _pick_port(self, own: set[int]) -> int:
        try:
            return self._ports.pick(self._port_owner.keys() | own, self._rng)
        except Exhausted as error:
            raise InternalError("failed to allocate a nodePort: range is full") from error

    def _check_port(self, key: str, service: Object, number: int, field: str) -> None:
        why = ""
        if number not in self._ports:
            why = f"provided port is not in the valid range. The range of valid ports is {self._ports}"
        elif self._port_owner.get(number, key) != key:
            why = "provided port is already allocated"
        if why:
            raise _invalid(service, Cause("FieldValueInvalid", f"Invalid value: {number}: {why}", field))


def _invalid(service: Object, cause: Cause) -> Invalid:
    return invalid("", "Service", service["metadata"].get("name", ""), [cause])
