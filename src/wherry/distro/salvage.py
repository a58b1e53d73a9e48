"""Enough of a configuration to take a cluster away whose `cluster.json` is damaged or of another version."""

from __future__ import annotations

from wherry.distro import networks
from wherry.distro.config import MAX_CLUSTERS, ClusterConfig, StateDirectory


def salvage(state: StateDirectory, name: str) -> ClusterConfig:
    """What can be seen of the cluster: its nodes by their directories, its networks by the marks they carry."""
    nodes = [int(path.name.rpartition("-")[2]) for path in state.nodes.glob(f"{name}-*") if path.name[-1].isdigit()]
    real = any(state.nodes.glob("*/runtime/sandboxes/*/ns")) or any(state.nodes.glob("*/runtime/containers/*/rootfs"))
    seen = ClusterConfig(
        name=name,
        index=0,
        port=0,
        nodes=max(nodes, default=1),
        runtime="oci" if real else "process",
        network="loopback",
    )
    for index in range(MAX_CLUSTERS):
        one = ClusterConfig(name=name, index=index, port=0, nodes=seen.nodes, runtime="oci", network="namespaces")
        host = networks.host_network(one, state)
        if host is not None and host.is_there():
            return one
    return seen
