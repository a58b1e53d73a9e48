"""The networks that services get their addresses from: the ServiceCIDR objects, followed through the store.

A network can be given out from while at least one ServiceCIDR that names it is ready; one that is being deleted is not, and
one without a condition is, so that a cluster works without the controller that writes it.
Source: pkg/registry/core/service/ipallocator/cidrallocator.go, KEP-1880.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.services.pools import AddressPool
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hub
from wherry.store.port import Store

PREFIX = storage_prefix("networking.k8s.io", "servicecidrs")
DEFAULT = "kubernetes"
FINALIZER = "networking.k8s.io/service-cidr-finalizer"


def default_range(cidr: str, now: str) -> Object:
    """The ServiceCIDR of the network that the cluster was made with."""
    condition = {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": now,
        "reason": "",
        "message": "Kubernetes default Service CIDR is ready",
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": DEFAULT, "finalizers": [FINALIZER]},
        "spec": {"cidrs": [cidr]},
        "status": {"conditions": [condition]},
    }


def is_ready(service_cidr: Object) -> bool:
    if service_cidr["metadata"].get("deletionTimestamp"):
        return False
    conditions = (service_cidr.get("status") or {}).get("conditions") or ()
    return next((each["status"] == "True" for each in conditions if each["type"] == "Ready"), True)


class Ranges:
    """The networks of one family. Until it is started, or without any object, the default network is the only one."""

    def __init__(self, cidr: str) -> None:
        self.default = AddressPool(cidr)
        self._ready: dict[str, AddressPool] = {cidr: self.default}
        self._objects: dict[str, Object] = {}

    def start(self, store: Store, hub: Hub) -> None:
        self._objects = {entry.key: decoded(entry) for entry in store.range(PREFIX).entries}
        self._settle()
        hub.attach(self)

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type == DELETED:
                self._objects.pop(change.entry.key, None)
            else:
                self._objects[change.entry.key] = decoded(change.entry)
        self._settle()

    def _settle(self) -> None:
        known = {str(self.default.network): self.default, **self._ready}
        wanted = [cidr for each in self._objects.values() if is_ready(each) for cidr in each["spec"]["cidrs"]]
        if not self._objects:
            wanted = [str(self.default.network)]
        version = self.default.network.version
        own = [cidr for cidr in dict.fromkeys(wanted) if ip_network(cidr, strict=False).version == version]
        # The cluster's first network first, then as they came.
        own.sort(key=lambda cidr: cidr != str(self.default.network))
        self._ready = {cidr: known.get(cidr) or AddressPool(cidr) for cidr in own}

    def pools(self) -> Iterator[AddressPool]:
        """Those to give out from, in the order in which they are tried."""
        yield from self._ready.values()

    def __contains__(self, address: str) -> bool:
        return any(address in pool for pool in self._ready.values())
