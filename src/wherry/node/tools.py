"""What every pod worker of a node works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.client import Client
from wherry.client.events import EventRecorder
from wherry.node.config import NodeConfig
from wherry.node.image_pulls import ImagePulls
from wherry.node.network_port import PodNetwork
from wherry.node.objects import ObjectWatches
from wherry.node.pod.dns import Resolver
from wherry.node.probes.probe import ProbeActions
from wherry.node.runtimes.port import Runtime
from wherry.node.status_writer import StatusWriter
from wherry.node.tokens import TokenRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Shared by all workers of one agent; the agent owns and closes what needs closing."""

    client: Client
    runtime: Runtime
    network: PodNetwork
    clock: Clock
    config: NodeConfig
    log: Logger
    events: EventRecorder
    images: ImagePulls
    objects: ObjectWatches
    tokens: TokenRequests
    probes: ProbeActions
    statuses: StatusWriter
    services: Callable[[], Sequence[Object]]
    """The cluster's services as known now."""
    node: Callable[[], Object]
    """The node's own object, with labels and allocatable."""
    memory_capacity: int
    host_resolver: Resolver
    scheme: str
    """What container ids begin with in statuses: `runc`, `process`, `fake`."""
