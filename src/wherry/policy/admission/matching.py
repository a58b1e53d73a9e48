"""Rules of webhooks and policies against a request: operations, groups, versions, resources, scope.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_NAMESPACES = ("", "namespaces")
CONFIGURATION_GROUP = "admissionregistration.k8s.io"
"""Whoever configures admission must always be able to mend it: nothing of this group passes webhooks or policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a request is about. For a Namespace, `namespace` is its own name."""

    operation: str
    group: str
    version: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    def at(self, group: str, version: str, resource: str) -> Subject:
        """The same request as one for an equivalent resource."""
        return replace(self, group=group, version=version, resource=resource)

    @property
    def is_namespace(self) -> bool:
        return (self.group, self.resource) == _NAMESPACES


class MatchRule:
    """One rule, compiled."""

    __slots__ = ("_groups", "_names", "_operations", "_resources", "_scope", "_versions")

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self._operations = frozenset(rule.get("operations") or ())
        self._groups = frozenset(rule.get("apiGroups") or ())
        self._versions = frozenset(rule.get("apiVersions") or ())
        self._resources = tuple(_split(text) for text in rule.get("resources") or ())
        self._names = frozenset(rule.get("resourceNames") or ())
        self._scope: str = rule.get("scope") or "*"

    def matches(self, subject: Subject) -> bool:
        return (
            self.may_concern(subject.operation, subject.group, subject.resource, subject.subresource)
            and ("*" in self._versions or subject.version in self._versions)
            and self._in_scope(subject)
            and (not self._names or subject.name in self._names)
        )

    def may_concern(self, operation: str, group: str, resource: str, subresource: str) -> bool:
        """Whether any request of this kind matches, whatever its version, scope and name."""
        return (
            ("*" in self._operations or operation in self._operations)
            and ("*" in self._groups or group in self._groups)
            and any(r in ("*", resource) and s in ("*", subresource) for r, s in self._resources)
        )

    def _in_scope(self, subject: Subject) -> bool:
        if self._scope == "Namespaced":
            return not subject.is_namespace and bool(subject.namespace)
        if self._scope == "Cluster":
            return subject.is_namespace or not subject.namespace
        return True


def _split(text: str) -> tuple[str, str]:
    resource, _, subresource = text.partition("/")
    return resource, subresource


def compiled(rules: Sequence[Mapping[str, Any]] | None) -> tuple[MatchRule, ...]:
    return tuple(MatchRule(rule) for rule in rules or ())
