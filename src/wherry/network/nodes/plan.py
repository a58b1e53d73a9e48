"""Names and addresses of one cluster's network, as plain data.

Names of namespaces have dots between their parts, which names of clusters and nodes cannot have, so one cluster's prefix
never matches another's. Interface names have at most 15 characters.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """One node: its address on the nodes' network and the range its pods get their addresses from."""

    name: str
    number: int
    address: str
    pod_cidr: str

    @property
    def gateway(self) -> str:
        """The address that the node shows to its pods."""
        return str(ipaddress.ip_network(self.pod_cidr)[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """One cluster's network on one machine. `host_address` is the host's on the nodes' network."""

    cluster: str
    index: int
    node_cidr: str
    host_address: str
    pod_cidr: str
    service_cidr: str
    dns_address: str
    nodes: tuple[NodePlan, ...]
    load_balancers: tuple[str, ...] = ()
    """The networks of the addresses of load balancers, which the nodes answer for."""

    @property
    def prefix(self) -> str:
        """Of all namespaces of this cluster."""
        return f"wherry{self.index}.{self.cluster}."

    @property
    def bridge(self) -> str:
        return f"wherry{self.index}"

    @property
    def table(self) -> str:
        """The nftables table on the host."""
        return f"wherry_{self.index}"

    def node_namespace(self, node: NodePlan) -> str:
        return f"{self.prefix}node.{node.name}"

    def pod_namespace(self, pod_uid: str) -> str:
        return f"{self.prefix}pod.{pod_uid}"

    def pod_uid(self, namespace: str) -> str | None:
        """The pod whose namespace has this name."""
        start = f"{self.prefix}pod."
        return namespace.removeprefix(start) if namespace.startswith(start) else None

    def uplink(self, node: NodePlan) -> str:
        """The host's end of a node's cable."""
        return f"wherry{self.index}-{node.number}"

    @property
    def prefix_length(self) -> int:
        return ipaddress.ip_network(self.node_cidr).prefixlen


def pod_interface(pod_uid: str) -> str:
    """The node's end of a pod's cable."""
    return "pod" + hashlib.sha256(pod_uid.encode()).hexdigest()[:12]
