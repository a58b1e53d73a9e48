"""What an `AuthenticationConfiguration` says: whose tokens are accepted, what their claims mean, who may be nobody.

Source: "Authenticating" in the Kubernetes documentation, apiserver.config.k8s.io/v1, KEP-3331, KEP-4633.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import Problems
from wherry.apiserver.configuration.reading import parse, section, sections, text, texts

GROUP = "apiserver.config.k8s.io"
VERSIONS = ("v1", "v1beta1")
_KIND = "AuthenticationConfiguration"
_ISSUERS = 64
_RESERVED = ("k8s.io", "kubernetes.io")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where a value comes from: a claim, with a prefix put before it, or an expression over the claims."""

    claim: str = ""
    prefix: str = ""
    expression: str = ""

    def __bool__(self) -> bool:
        return bool(self.claim or self.expression)


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """A claim must have a value, or an expression must be true."""

    claim: str = ""
    required_value: str = ""
    expression: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class UserRule:
    expression: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerConfig:
    """One entry of `jwt`."""

    url: str
    discovery_url: str = ""
    audiences: tuple[str, ...] = ()
    certificate_authority: str = ""
    """PEM; empty means the machine's trust store."""
    claim_rules: tuple[ClaimRule, ...] = ()
    username: Mapping = Mapping()
    groups: Mapping = Mapping()
    uid: Mapping = Mapping()
    extra: tuple[tuple[str, str], ...] = ()
    """Keys, and the expressions of their values."""
    user_rules: tuple[UserRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Whether callers without credentials get in, and for which paths: `None` for all of them."""

    enabled: bool = True
    paths: frozenset[str] | None = None

    def admits(self, path: str) -> bool:
        return self.enabled and (self.paths is None or path in self.paths)


@dataclass(frozen=True, slots=True)
class AuthenticationConfig:
    issuers: tuple[IssuerConfig, ...] = ()
    anonymous: Anonymous | None = None
    """None: the file says nothing of it."""


def parse_authentication(data: bytes, *, source: str, disallowed: Collection[str] = ()) -> AuthenticationConfig:
    """Read the file's content; no issuer may be one of those `disallowed`. Raises `ConfigurationError`."""
    found = parse(data, source=source, kind=_KIND, group=GROUP, versions=VERSIONS)
    problems = Problems()
    problems.fields("", found, ("kind", "apiVersion", "jwt", "anonymous"))
    jwt = sections(found.get("jwt"), "jwt")
    if len(jwt) > _ISSUERS:
        problems.invalid("jwt", len(jwt), f"must have at most {_ISSUERS} items")
    issuers = tuple(_issuer(each, f"jwt[{index}]", problems, disallowed) for index, each in enumerate(jwt))
    _check_unique(issuers, problems)
    anonymous = _anonymous(found["anonymous"], problems) if "anonymous" in found else None
    problems.check(source)
    return AuthenticationConfig(issuers, anonymous)


def _check_unique(issuers: tuple[IssuerConfig, ...], problems: Problems) -> None:
    for field, name in (("url", "url"), ("discovery_url", "discoveryURL")):
        seen: set[str] = set()
        for index, issuer in enumerate(issuers):
            value: str = getattr(issuer, field)
            if value and value in seen:
                problems.duplicate(f"jwt[{index}].issuer.{name}", value)
            seen.add(value)


def _issuer(given: Object, path: str, problems: Problems, disallowed: Collection[str]) -> IssuerConfig:
    problems.fields(path, given, ("issuer", "claimValidationRules", "claimMappings", "userValidationRules"))
    issuer, at = section(given.get("issuer"), f"{path}.issuer"), f"{path}.issuer"
    problems.fields(
        at,
        issuer,
        ("url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy", "egressSelectorType"),
    )
    url, discovery = text(issuer, "url", at), text(issuer, "discoveryURL", at)
    if not url:
        problems.required(f"{at}.url")
    else:
        _check_url(url, f"{at}.url", problems, disallowed)
    if discovery:
        if url.rstrip("/") == discovery.rstrip("/"):
            problems.invalid(f"{at}.discoveryURL", discovery, "discoveryURL must be different from URL")
        _check_url(discovery, f"{at}.discoveryURL", problems, ())
    if issuer.get("egressSelectorType"):
        problems.invalid(f"{at}.egressSelectorType", issuer["egressSelectorType"], "there are no egress selectors")
    mappings, below = section(given.get("claimMappings"), f"{path}.claimMappings"), f"{path}.claimMappings"
    problems.fields(below, mappings, ("username", "groups", "uid", "extra"))
    return IssuerConfig(
        url=url,
        discovery_url=discovery,
        audiences=_audiences(issuer, at, problems),
        certificate_authority=text(issuer, "certificateAuthority", at),
        claim_rules=_claim_rules(given, f"{path}.claimValidationRules", problems),
        username=_mapping(mappings.get("username"), f"{below}.username", problems, required=True),
        groups=_mapping(mappings.get("groups"), f"{below}.groups", problems),
        uid=_mapping(mappings.get("uid"), f"{below}.uid", problems, prefixed=False),
        extra=_extra(mappings, f"{below}.extra", problems),
        user_rules=_user_rules(given, f"{path}.userValidationRules", problems),
    )


def _check_url(url: str, path: str, problems: Problems, disallowed: Collection[str]) -> None:
    if url in disallowed:
        shown = f"[{' '.join(sorted(disallowed))}]"
        problems.invalid(path, url, f"URL must not overlap with disallowed issuers: {shown}")
    parts = urlsplit(url)
    for wrong, what in (
        (parts.scheme != "https", "URL scheme must be https"),
        (parts.username is not None, "URL must not contain a username or password"),
        (bool(parts.query), "URL must not contain a query"),
        (bool(parts.fragment), "URL must not contain a fragment"),
        (not parts.hostname, "URL must have a host"),
    ):
        if wrong:
            problems.invalid(path, url, what)


def _audiences(issuer: Object, path: str, problems: Problems) -> tuple[str, ...]:
    audiences, at = texts(issuer.get("audiences"), f"{path}.audiences"), f"{path}.audiences"
    policy, policy_at = text(issuer, "audienceMatchPolicy", path), f"{path}.audienceMatchPolicy"
    if not audiences:
        problems.required(at, f"at least one {at} is required")
    for index, audience in enumerate(audiences):
        if not audience:
            problems.required(f"{at}[{index}]")
        if audience in audiences[:index]:
            problems.duplicate(f"{at}[{index}]", audience)
    if len(audiences) > 1 and policy != "MatchAny":
        problems.invalid(policy_at, policy, "audienceMatchPolicy must be MatchAny for multiple audiences")
    elif policy not in ("", "MatchAny"):
        problems.invalid(policy_at, policy, "audienceMatchPolicy must be empty or MatchAny for single audience")
    return audiences


def _claim_rules(given: Object, path: str, problems: Problems) -> tuple[ClaimRule, ...]:
    rules: list[ClaimRule] = []
    for index, each in enumerate(sections(given.get("claimValidationRules"), path)):
        at = f"{path}[{index}]"
        problems.fields(at, each, ("claim", "requiredValue", "expression", "message"))
        rule = ClaimRule(*(text(each, field, at) for field in ("claim", "requiredValue", "expression", "message")))
        if rule.claim and rule.expression:
            problems.invalid(at, rule.claim, "claim and expression can't both be set")
        elif rule.claim:
            if rule.message:
                problems.invalid(f"{at}.message", rule.message, "may not be specified when claim is set")
            if any(rule.claim == other.claim for other in rules):
                problems.duplicate(f"{at}.claim", rule.claim)
        elif not rule.expression:
            problems.required(at, "claim or expression is required")
        elif rule.required_value:
            what = "may not be specified when expression is set"
            problems.invalid(f"{at}.requiredValue", rule.required_value, what)
        elif any(rule.expression == other.expression for other in rules):
            problems.duplicate(f"{at}.expression", rule.expression)
        rules.append(rule)
    return tuple(rules)


def _mapping(value: object, path: str, problems: Problems, *, required: bool = False, prefixed: bool = True) -> Mapping:
    given = section(value, path)
    problems.fields(path, given, ("claim", "prefix", "expression") if prefixed else ("claim", "expression"))
    found = Mapping(*(text(given, field, path) for field in ("claim", "prefix", "expression")))
    if found.claim and found.expression:
        problems.invalid(path, "", "claim and expression can't both be set")
    elif found.expression and given.get("prefix") is not None:
        problems.invalid(f"{path}.prefix", found.prefix, "prefix can't be set when expression is set")
    elif found.claim and prefixed and given.get("prefix") is None:
        what = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
        problems.required(f"{path}.prefix", what)
    elif required and not found:
        problems.required(path, "claim or expression is required")
    return found


def _extra(mappings: Object, path: str, problems: Problems) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for index, each in enumerate(sections(mappings.get("extra"), path)):
        at = f"{path}[{index}]"
        problems.fields(at, each, ("key", "valueExpression"))
        key, expression = text(each, "key", at), text(each, "valueExpression", at)
        domain = key.partition("/")[0]
        if not key:
            problems.required(f"{at}.key")
        elif "/" not in key:
            problems.invalid(f"{at}.key", key, 'must be a domain-prefixed path (such as "acme.io/foo")')
        elif key != key.lower():
            problems.invalid(f"{at}.key", key, "must be lowercase")
        elif any(domain == each or domain.endswith(f".{each}") for each in _RESERVED):
            what = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
            problems.invalid(f"{at}.key", key, what)
        elif key in found:
            problems.duplicate(f"{at}.key", key)
        if not expression:
            problems.required(f"{at}.valueExpression")
        found[key] = expression
    return tuple(found.items())


def _user_rules(given: Object, path: str, problems: Problems) -> tuple[UserRule, ...]:
    rules: list[UserRule] = []
    for index, each in enumerate(sections(given.get("userValidationRules"), path)):
        at = f"{path}[{index}]"
        problems.fields(at, each, ("expression", "message"))
        rule = UserRule(text(each, "expression", at), text(each, "message", at))
        if not rule.expression:
            problems.required(f"{at}.expression")
        elif any(rule.expression == other.expression for other in rules):
            problems.duplicate(f"{at}.expression", rule.expression)
        rules.append(rule)
    return tuple(rules)


def _anonymous(value: object, problems: Problems) -> Anonymous:
    given = section(value, "anonymous")
    problems.fields("anonymous", given, ("enabled", "conditions"))
    enabled = given.get("enabled") is True
    conditions = sections(given.get("conditions"), "anonymous.conditions")
    if conditions and not enabled:
        what = "enabled should be set to true when conditions are defined"
        problems.invalid("anonymous.conditions", conditions, what)
    paths = frozenset(text(each, "path", f"anonymous.conditions[{i}]") for i, each in enumerate(conditions))
    return Anonymous(enabled, paths if conditions else None)
