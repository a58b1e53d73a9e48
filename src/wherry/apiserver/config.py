"""What an API server is told when it is made, beside its store and its clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wherry.apiserver.aggregation.identity import FrontProxy
from wherry.apiserver.audit.options import AuditOptions
from wherry.apiserver.authentication.request_header import RequestHeaderOptions
from wherry.apiserver.authentication.webhook import CACHE_SECONDS
from wherry.apiserver.tokens import DEFAULT_ISSUER
from wherry.policy.podsecurity.rules import PodSecurityRules
from wherry.policy.user import User


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """All have defaults that work in one process; a served cluster sets addresses, key and `rbac`."""

    advertise_address: str = "127.0.0.1"
    """Where pods and nodes reach this server; goes into the endpoints of the `kubernetes` service."""
    advertise_port: int = 6443
    service_cidr: str = "10.96.0.0/16"
    node_ports: tuple[int, int] = (30000, 32767)
    """The first and the last."""
    loopback_endpoints: bool = False
    """Endpoints may be in the loopback range, for clusters whose pods have nothing else. Upstream refuses them."""
    service_account_key: bytes = b""
    """PEM, ECDSA P-256 or RSA; without it no service account tokens are issued or accepted."""
    issuer: str = DEFAULT_ISSUER
    audiences: tuple[str, ...] = ()
    """What the server itself answers to; the issuer where empty."""
    static_tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    token_file: Path | None = None
    """Static tokens, a line each; read once."""
    authentication_config: Path | None = None
    """An AuthenticationConfiguration: issuers of tokens, and what anonymous callers may ask. Read again when it changes."""
    authentication_webhook: Path | None = None
    """A kubeconfig: whose server reviews the tokens that nobody here knows."""
    authentication_webhook_seconds: float = CACHE_SECONDS
    """How long its answers count."""
    request_header: RequestHeaderOptions | None = None
    """A proxy in front, which is believed what it says of its callers."""
    client_ca: str = ""
    """PEM: who signs client certificates; told to extension API servers."""
    front_proxy: FrontProxy | None = None
    """How extension API servers know this one; without it they must believe anybody, or nobody."""
    seats: int = 240
    """How much may be under way at once, for priority and fairness to divide; 0 switches it off. A write costs the one
    thread half a millisecond, so this is about a tenth of a second of work; upstream has 600 for many threads."""
    audit: AuditOptions | None = None
    """What is written down of requests, and where; None: nothing."""
    authorization_config: Path | None = None
    """An AuthorizationConfiguration: who decides, in which order. Read again when it changes. Without it, with `rbac`: Node, RBAC."""
    disabled_admission: frozenset[str] = frozenset()
    """Admission plugins that do not run, by upstream's names."""
    pod_security: PodSecurityRules = field(default_factory=PodSecurityRules)
    """What holds where a namespace does not say, and who is exempt."""
    rbac: bool = False
    """Decide by RBAC; otherwise everybody who is let in may do everything."""
