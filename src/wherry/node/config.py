"""What a node agent is told when it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wherry.api.types import Object

KUBELET_VERSION = "v1.36.0"
LEASE_NAMESPACE = "kube-node-lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """One node. `root` is the agent's own directory: logs and volumes of its pods."""

    name: str
    root: Path
    cluster_domain: str = "cluster.local"
    server_port: int = 10250
    """Where the node's HTTP server listens (`daemonEndpoints.kubeletEndpoint`)."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Object] = ()
    """Set when the agent creates the Node object; later the API's word counts."""
    capacity: Mapping[str, str] = field(default_factory=dict)
    """Over what the machine has: to make a node look smaller or larger."""
    max_pods: int = 110
    pod_cidrs: Sequence[str] = ()
    provider_id: str = ""
    lease_seconds: int = 40
    renew_seconds: float = 10.0
    status_seconds: float = 300.0
    """The node's status is sent when it changed, and otherwise this often."""
    on_disk: bool = True
    """False for pods that only pretend: no volumes, no files, so that thousands of them cost nothing."""

    @property
    def logs_root(self) -> Path:
        return self.root / "pods"

    @property
    def files_root(self) -> Path:
        """Below it a directory per pod uid: volumes, hosts file, termination messages."""
        return self.root / "files"

    @property
    def trash_root(self) -> Path:
        """Where directories wait for their deletion."""
        return self.root / "trash"
