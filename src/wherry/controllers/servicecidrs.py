"""ServiceCIDRs: ready when they can be used, and protected while addresses depend on them.

A ServiceCIDR that is being deleted stays until no address is in it alone; one that lies inside another may go at once.
Source: pkg/controller/servicecidrs, KEP-1880.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from wherry.api.errors import NotFound
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339, rfc3339
from wherry.client.informer import Key, key_of
from wherry.controllers import conditions
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry

SERVICE_CIDRS, IP_ADDRESSES = lookup("servicecidrs.networking.k8s.io"), lookup("ipaddresses.networking.k8s.io")
FINALIZER = "networking.k8s.io/service-cidr-finalizer"
GRACE_SECONDS = 10.0
"""From the deletion until the finalizer goes, so that no allocator that has not heard of it still uses the network."""
_BLOCKED = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
_MANAGED_BY, _ALLOCATOR = "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io"
Network = IPv4Network | IPv6Network


def networks(service_cidr: Object) -> list[Network]:
    return [ip_network(cidr, strict=False) for cidr in service_cidr["spec"]["cidrs"]]


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def may_go(service_cidr: Object, others: Iterable[Object], addresses: Iterable[Object]) -> bool:
    """Whether no address would be left without a ServiceCIDR."""
    remaining = [network for other in others for network in networks(other)]
    own = networks(service_cidr)
    if all(any(_within(network, other) for other in remaining) for network in own):
        return True
    for each in addresses:
        if (each["metadata"].get("labels") or {}).get(_MANAGED_BY) != _ALLOCATOR:
            continue
        address = ip_address(each["metadata"]["name"])
        if any(address in network for network in own) and not any(address in network for network in remaining):
            return False
    return True


class ServiceCIDRController:
    """A component; see the module."""

    name = "servicecidrs"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._cidrs = context.informers.informer(SERVICE_CIDRS)
        self._addresses = context.informers.informer(IP_ADDRESSES)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._cidrs, self._addresses),
            log=context.log,
            workers=1,
        )
        self._cidrs.add_handler(self._all, lambda old, new: self.loop.enqueue(new), self._all)
        # An address that comes cannot free a network, one that goes can.
        self._addresses.add_handler(None, None, self._deleting)

    async def run(self) -> None:
        await self.loop.run()

    def _all(self, changed: Object) -> None:
        """One that comes or goes may free, or be freed by, any other."""
        for each in (changed, *self._cidrs.items()):
            self.loop.enqueue(each)

    def _deleting(self, _: Object) -> None:
        for each in self._cidrs.items():
            if each["metadata"].get("deletionTimestamp"):
                self.loop.enqueue(each)

    async def _reconcile(self, key: Key) -> None:
        cidr = self._cidrs.get(*key)
        if cidr is None:
            return
        try:
            if cidr["metadata"].get("deletionTimestamp"):
                await self._finish(cidr)
            else:
                await self._keep(cidr)
        except NotFound:
            return

    async def _keep(self, cidr: Object) -> None:
        finalizers = cidr["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            await self._patch(cidr, {"metadata": {"finalizers": [*finalizers, FINALIZER]}})
        if not conditions.is_true((cidr.get("status") or {}).get("conditions"), "Ready"):
            await self._say(cidr, status="True", reason="", message="Kubernetes Service CIDR is ready")

    async def _finish(self, cidr: Object) -> None:
        metadata = cidr["metadata"]
        others = [each for each in self._cidrs.items() if key_of(each) != key_of(cidr)]
        others = [each for each in others if not each["metadata"].get("deletionTimestamp")]
        if not may_go(cidr, others, self._addresses.items()):
            await self._say(cidr, status="False", reason="Terminating", message=_BLOCKED)
            return
        left = parse_rfc3339(metadata["deletionTimestamp"]) + GRACE_SECONDS - self._clock.now()
        if left > 0:
            raise Retry(left)
        finalizers = metadata.get("finalizers") or []
        if FINALIZER in finalizers:
            await self._patch(cidr, {"metadata": {"finalizers": [each for each in finalizers if each != FINALIZER]}})

    async def _patch(self, cidr: Object, patch: Object) -> None:
        patch["metadata"]["resourceVersion"] = cidr["metadata"]["resourceVersion"]
        await self._client.patch(SERVICE_CIDRS, cidr["metadata"]["name"], patch)

    async def _say(self, cidr: Object, *, status: str, reason: str, message: str) -> None:
        before = (cidr.get("status") or {}).get("conditions")
        current = conditions.find(before, "Ready")
        if current is not None and (current["status"], current.get("reason", "")) == (status, reason):
            return
        now = rfc3339(self._clock.now())
        # The reason of such a condition is always there, if only as an empty text.
        new = {**conditions.make("Ready", status, reason, message, now=now), "reason": reason}
        patch = {"status": {"conditions": [*conditions.without(before, "Ready"), new]}}
        await self._client.patch(SERVICE_CIDRS, cidr["metadata"]["name"], patch, subresource="status")
