"""The parts that every handler works with, put together once by `app.ApiServer`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherry.apiserver.admission.chain import Admission
from wherry.apiserver.registry import Registry
from wherry.apiserver.watching.hub import Hubs
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.store.port import Store

if TYPE_CHECKING:
    from wherry.apiserver.authentication.authenticator import Authenticator
    from wherry.apiserver.call import Stage
    from wherry.apiserver.config import ServerConfig
    from wherry.apiserver.metrics import Metrics
    from wherry.apiserver.tokens import ServiceAccountTokens


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
    tokens: ServiceAccountTokens | None
    authenticator: Authenticator
    metrics: Metrics
    connect: dict[tuple[str, str], Stage] = field(default_factory=dict)
    """Handlers of `(qualified resource, subresource)` that take the connection over, such as `("pods", "exec")`."""
