"""What every controller is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.client import Client
from wherry.client.events import EventRecorder
from wherry.client.informer import SharedInformers


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What can be set for the controllers. Seconds; the defaults are upstream's."""

    root_ca: str = ""
    """The cluster's CA certificates as PEM, published into every namespace; empty: not published."""
    sign_token: Callable[[Object], str] | None = None
    """Signs claims as a service account token, for secrets that hold one; None: they stay empty."""
    signing_authority: tuple[bytes, bytes] | None = None
    """Certificate and key (PEM) that sign approved certificate requests; None: nobody does."""
    signing_seconds: float = 365 * 24 * 3600.0
    """How long such certificates live at most."""
    load_balancer_pool: str = ""
    """Addresses for Services of type LoadBalancer (see `base.address_pool`); empty: somebody else gives them."""
    node_monitor_grace: float = 40.0
    node_monitor_period: float = 5.0
    terminated_pod_threshold: int = 12500
    volume_root: Callable[[str], Path | None] | None = None
    """Where the local volumes of a node stand, by its name; None for nodes that only pretend."""
    workers: int = 5
    workers_by_controller: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The cluster as controllers meet it. One for all controllers of a process, so that informers are shared."""

    client: Client
    clock: Clock
    informers: SharedInformers
    config: Config = Config()
    log: Logger = field(default_factory=lambda: Logger("controllers"))

    def recorder(self, component: str) -> EventRecorder:
        return EventRecorder(self.client, component, self.clock, log=self.log)
