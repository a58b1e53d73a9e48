"""What a dataplane must know of Services: one `ServicePort` per port, with the endpoints that this node may use.

All policy (readiness, topology hints, traffic policies) is decided before; a dataplane only carries packets.
"""

from __future__ import annotations

from dataclasses import dataclass

Key = tuple[str, str]
"""Namespace and name of a Service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where connections go. `pod` is the name of the pod behind it (in the Service's namespace), if there is one."""

    address: str
    port: int
    local: bool = False
    pod: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of one Service, as one node sees it.

    `cluster_endpoints` serve whoever may go anywhere; `local_endpoints` are those of this node, kept only where a policy
    asks for them. `has_endpoints` says whether there are any in the whole cluster: without any, connections are refused;
    with some that a policy forbids, packets are dropped (as kube-proxy does, so that a load balancer looks elsewhere).
    """

    service: Key
    name: str
    protocol: str
    port: int
    cluster_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    """Who may come by a load balancer's address; empty: everybody."""
    node_port: int = 0
    affinity_seconds: int = 0
    """For how long a client stays with its endpoint; 0: no affinity."""
    internal_local: bool = False
    external_local: bool = False
    cluster_endpoints: tuple[Endpoint, ...] = ()
    local_endpoints: tuple[Endpoint, ...] = ()
    has_endpoints: bool = False

    @property
    def internal_endpoints(self) -> tuple[Endpoint, ...]:
        """For connections to a cluster IP."""
        return self.local_endpoints if self.internal_local else self.cluster_endpoints

    @property
    def external_endpoints(self) -> tuple[Endpoint, ...]:
        """For connections from outside to a node port, an external IP or a load balancer's address."""
        return self.local_endpoints if self.external_local else self.cluster_endpoints

    @property
    def outside_ips(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.external_ips, *self.load_balancer_ips)))
