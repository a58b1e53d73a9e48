"""Which requests are written down, and how much of them: the rules of an audit policy, the first that matches.

Source: "Auditing" in the Kubernetes documentation, audit.k8s.io/v1, k8s.io/apiserver/pkg/audit/policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import Problems
from wherry.apiserver.configuration.reading import parse, sections, text, texts
from wherry.apiserver.request_info import PathInfo
from wherry.policy.user import User

NONE, METADATA, REQUEST, RESPONSE = range(4)
LEVELS: Final = ("None", "Metadata", "Request", "RequestResponse")
STAGES: Final = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_RULE_FIELDS = (
    "level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs", "omitStages",
    "omitManagedFields",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resources:
    """Resources of one group; without names of resources all of them, without names of objects every one."""

    group: str
    resources: frozenset[str]
    names: frozenset[str]

    def match(self, info: PathInfo) -> bool:
        if self.group != info.group:
            return False
        if self.names and info.name not in self.names:
            return False
        if not self.resources or "*" in self.resources:
            return True
        if not info.subresource:
            return info.plural in self.resources
        wanted = (f"{info.plural}/{info.subresource}", f"*/{info.subresource}", f"{info.plural}/*")
        return any(each in self.resources for each in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What holds for requests that it matches; empty sets match everything."""

    level: int
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    resources: tuple[Resources, ...] = ()
    namespaces: frozenset[str] = frozenset()
    urls: tuple[str, ...] = ()
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False

    def matches(self, user: User, verb: str, info: PathInfo) -> bool:
        if self.users and user.name not in self.users:
            return False
        if self.groups and self.groups.isdisjoint(user.groups):
            return False
        if self.verbs and verb not in self.verbs:
            return False
        if self.namespaces or self.resources:
            return info.resource_request and self._matches_resource(info)
        if self.urls:
            return not info.resource_request and any(_covers(url, info.path) for url in self.urls)
        return True

    def _matches_resource(self, info: PathInfo) -> bool:
        if self.namespaces and info.namespace not in self.namespaces:
            return False
        return not self.resources or any(each.match(info) for each in self.resources)


_SILENT = Rule(level=NONE)


@dataclass(frozen=True, slots=True)
class Policy:
    rules: tuple[Rule, ...]

    def rule_for(self, user: User, verb: str, info: PathInfo) -> Rule:
        """The first rule that matches; what none matches is not written down."""
        return next((rule for rule in self.rules if rule.matches(user, verb, info)), _SILENT)


def _covers(url: str, path: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url[:-1]))


def parse_policy(data: bytes, *, source: str) -> Policy:
    """Raises `ConfigurationError`."""
    found = parse(data, source=source, kind="Policy", group="audit.k8s.io", versions=("v1",))
    problems = Problems()
    problems.fields("", found, ("apiVersion", "kind", "metadata", "omitStages", "omitManagedFields", "rules"))
    omitted = _stages(found, "", problems)
    omit_fields = found.get("omitManagedFields") is True
    given = sections(found.get("rules"), "rules")
    if not given:
        problems.required("rules", "an audit policy must have at least one rule")
    rules = tuple(_rule(each, f"rules[{index}]", omitted, omit_fields, problems) for index, each in enumerate(given))
    problems.check(source)
    return Policy(rules)


def _stages(given: Object, path: str, problems: Problems) -> frozenset[str]:
    name = f"{path}.omitStages" if path else "omitStages"
    stages = texts(given.get("omitStages"), name)
    for index, stage in enumerate(stages):
        if stage not in STAGES:
            problems.invalid(f"{name}[{index}]", stage, f"allowed stages are {','.join(STAGES)}")
    return frozenset(stages)


def _rule(given: Object, path: str, omitted: frozenset[str], omit_fields: bool, problems: Problems) -> Rule:
    problems.fields(path, given, _RULE_FIELDS)
    level = text(given, "level", path)
    if not level:
        problems.required(f"{path}.level")
    elif level not in LEVELS:
        problems.unsupported(f"{path}.level", level, LEVELS)
    urls = texts(given.get("nonResourceURLs"), f"{path}.nonResourceURLs")
    for index, url in enumerate(urls):
        where = f"{path}.nonResourceURLs[{index}]"
        if url != "*" and not url.startswith("/"):
            problems.invalid(where, url, "non-resource URL rules must begin with a '/' character")
        elif "*" in url[:-1]:
            problems.invalid(where, url, "non-resource URL wildcards '*' must be the final character of the rule")
    if urls and (given.get("resources") or given.get("namespaces")):
        problems.invalid(
            f"{path}.nonResourceURLs", list(urls), "rules cannot apply to both regular resources and non-resource URLs"
        )
    own = given.get("omitManagedFields")
    return Rule(
        level=LEVELS.index(level) if level in LEVELS else NONE,
        users=frozenset(texts(given.get("users"), f"{path}.users")),
        groups=frozenset(texts(given.get("userGroups"), f"{path}.userGroups")),
        verbs=frozenset(texts(given.get("verbs"), f"{path}.verbs")),
        resources=tuple(
            _resources(each, f"{path}.resources[{index}]", problems)
            for index, each in enumerate(sections(given.get("resources"), f"{path}.resources"))
        ),
        namespaces=frozenset(texts(given.get("namespaces"), f"{path}.namespaces")),
        urls=urls,
        omit_stages=omitted | _stages(given, path, problems),
        omit_managed_fields=omit_fields if own is None else own is True,
    )


def _resources(given: Object, path: str, problems: Problems) -> Resources:
    problems.fields(path, given, ("group", "resources", "resourceNames"))
    resources, names = texts(given.get("resources"), path), texts(given.get("resourceNames"), path)
    if names and not resources:
        problems.invalid(f"{path}.resourceNames", list(names), "using resourceNames requires at least one resource")
    return Resources(text(given, "group", path), frozenset(resources), frozenset(names))
