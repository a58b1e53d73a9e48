"""The terms of pod affinity and anti-affinity, compiled.

A term is met by pods of certain namespaces with certain labels; it binds or separates within a topology domain.
`matchLabelKeys` are already part of the label selector: the API server puts them there (KEP-3633).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wherry.machinery.selector_grammar import SelectorError
from wherry.machinery.selectors import NOTHING, Labels, Selector, from_object

NamespaceLabels = Callable[[str], Labels]

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class Term:
    """`weight` is 0 for required terms."""

    namespaces: frozenset[str]
    namespace_selector: Selector
    selector: Selector
    topology_key: str
    weight: int = 0

    def matches(self, namespace: str, labels: Labels, labels_of: NamespaceLabels) -> bool:
        """Whether a pod of that namespace with those labels is meant."""
        if namespace not in self.namespaces:
            chosen = self.namespace_selector
            if chosen.nothing or not chosen.matches(labels_of(namespace)):
                return False
        return self.selector.matches(labels)


@dataclass(frozen=True, slots=True)
class PodAffinity:
    """All the terms of one pod."""

    required: tuple[Term, ...] = ()
    required_anti: tuple[Term, ...] = ()
    preferred: tuple[Term, ...] = ()
    preferred_anti: tuple[Term, ...] = ()


def pod_affinity(namespace: str, spec: Mapping[str, Any]) -> PodAffinity | None:
    """None for a pod that says nothing about other pods."""
    affinity = spec.get("affinity")
    if not affinity:
        return None
    near, far = affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}
    if not near and not far:
        return None
    return PodAffinity(
        required=tuple(_term(namespace, term) for term in near.get(REQUIRED) or ()),
        required_anti=tuple(_term(namespace, term) for term in far.get(REQUIRED) or ()),
        preferred=tuple(_weighted(namespace, term) for term in near.get(PREFERRED) or ()),
        preferred_anti=tuple(_weighted(namespace, term) for term in far.get(PREFERRED) or ()),
    )


def selector_of(spec: Mapping[str, Any] | None) -> Selector:
    """A label selector inside a pod; one that is none selects nothing (old servers let such pods in)."""
    try:
        return from_object(spec)
    except SelectorError:
        return NOTHING


def _weighted(namespace: str, term: Mapping[str, Any]) -> Term:
    return _term(namespace, term["podAffinityTerm"], term.get("weight", 0))


def _term(namespace: str, term: Mapping[str, Any], weight: int = 0) -> Term:
    """Neither namespaces nor a selector for them: the pod's own namespace."""
    namespaces, selector = term.get("namespaces") or (), term.get("namespaceSelector")
    own = (namespace,) if not namespaces and selector is None else namespaces
    return Term(
        namespaces=frozenset(own),
        namespace_selector=NOTHING if selector is None else selector_of(selector),
        selector=selector_of(term.get("labelSelector")),
        topology_key=term["topologyKey"],
        weight=weight,
    )
