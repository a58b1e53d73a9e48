"""Routes on the host for load balancers whose Service keeps the caller's address.

The pool's addresses are routed to the first node, from where connections go on to any endpoint. With the external traffic
policy `Local` a node serves only its own endpoints; so such an address gets a route of its own, to the nodes that have
some; the kernel chooses one of them by the caller. What a cloud does with health checks elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, ip_address

from wherry.api.pod_network import NetworkFailure
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.informer import SharedInformers
from wherry.network.nodes.commands import ip_batch
from wherry.network.nodes.plan import NetworkPlan
from wherry.network.services.reading import service_of

SETTLE_SECONDS = 0.1
RETRY_SECONDS = 5.0

_log = Logger("network")

Routes = Mapping[str, tuple[str, ...]]
"""By the address of a load balancer, the nodes that it is routed to."""


def routes(services: Iterable[Object], slices: Iterable[Object], plan: NetworkPlan) -> Routes:
    """What should be routed apart from the rest. Pure."""
    networks = [IPv4Network(text) for text in plan.load_balancers]
    nodes = {node.name: node.address for node in plan.nodes}
    local = {}
    for service in services:
        spec, metadata = service["spec"], service["metadata"]
        if spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
            local[metadata["namespace"], metadata["name"]] = [
                text for text in _addresses(service) if any(ip_address(text) in network for network in networks)
            ]
    found: dict[str, dict[bool, set[str]]] = {}
    for slice_ in slices:
        for text in local.get(service_of(slice_), ()):
            goals = found.setdefault(text, {True: set(), False: set()})
            for endpoint in slice_.get("endpoints") or ():
                conditions = endpoint.get("conditions") or {}
                ready = conditions.get("ready") is not False
                if endpoint.get("nodeName") in nodes and (ready or conditions.get("serving")):
                    goals[ready].add(nodes[endpoint["nodeName"]])
    # Endpoints that are going away serve only where no other does.
    return {text: tuple(sorted(chosen)) for text, goals in found.items() if (chosen := goals[True] or goals[False])}


def _addresses(service: Object) -> list[str]:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [each["ip"] for each in ingress if each.get("ip")]


def commands(before: Routes, after: Routes, bridge: str) -> list[str]:
    """For `ip -batch`. Pure."""
    gone = [f"route delete {text}/32" for text in before if text not in after]
    new = [
        f"route replace {text}/32{_hops(goals, bridge)}" for text, goals in after.items() if before.get(text) != goals
    ]
    return gone + new


def _hops(goals: tuple[str, ...], bridge: str) -> str:
    if len(goals) == 1:
        return f" via {goals[0]} dev {bridge} onlink"
    return "".join(f" nexthop via {goal} dev {bridge} onlink" for goal in goals)


class BalancerRoutes:
    """A component; one per cluster, in the host's namespace. Its routes go with the bridge."""

    def __init__(self, plan: NetworkPlan, *, informers: SharedInformers, clock: Clock) -> None:
        self._plan = plan
        self._services = informers.informer("services")
        self._slices = informers.informer("endpointslices.discovery.k8s.io")
        self._clock = clock
        self._wake = asyncio.Event()
        self._in_force: Routes = {}

    async def run(self) -> None:
        handlers = [
            (informer, informer.add_handler(self._changed, lambda old, new: self._changed(new), self._changed))
            for informer in (self._services, self._slices)
        ]
        try:
            await self._services.wait_synced()
            await self._slices.wait_synced()
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._apply()
                await self._clock.sleep(SETTLE_SECONDS)
        finally:
            for informer, handler in handlers:
                informer.remove_handler(handler)

    def _changed(self, obj: Object) -> None:
        self._wake.set()

    async def _apply(self) -> None:
        wanted = routes(self._services.items(), self._slices.items(), self._plan)
        lines = commands(self._in_force, wanted, self._plan.bridge)
        if not lines:
            return
        try:
            await ip_batch(lines, force=True)
            self._in_force = wanted
        except NetworkFailure as error:
            _log.warning("cannot route load balancers, trying again", error=str(error))
            self._in_force = {}
            self._wake.set()
            await self._clock.sleep(RETRY_SECONDS)
