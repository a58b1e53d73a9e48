"""What an `AuthorizationConfiguration` says: which authorizers are asked, in which order, and the webhooks among them.

Source: "Authorization" in the Kubernetes documentation (structured configuration), apiserver.config.k8s.io/v1, KEP-3221.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import Problems
from wherry.apiserver.configuration.reading import parse, section, sections, text

GROUP = "apiserver.config.k8s.io"
VERSIONS = ("v1", "v1beta1")
_KIND = "AuthorizationConfiguration"
_TYPES = frozenset({"AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"})
_REPEATABLE = frozenset({"Webhook"})
_WEBHOOK_FIELDS = (
    "authorizedTTL", "unauthorizedTTL", "timeout", "failurePolicy", "subjectAccessReviewVersion",
    "matchConditionSubjectAccessReviewVersion", "connectionInfo", "matchConditions",
    "cacheAuthorizedRequests", "cacheUnauthorizedRequests",
)  # fmt: skip
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|s)")
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig:
    """A service that decides, the times that its answers count, and what holds where it does not answer."""

    kubeconfig: Path
    authorized_seconds: float = 300.0
    unauthorized_seconds: float = 30.0
    timeout_seconds: float = 30.0
    deny_on_failure: bool = False
    conditions: tuple[str, ...] = ()
    """Expressions over `request`, the review's spec; where one is false the service is not asked."""


@dataclass(frozen=True, slots=True)
class AuthorizerConfig:
    """One of the chain."""

    type: str
    name: str
    webhook: WebhookConfig | None = None


DEFAULT = (AuthorizerConfig("Node", "node"), AuthorizerConfig("RBAC", "rbac"))


def parse_authorization(data: bytes, *, source: str) -> tuple[AuthorizerConfig, ...]:
    """Read the file's content. Raises `ConfigurationError`."""
    found = parse(data, source=source, kind=_KIND, group=GROUP, versions=VERSIONS)
    problems = Problems()
    problems.fields("", found, ("kind", "apiVersion", "authorizers"))
    given = sections(found.get("authorizers"), "authorizers")
    if not given:
        problems.required("authorizers", "at least one authorization mode must be defined")
    chain: list[AuthorizerConfig] = []
    for index, each in enumerate(given):
        chain.append(_authorizer(each, f"authorizers[{index}]", chain, problems))
    problems.check(source)
    return tuple(chain)


def _authorizer(given: Object, path: str, before: list[AuthorizerConfig], problems: Problems) -> AuthorizerConfig:
    problems.fields(path, given, ("type", "name", "webhook"))
    type, name = text(given, "type", path), text(given, "name", path)
    if not type:
        problems.required(f"{path}.type")
    elif type not in _TYPES:
        problems.unsupported(f"{path}.type", type, _TYPES)
    elif type not in _REPEATABLE and any(other.type == type for other in before):
        problems.duplicate(f"{path}.type", type)
    if not name:
        problems.required(f"{path}.name")
    elif any(other.name == name for other in before):
        problems.duplicate(f"{path}.name", name)
    if type != "Webhook":
        if given.get("webhook") is not None:
            problems.invalid(f"{path}.webhook", "non-null", "may only be specified when type=Webhook")
        return AuthorizerConfig(type, name)
    if given.get("webhook") is None:
        problems.required(f"{path}.webhook", "required when type=Webhook")
    return AuthorizerConfig(
        type, name, _webhook(section(given.get("webhook"), f"{path}.webhook"), f"{path}.webhook", problems)
    )


def _webhook(given: Object, path: str, problems: Problems) -> WebhookConfig:
    problems.fields(path, given, _WEBHOOK_FIELDS)
    if "timeout" not in given:
        problems.required(f"{path}.timeout")
    timeout = _seconds(given, "timeout", path, problems, _LONGEST_TIMEOUT)
    if not 0 < timeout <= _LONGEST_TIMEOUT:
        problems.invalid(f"{path}.timeout", given.get("timeout"), "must be > 0s and <= 30s")
    for field, known in (("failurePolicy", ("NoOpinion", "Deny")), ("subjectAccessReviewVersion", ("v1",))):
        value = text(given, field, path)
        if not value:
            problems.required(f"{path}.{field}")
        elif value not in known:
            problems.unsupported(f"{path}.{field}", value, known)
    conditions = sections(given.get("matchConditions"), f"{path}.matchConditions")
    version = text(given, "matchConditionSubjectAccessReviewVersion", path)
    if conditions and version != "v1":
        problems.required(
            f"{path}.matchConditionSubjectAccessReviewVersion", "required if match conditions are specified"
        )
    return WebhookConfig(
        kubeconfig=_connection(given, f"{path}.connectionInfo", problems),
        authorized_seconds=_cached(given, "Authorized", path, problems, 300.0),
        unauthorized_seconds=_cached(given, "Unauthorized", path, problems, 30.0),
        timeout_seconds=timeout,
        deny_on_failure=given.get("failurePolicy") == "Deny",
        conditions=tuple(text(each, "expression", f"{path}.matchConditions") for each in conditions),
    )


def _cached(given: Object, which: str, path: str, problems: Problems, default: float) -> float:
    if given.get(f"cache{which}Requests") is False:
        return 0.0
    return _seconds(given, f"{which[0].lower()}{which[1:]}TTL", path, problems, default)


def _seconds(given: Object, field: str, path: str, problems: Problems, default: float) -> float:
    value = text(given, field, path)
    if not value:
        return default
    parts = _DURATION.findall(value)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != value:
        problems.invalid(f"{path}.{field}", value, "not a duration such as 30s or 5m")
        return default
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def _connection(given: Object, path: str, problems: Problems) -> Path:
    info = section(given.get("connectionInfo"), path)
    problems.fields(path, info, ("type", "kubeConfigFile"))
    if text(info, "type", path) != "KubeConfigFile":
        problems.unsupported(f"{path}.type", info.get("type"), ("KubeConfigFile",))
    file = text(info, "kubeConfigFile", path)
    if not file:
        problems.required(f"{path}.kubeConfigFile")
    elif not Path(file).is_absolute():
        problems.invalid(f"{path}.kubeConfigFile", file, "must be an absolute path")
    elif not Path(file).exists():
        problems.invalid(f"{path}.kubeConfigFile", file, "no such file")
    return Path(file)
