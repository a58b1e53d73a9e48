"""One RBAC rule, compiled: does it allow this, and does it cover that other rule?

Source: "Using RBAC Authorization" in the Kubernetes documentation; k8s.io/component-helpers auth/rbac/validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_EVERY = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """A `PolicyRule` as sets. Empty `names` means every name."""

    verbs: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()

    def matches(self, verb: str, group: str, resource: str, subresource: str) -> bool:
        """Whether it speaks of such requests at all; which object names is told by `names`."""
        return (
            (_EVERY in self.verbs or verb in self.verbs)
            and (_EVERY in self.groups or group in self.groups)
            and self._has_resource(resource, subresource)
        )

    def allows_url(self, verb: str, path: str) -> bool:
        return (_EVERY in self.verbs or verb in self.verbs) and any(_url_covers(url, path) for url in self.urls)

    def covers(self, other: Rule) -> bool:
        """Whether it allows all that the other, an atom of `atoms`, allows."""
        return (
            _all_in(other.verbs, self.verbs)
            and _all_in(other.groups, self.groups)
            and all(self._has_resource(*_split(resource)) for resource in other.resources)
            and all(any(_url_covers(url, wanted) for url in self.urls) for wanted in other.urls)
            and (not self.names or (bool(other.names) and other.names <= self.names))
        )

    def atoms(self) -> Iterable[Rule]:
        """The smallest rules that it is made of: one verb on one resource (of one name), or on one URL."""
        for group in sorted(self.groups):
            for resource in sorted(self.resources):
                for verb in sorted(self.verbs):
                    for name in sorted(self.names) or [""]:
                        names = frozenset((name,)) if name else frozenset()
                        yield Rule(frozenset((verb,)), frozenset((group,)), frozenset((resource,)), names)
        for url in sorted(self.urls):
            for verb in sorted(self.verbs):
                yield Rule(verbs=frozenset((verb,)), urls=frozenset((url,)))

    def _has_resource(self, resource: str, subresource: str) -> bool:
        if _EVERY in self.resources:
            return True
        if not subresource:
            return resource in self.resources
        return f"{resource}/{subresource}" in self.resources or f"*/{subresource}" in self.resources


def compile_rules(rules: Sequence[Mapping[str, Any]] | None) -> tuple[Rule, ...]:
    """The `rules` of a Role or ClusterRole."""
    return tuple(
        Rule(
            *(
                frozenset(rule.get(key) or ())
                for key in ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
            )
        )
        for rule in rules or ()
    )


def missing(owned: Sequence[Rule], wanted: Sequence[Rule]) -> list[Rule]:
    """The atoms of `wanted` that no owned rule covers, with verbs on the same thing joined."""
    verbs: dict[tuple[frozenset[str], ...], list[str]] = {}
    for rule in wanted:
        for atom in rule.atoms():
            if not any(have.covers(atom) for have in owned):
                found = verbs.setdefault((atom.groups, atom.resources, atom.names, atom.urls), [])
                found.extend(verb for verb in atom.verbs if verb not in found)
    return [Rule(frozenset(found), *thing) for thing, found in verbs.items()]


def describe(rule: Rule) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`, as upstream prints it."""
    parts = (
        ("APIGroups", rule.groups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.urls),
        ("ResourceNames", rule.names),
        ("Verbs", rule.verbs),
    )
    return "{" + ", ".join(f"{name}:{quoted(sorted(values))}" for name, values in parts if values) + "}"


def as_object(rule: Rule) -> dict[str, list[str]]:
    """A `PolicyRule` again, with its lists sorted."""
    parts = (
        ("verbs", rule.verbs),
        ("apiGroups", rule.groups),
        ("resources", rule.resources),
        ("resourceNames", rule.names),
        ("nonResourceURLs", rule.urls),
    )
    return {name: sorted(values) for name, values in parts if values}


def quoted(values: Iterable[str]) -> str:
    """A list as Go's `%q` prints it."""
    return "[" + " ".join(f'"{value}"' for value in values) + "]"


def _all_in(wanted: frozenset[str], owned: frozenset[str]) -> bool:
    return _EVERY in owned or wanted <= owned


def _split(resource: str) -> tuple[str, str]:
    name, _, subresource = resource.partition("/")
    return name, subresource


def _url_covers(owned: str, path: str) -> bool:
    return owned in (_EVERY, path) or (owned.endswith(_EVERY) and path.startswith(owned.rstrip(_EVERY)))
