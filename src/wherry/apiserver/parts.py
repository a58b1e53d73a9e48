"""The parts that every handler works with, put together once by `app.ApiServer`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from wherry.api.types import Object
from wherry.apiserver.admission.chain import Admission
from wherry.apiserver.registry import Registry
from wherry.apiserver.watching.hub import Hubs
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.store.port import Store

if TYPE_CHECKING:
    from wherry.apiserver.admission.by_namespace import ByNamespace
    from wherry.apiserver.admission.pod_security_policies import PodSecurityPolicies
    from wherry.apiserver.admission.priority import PriorityDefault
    from wherry.apiserver.authentication.authenticator import Authenticator
    from wherry.apiserver.authorization.authorizer import Authorizer
    from wherry.apiserver.call import Stage
    from wherry.apiserver.config import ServerConfig
    from wherry.apiserver.metrics import Metrics
    from wherry.apiserver.quotas.reservations import Reservations
    from wherry.apiserver.tokens import ServiceAccountTokens
    from wherry.policy.limit_ranges import LimitRange


class Allocator(Protocol):
    """Fills in what the server gives out (addresses, ports) at the last moment before a write."""

    def allocate(self, key: str, new: Object, old: Object | None, *, dry_run: bool) -> None:
        """Complete `new` in place and reserve, unless on a dry run, what it uses. Raises `Invalid`."""

    def give_back(self, key: str) -> None:
        """The write did not happen."""

    async def settled(self, key: str) -> None:
        """Return when what goes with the written object is stored, too."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """What a handler may use. Nothing here is replaced while the server runs."""

    store: Store
    registry: Registry
    clock: Clock
    log: Logger
    config: ServerConfig
    hubs: Hubs
    admission: Admission
    priority_default: PriorityDefault
    pod_security: PodSecurityPolicies
    limit_ranges: ByNamespace[LimitRange]
    quotas: Reservations
    tokens: ServiceAccountTokens | None
    authenticator: Authenticator
    authorizer: Authorizer
    metrics: Metrics
    allocators: Mapping[str, Allocator]
    """By qualified resource."""
    connect: dict[tuple[str, str], Stage] = field(default_factory=dict)
    """Handlers of `(qualified resource, subresource)` that take the connection over, such as `("pods", "exec")`."""
