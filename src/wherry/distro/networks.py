"""Which network a cluster has: namespaces with nftables, loopback addresses, or none at all (fake nodes need none).

Only the code of that one is loaded.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from wherry.api.pod_network import PodNetwork
from wherry.base.address_pool import parse_pool
from wherry.base.clock import Clock
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.distro.config import ClusterConfig, StateDirectory

if TYPE_CHECKING:
    from wherry.network.nodes.host import HostNetwork
    from wherry.network.nodes.plan import NetworkPlan


class Runnable(Protocol):
    """A component."""

    async def run(self) -> None: ...


def plan_of(config: ClusterConfig) -> NetworkPlan:
    """The names and addresses of a cluster's namespaces."""
    from wherry.network.nodes.plan import NetworkPlan, NodePlan

    numbers = range(1, config.real_nodes + 1)
    return NetworkPlan(
        cluster=config.name,
        index=config.index,
        node_cidr=config.node_cidr,
        host_address=config.host_address,
        pod_cidr=config.pod_cidr,
        service_cidr=config.service_cidr,
        dns_address=config.dns_address,
        load_balancers=tuple(map(str, parse_pool(config.load_balancer_pool).networks)),
        nodes=tuple(
            NodePlan(
                name=config.node_name(number),
                number=number,
                address=config.node_address(number),
                pod_cidr=config.node_pod_cidr(number),
            )
            for number in numbers
        ),
    )


def host_network(config: ClusterConfig, state: StateDirectory) -> HostNetwork | None:
    """The host's side; None where pods use the host's own network."""
    if config.network != "namespaces":
        return None
    from wherry.network.nodes.host import HostNetwork

    return HostNetwork(plan_of(config), state=state.path)


class HostSide(Protocol):
    """What of a `HostNetwork` a start needs."""

    def is_there(self) -> bool: ...

    async def open(self) -> None: ...

    async def remove(self) -> None: ...


@asynccontextmanager
async def opened(host: HostSide | None) -> AsyncIterator[None]:
    """The host's side for a start: where the block fails, and it was not there before, it goes again."""
    if host is None:
        yield
        return
    was_there = host.is_there()
    try:
        await host.open()
        yield
    except BaseException:
        if not was_there:
            await host.remove()
        raise


def node_network(config: ClusterConfig, state: StateDirectory, number: int) -> PodNetwork:
    """The pods' side of one node."""
    plan = plan_of(config)
    node = plan.nodes[number - 1]
    if config.network == "namespaces":
        from wherry.network.nodes.node import NodeNetwork

        return NodeNetwork(plan, node, state=state.node(node.name))
    from wherry.network.userspace.addresses import LoopbackNetwork

    return LoopbackNetwork(
        pod_cidr=node.pod_cidr,
        state=state.node(node.name),
        node_address=node.address,
        dns_servers=(plan.dns_address,),
    )


def loopback_listener(preferred: int) -> socket.socket:
    """A socket that listens at that port, or, where somebody listens there already, at any that is free.

    The node's status tells the port, so nobody has to know it beforehand. Raises `OSError`.
    """
    try:
        return socket.create_server(("127.0.0.1", preferred), backlog=128)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return socket.create_server(("127.0.0.1", 0), backlog=128)


def node_sockets(config: ClusterConfig, network: PodNetwork, port: int) -> Sequence[socket.socket]:
    """Where the node's server listens: in the node's namespace, or on the host's loopback. Raises `OSError`."""
    if config.network != "namespaces":
        return [loopback_listener(port)]
    from wherry.network.nodes.node import NodeNetwork

    assert isinstance(network, NodeNetwork)
    return [network.listen(port)]


def node_proxy(
    config: ClusterConfig, network: PodNetwork, informers: SharedInformers, clock: Clock, node: str
) -> Runnable | None:
    """What carries Services on one node."""
    if config.network == "namespaces":
        from wherry.network.nodes.node import NodeNetwork
        from wherry.network.services.proxy import ServiceProxy

        assert isinstance(network, NodeNetwork)
        return ServiceProxy(
            informers=informers,
            network=network,
            clock=clock,
            node_name=node,
            pod_cidr=config.pod_cidr,
            service_cidr=", ".join((config.service_cidr, *plan_of(config).load_balancers)),
        )
    # All nodes are this machine: one proxy carries for all of them.
    if config.network == "loopback" and node == config.node_name(1):
        from wherry.network.userspace.addresses import LoopbackNetwork
        from wherry.network.userspace.proxy import UserspaceProxy

        assert isinstance(network, LoopbackNetwork)
        return UserspaceProxy(
            informers=informers,
            clock=clock,
            node_addresses=network.node_addresses,
            mapped_ports=network.shares_address,
        )
    return None


def health_checks(
    config: ClusterConfig, network: PodNetwork, informers: SharedInformers, clock: Clock, node: str
) -> Runnable | None:
    """What tells load balancers whether a node serves a Service; None where nodes have no addresses of their own."""
    if config.network != "namespaces":
        return None
    from wherry.network.nodes.node import NodeNetwork
    from wherry.network.services.health import HealthChecks

    assert isinstance(network, NodeNetwork)
    return HealthChecks(informers=informers, node=node, listen=network.listen, clock=clock)


def balancer_routes(config: ClusterConfig, informers: SharedInformers, clock: Clock) -> Runnable | None:
    """What routes load balancers to the nodes that serve them; None where the host needs no routes."""
    if config.network != "namespaces" or not config.load_balancer_pool:
        return None
    from wherry.network.nodes.balancer_routes import BalancerRoutes

    return BalancerRoutes(plan_of(config), informers=informers, clock=clock)


def dns_server(config: ClusterConfig, client: Client, informers: SharedInformers, clock: Clock) -> Runnable:
    """The cluster's DNS, at the host's address on the nodes' network."""
    from wherry.network.dns.component import DnsServer

    return DnsServer(
        informers=informers,
        client=client,
        clock=clock,
        cluster_ip=config.dns_address,
        address=config.host_address,
        # The machine's own 127.0.0.1:53 is not ours to take; the Service leads to any port.
        port=53 if config.network == "namespaces" else 0,
    )
