"""API priority and fairness: flow schemas and priority levels. Source: pkg/apis/flowcontrol/validation."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_MAX_PRECEDENCE = 10_000
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_MAX_QUEUES = 10_000_000


def flow_schema(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    precedence, level = spec.get("matchingPrecedence") or 0, (spec.get("priorityLevelConfiguration") or {}).get("name")
    if precedence <= 0:
        errors.invalid("spec.matchingPrecedence", precedence, "must be a positive value")
    if precedence > _MAX_PRECEDENCE:
        errors.invalid("spec.matchingPrecedence", precedence, f"must not be greater than {_MAX_PRECEDENCE}")
    if (method := spec.get("distinguisherMethod")) is not None:
        kind = method.get("type") or ""
        if kind not in ("ByNamespace", "ByUser"):
            errors.not_supported("spec.distinguisherMethod.type", kind, ("ByNamespace", "ByUser"))
    if level:
        errors.each("spec.priorityLevelConfiguration.name", level, names.dns1123_subdomain(level))
    else:
        errors.required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    for i, rule in enumerate(spec.get("rules") or ()):
        _rule(errors, rule, f"spec.rules[{i}]")


def _rule(errors: Errors, rule: Object, path: str) -> None:
    if not rule.get("subjects"):
        errors.required(f"{path}.subjects", "subjects must contain at least one value")
    for i, subject in enumerate(rule.get("subjects") or ()):
        _subject(errors, subject, f"{path}.subjects[{i}]")
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for i, found in enumerate(rule.get("resourceRules") or ()):
        _required(errors, found, f"{path}.resourceRules[{i}]", "verbs", "apiGroups", "resources")
    for i, found in enumerate(rule.get("nonResourceRules") or ()):
        _required(errors, found, f"{path}.nonResourceRules[{i}]", "verbs", "nonResourceURLs")


def _subject(errors: Errors, subject: Object, path: str) -> None:
    kind = subject.get("kind") or ""
    key = _SUBJECTS.get(kind)
    if key is None:
        errors.not_supported(f"{path}.kind", kind, _SUBJECTS)
        return
    if subject.get(key) is None:
        errors.required(f"{path}.{key}", f"{key} is required when subject kind is '{kind}'")
    for other in _SUBJECTS.values():
        if other != key and subject.get(other) is not None:
            errors.forbidden(f"{path}.{other}", f"{other} is forbidden when subject kind is not '{other.title()}'")


def _required(errors: Errors, found: Object, path: str, *keys: str) -> None:
    for key in keys:
        values = found.get(key) or []
        if not values:
            errors.required(f"{path}.{key}", f"{key} must contain at least one value")
        elif len(values) > 1 and "*" in values:
            errors.invalid(f"{path}.{key}", values, "if '*' is present, must not specify other values")


def priority_level(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    kind, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    choice(errors, kind, "spec.type", ("Exempt", "Limited"))
    if kind == "Exempt" and limited is not None:
        errors.forbidden("spec.limited", "must be nil if the type is not Limited")
    if kind == "Limited":
        if exempt is not None:
            errors.forbidden("spec.exempt", "must be nil if the type is Limited")
        if limited is None:
            errors.required("spec.limited", "must not be empty when type is Limited")
        else:
            _limited(errors, limited)


def _limited(errors: Errors, limited: Object) -> None:
    shares, path = limited.get("nominalConcurrencyShares"), "spec.limited"
    if shares is not None and shares < 0:
        errors.invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    for key in ("lendablePercent", "borrowingLimitPercent"):
        value = limited.get(key)
        if value is not None and (value < 0 or (value > 100 and key == "lendablePercent")):
            text = (
                "must be between 0 and 100, inclusive"
                if key == "lendablePercent"
                else "if specified, must be a non-negative integer"
            )
            errors.invalid(f"{path}.{key}", value, text)
    response = limited.get("limitResponse") or {}
    kind, queuing = response.get("type"), response.get("queuing")
    choice(errors, kind, f"{path}.limitResponse.type", ("Queue", "Reject"))
    if kind == "Reject" and queuing is not None:
        errors.forbidden(f"{path}.limitResponse.queuing", "must be nil if limited.limitResponse.type is not Limited")
    if kind == "Queue":
        if queuing is None:
            errors.required(
                f"{path}.limitResponse.queuing", "must not be empty if limited.limitResponse.type is Limited"
            )
        else:
            _queuing(errors, queuing, f"{path}.limitResponse.queuing")


def _queuing(errors: Errors, queuing: Object, path: str) -> None:
    for key in ("queueLengthLimit", "queues", "handSize"):
        value = queuing.get(key) or 0
        if value <= 0:
            errors.invalid(f"{path}.{key}", value, "must be positive")
    queues, hand = queuing.get("queues") or 0, queuing.get("handSize") or 0
    if queues > _MAX_QUEUES:
        errors.invalid(f"{path}.queues", queues, f"must not be greater than {_MAX_QUEUES}")
    if hand > queues:
        errors.invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")


FLOW_SCHEMAS = Rules(create=flow_schema)
PRIORITY_LEVELS = Rules(create=priority_level)
