"""Which flow schema a request falls under. Pure: compiled from objects, asked with what a request says of itself.

Source: k8s.io/apiserver/pkg/util/flowcontrol/rule.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.policy.user import User

_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A request's verb and what it is about; `path` only where that is no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    """With its subresource, as in `nodes/status`."""
    namespace: str = ""
    path: str = ""


Rule = Callable[[User, Target], bool]


def matcher(schema: Object) -> Rule:
    """Whether a user's request falls under a schema."""
    rules = [_compiled(rule) for rule in (schema.get("spec") or {}).get("rules") or ()]
    return lambda user, target: any(rule(user, target) for rule in rules)


def _compiled(rule: Object) -> Rule:
    subjects = [_subject(each) for each in rule.get("subjects") or ()]
    resources = [_resource(each) for each in rule.get("resourceRules") or ()]
    paths = [_path(each) for each in rule.get("nonResourceRules") or ()]

    def matches(user: User, target: Target) -> bool:
        if not any(subject(user) for subject in subjects):
            return False
        return any(each(target) for each in (paths if target.path else resources))

    return matches


def _subject(subject: Object) -> Callable[[User], bool]:
    kind = subject.get("kind")
    if kind == "User":
        wanted = subject["user"]["name"]
        return lambda user: wanted in ("*", user.name)
    if kind == "Group":
        group = subject["group"]["name"]
        return lambda user: group == "*" or group in user.groups
    account = subject.get("serviceAccount") or {}
    prefix, name = f"{_ACCOUNT}{account.get('namespace')}:", account.get("name")
    return lambda user: user.name.startswith(prefix) and name in ("*", user.name.removeprefix(prefix))


def _has(values: Sequence[str], value: str) -> bool:
    return "*" in values or value in values


def _resource(rule: Object) -> Callable[[Target], bool]:
    verbs, groups, resources = (rule.get(key) or () for key in ("verbs", "apiGroups", "resources"))
    namespaces, cluster = rule.get("namespaces") or (), bool(rule.get("clusterScope"))

    def matches(target: Target) -> bool:
        if not (_has(verbs, target.verb) and _has(groups, target.group) and _has(resources, target.resource)):
            return False
        return _has(namespaces, target.namespace) if target.namespace else cluster

    return matches


def _path(rule: Object) -> Callable[[Target], bool]:
    verbs, urls = rule.get("verbs") or (), rule.get("nonResourceURLs") or ()

    def matches(target: Target) -> bool:
        return _has(verbs, target.verb) and any(_covers(url, target.path) for url in urls)

    return matches


def _covers(url: str, path: str) -> bool:
    return url == "*" or path == url or (url.endswith("*") and path.startswith(url[:-1]))
