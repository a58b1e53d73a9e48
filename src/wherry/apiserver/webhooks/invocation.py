"""Whether a webhook is asked about a write, and as what: the resource of the request, or an equivalent one it knows.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go (ShouldCallHook), predicates/namespace, object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.api import label_selector
from wherry.api.errors import not_found
from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import Registry, Served, storage_prefix
from wherry.policy.admission.matching import CONFIGURATION_GROUP, MatchRule, Subject

NAMESPACES = storage_prefix("", "namespaces")


def subject_of(attributes: Attributes) -> Subject:
    served = attributes.served
    namespace, name = attributes.namespace, attributes.name
    if served.qualified == "namespaces":
        namespace = name or _name(attributes.obj)
    return Subject(
        operation=attributes.operation,
        group=served.group,
        version=served.version,
        resource=served.plural,
        subresource=attributes.subresource,
        namespace=namespace if served.namespaced or served.qualified == "namespaces" else "",
        name=name,
    )


def _name(obj: Object | None) -> str:
    name: str = ((obj or {}).get("metadata") or {}).get("name") or ""
    return name


@dataclass(frozen=True, slots=True)
class Match:
    """A rule fits: `served` is the resource as which the request is to be shown."""

    subject: Subject
    served: Served


def match(
    rules: Sequence[MatchRule], attributes: Attributes, subject: Subject, *, equivalent: bool, registry: Registry
) -> Match | None:
    """The request's own resource where a rule names it; else, if they may stand for it, one kept in the same place."""
    for rule in rules:
        if rule.matches(subject):
            return Match(subject, attributes.served)
    if not equivalent:
        return None
    others = equivalents(registry, attributes.served)
    for rule in rules:
        for other in others:
            shown = subject.at(other.group, other.version, other.plural)
            if rule.matches(shown):
                return Match(shown, other)
    return None


def equivalents(registry: Registry, served: Served) -> list[Served]:
    """The same objects under other groups and versions."""
    return [each for each in registry if each.prefix == served.prefix and each is not served]


def may_concern(
    rules: Sequence[MatchRule], registry: Registry, operation: str, qualified: str, subresource: str
) -> bool:
    """Whether any write of this kind may match, as itself or as an equivalent: asked once, then remembered."""
    plural, _, group = qualified.partition(".")
    if group == CONFIGURATION_GROUP:
        return False
    names = {(group, plural)}
    for served in registry:
        if (served.group, served.plural) == (group, plural):
            names |= {(each.group, each.plural) for each in equivalents(registry, served)}
    return any(rule.may_concern(operation, g, r, subresource) for rule in rules for g, r in names)


def namespace_selected(selector: Mapping[str, Any], attributes: Attributes, subject: Subject) -> bool:
    """Whether the namespace's labels fit; what is in no namespace always does. Raises `NotFound`."""
    if label_selector.is_empty(selector) or (not subject.namespace and not subject.is_namespace):
        return True
    return label_selector.matches(selector, _namespace_labels(attributes, subject))


def _namespace_labels(attributes: Attributes, subject: Subject) -> Mapping[str, str]:
    if subject.is_namespace and not subject.subresource and attributes.operation in ("CREATE", "UPDATE"):
        return _labels(attributes.obj)
    namespace = namespace_of(attributes, subject)
    if namespace is None:
        raise not_found("", "namespaces", subject.namespace)
    return _labels(namespace)


def namespace_of(attributes: Attributes, subject: Subject) -> Object | None:
    """The namespace that the request is about or happens in, shared: not to be changed."""
    entry = attributes.parts.store.get(NAMESPACES + subject.namespace)
    return decoded(entry) if entry is not None else None


def object_selected(selector: Mapping[str, Any], attributes: Attributes) -> bool:
    """Whether the labels of the object fit, as it was or as it will be."""
    if label_selector.is_empty(selector):
        return True
    return any(
        obj is not None and isinstance(obj.get("metadata"), dict) and label_selector.matches(selector, _labels(obj))
        for obj in (attributes.obj, attributes.old)
    )


def _labels(obj: Object | None) -> Mapping[str, str]:
    return ((obj or {}).get("metadata") or {}).get("labels") or {}
