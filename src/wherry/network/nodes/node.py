"""A node's side: its namespace, the cable to the host, and a cable to each pod.

Pods are routed, not bridged: each has a /32 address and a route of its own, so that every packet between pods passes the
node's routing and its connection tracking, also between two pods of one node (docs/adr/0003-routed-pods.md).

It is the `PodNetwork` of nodes that run real containers.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from wherry.api.pod_network import NetworkFailure, PodAttachment
from wherry.base import netns
from wherry.network.nodes.addresses import AddressesExhausted, AddressPool
from wherry.network.nodes.commands import ip_batch, link_exists
from wherry.network.nodes.plan import NetworkPlan, NodePlan, pod_interface
from wherry.wire.dial import connect_socket
from wherry.wire.messages import ByteStream

_SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    # A node sends much of what comes from the host back by the same cable. Were it to tell the host of the shorter way,
    # packets of connections that this node translates would go past it.
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.conf.eth0.send_redirects": "0",
    # A Service without endpoints says so by ICMP. By default each client is told six times at once, then once a second.
    "net.ipv4.icmp_ratelimit": "0",
}


class NodeNetwork:
    """One node's network. `state` is a directory for the addresses that are in use."""

    nameserver_reachable = True

    def __init__(self, plan: NetworkPlan, node: NodePlan, *, state: Path) -> None:
        self._plan = plan
        self._node = node
        self._name = plan.node_namespace(node)
        self._pool = AddressPool(node.pod_cidr, state / "addresses", reserved=[node.gateway])
        self._attached: dict[str, PodAttachment] = {}
        self.node_addresses: Sequence[str] = (node.address,)
        self.dns_servers: Sequence[str] = (plan.dns_address,)

    @property
    def namespace(self) -> Path:
        """The node's namespace, for whoever opens sockets or applies rules there."""
        return netns.path(self._name)

    @property
    def namespace_name(self) -> str:
        return self._name

    async def open(self) -> None:
        """Make the node's side, or find it again. Raises `NetworkFailure`."""
        try:
            if not netns.exists(self._name) or not link_exists(self._plan.uplink(self._node)):
                await self._make()
            for name, value in _SYSCTLS.items():
                netns.write_sysctl(self.namespace, name, value)
            await ip_batch(self._routes(), namespace=self._name)
        except OSError as error:
            raise NetworkFailure(f"node {self._node.name}: {error}") from error
        self._find_attached()

    async def close(self) -> None:
        """Nothing to let go of: what exists is in the kernel and on disk."""

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment:
        """Give the pod a namespace and an address. Raises `NetworkFailure`."""
        if pod_uid in self._attached:
            return self._attached[pod_uid]
        try:
            address = self._pool.take(pod_uid)
            await self._plug_in(pod_uid, address)
        except (AddressesExhausted, OSError) as error:
            self._pool.give_back(pod_uid)
            raise NetworkFailure(f"pod {namespace}/{name}: {error}") from error
        except BaseException:
            await self._unplug(pod_uid)
            raise
        return self._remember(pod_uid, address)

    async def detach(self, pod_uid: str) -> None:
        self._attached.pop(pod_uid, None)
        await self._unplug(pod_uid)

    def attached(self) -> Mapping[str, PodAttachment]:
        return dict(self._attached)

    async def connect(self, address: str, port: int, *, pod_uid: str | None = None) -> ByteStream:
        """A TCP connection from the node, or from inside a pod. Raises `OSError`."""
        namespace = netns.path(self._plan.pod_namespace(pod_uid)) if pod_uid else self.namespace
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connecting = netns.socket_in(namespace, family)
        try:
            await asyncio.get_running_loop().sock_connect(connecting, (address, port))
        except BaseException:
            connecting.close()
            raise
        return await connect_socket(connecting)

    def listen(self, port: int, address: str | None = None) -> socket.socket:
        """A socket that listens at the node's own address; the node's server stands on it. Raises `OSError`."""
        listening = netns.socket_in(self.namespace)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address or self._node.address, port))
            listening.listen(128)
        except OSError:
            listening.close()
            raise
        return listening

    async def _make(self) -> None:
        plan, uplink = self._plan, self._plan.uplink(self._node)
        netns.create(self._name)
        if link_exists(uplink):
            await ip_batch([f"link delete {uplink}"])
        await ip_batch(
            [
                f"link add {uplink} type veth peer name eth0 netns {self._name}",
                f"link set {uplink} master {plan.bridge} up",
            ]
        )

    def _routes(self) -> list[str]:
        plan, node = self._plan, self._node
        others = [other for other in plan.nodes if other.name != node.name]
        return [
            f"addr replace {node.address}/{plan.prefix_length} dev eth0",
            "link set eth0 up",
            f"route replace default via {plan.host_address} dev eth0",
            # What is left of the node's own range has no pod behind it and must not be sent back to the host.
            f"route replace unreachable {node.pod_cidr}",
            *(f"route replace {other.pod_cidr} via {other.address} dev eth0 onlink" for other in others),
        ]

    async def _plug_in(self, pod_uid: str, address: str) -> None:
        pod, link, gateway = self._plan.pod_namespace(pod_uid), pod_interface(pod_uid), self._node.gateway
        if self._has_link(link):  # of a namespace that vanished a moment ago: the kernel takes its cable down later
            await ip_batch([f"link delete {link}"], namespace=self._name, force=True)
        netns.create(pod)
        await ip_batch(
            [
                f"link add {link} type veth peer name eth0 netns {pod}",
                f"addr add {gateway}/32 dev {link}",
                f"link set {link} up",
                f"route replace {address}/32 dev {link}",
            ],
            namespace=self._name,
        )
        await ip_batch(
            [
                f"addr add {address}/32 dev eth0",
                "link set eth0 up",
                f"route add {gateway}/32 dev eth0 scope link src {address}",
                f"route add default via {gateway} dev eth0 src {address}",
            ],
            namespace=pod,
        )

    async def _unplug(self, pod_uid: str) -> None:
        pod, link = self._plan.pod_namespace(pod_uid), pod_interface(pod_uid)
        # The cable goes first: a namespace lives on while a process is in it, and its address must not.
        if netns.exists(pod):
            await ip_batch([f"link delete {link}"], namespace=self._name, force=True)
        netns.delete(pod)
        self._pool.give_back(pod_uid)

    def _find_attached(self) -> None:
        """Trust only what is whole: an address on file, a namespace, and the cable in it."""
        self._pool.open()
        for pod_uid, address in self._pool.owners().items():
            if self._is_plugged_in(pod_uid):
                self._remember(pod_uid, address)
            else:
                netns.delete(self._plan.pod_namespace(pod_uid))
                self._pool.give_back(pod_uid)

    def _is_plugged_in(self, pod_uid: str) -> bool:
        return netns.exists(self._plan.pod_namespace(pod_uid)) and self._has_link(pod_interface(pod_uid))

    def _has_link(self, name: str) -> bool:
        """Whether the node's namespace has an interface of that name."""
        return name in netns.run_in(self.namespace, lambda: {found for _, found in socket.if_nameindex()})

    def _remember(self, pod_uid: str, address: str) -> PodAttachment:
        path = os.fspath(netns.path(self._plan.pod_namespace(pod_uid)))
        self._attached[pod_uid] = PodAttachment(pod_uid=pod_uid, addresses=(address,), namespace_path=path)
        return self._attached[pod_uid]
