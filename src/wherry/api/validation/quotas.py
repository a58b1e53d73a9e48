"""Resource quotas and limit ranges. Source: `ValidateResourceQuota`, `ValidateLimitRange`."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.api.validation.errors import Errors, Plain
from wherry.api.validation.resources import (
    NameCheck,
    amount,
    container_resource_name,
    is_huge_page,
    is_standard,
    may_overcommit,
    quantity_value,
    resource_name,
)
from wherry.api.validation.rules import Rules
from wherry.machinery.names import Messages, label_key
from wherry.machinery.quantity import Quantity, parse

_NOT_QUOTA = ("storage",)
_SCOPES = (
    "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
)  # fmt: skip
_OPPOSITES = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_POD_RESOURCES = frozenset(
    [
        "pods",
        "cpu",
        "memory",
        "requests.cpu",
        "requests.memory",
        "limits.cpu",
        "limits.memory",
        "ephemeral-storage",
        "requests.ephemeral-storage",
        "limits.ephemeral-storage",
    ]
)
_LIMIT_TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


def quota(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    _amounts(errors, spec.get("hard") or {}, "spec.hard")
    scopes = spec.get("scopes") or []
    _scopes(errors, scopes, spec.get("hard") or {}, "spec.scopes", scopes)
    if (selector := spec.get("scopeSelector")) is not None:
        _scope_selector(errors, selector, spec, "spec.scopeSelector.matchExpressions")


def _amounts(errors: Errors, hard: Object, path: str) -> None:
    for name, value in hard.items():
        where = f"{path}[{name}]"
        errors.each(where, name, resource_name(name))
        known = is_standard(name) and name not in _NOT_QUOTA and not is_huge_page(name)
        if "/" not in name and not (known or name.startswith("requests.hugepages-")):
            errors.invalid(where, name, "must be a standard resource for quota")
        quantity_value(errors, name, value, where)


def _scopes(errors: Errors, scopes: Iterable[str], hard: Object, path: str, shown: object) -> None:
    found = list(scopes)
    for scope in found:
        if scope not in _SCOPES:
            errors.invalid(path, shown, "unsupported scope")
        for name in sorted(hard):
            if is_standard(name) and not _fits(scope, name):
                errors.invalid(path, shown, "unsupported scope applied to resource")
    for pair in _OPPOSITES:
        if all(scope in found for scope in pair):
            errors.invalid(path, shown, "conflicting scopes")


def _fits(scope: str, name: str) -> bool:
    if scope in ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"):
        return name in _POD_RESOURCES
    return name == "pods" if scope == "BestEffort" else True


def _scope_selector(errors: Errors, selector: Object, spec: Object, path: str) -> None:
    for expression in selector.get("matchExpressions") or ():
        scope, operator = expression.get("scopeName") or "", expression.get("operator") or ""
        values = expression.get("values") or []
        if scope not in _SCOPES:
            errors.invalid(f"{path}.scopeName", scope, "unsupported scope")
        if scope not in ("PriorityClass", "VolumeAttributesClass") and scope in _SCOPES and operator != "Exists":
            errors.invalid(f"{path}.operator", operator, _ONLY_EXISTS)
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                errors.required(f"{path}.values", text)
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                errors.invalid(f"{path}.values", values, text)
        else:
            errors.invalid(f"{path}.operator", operator, "not a valid selector operator")


def update_quota(errors: Errors, new: Object, old: Object) -> None:
    quota(errors, new)
    after, before = ((obj.get("spec") or {}).get("scopes") or [] for obj in (new, old))
    if set(after) != set(before):
        errors.invalid("spec.scopes", after, "field is immutable")


def quota_status(errors: Errors, new: Object, old: Object) -> None:
    status = new.get("status") or {}
    for key in ("hard", "used"):
        _amounts(errors, status.get(key) or {}, f"status.{key}")


def limit_range(errors: Errors, obj: Object) -> None:
    seen: set[str] = set()
    for i, limit in enumerate((obj.get("spec") or {}).get("limits") or ()):
        path, kind = f"spec.limits[{i}]", limit.get("type") or ""
        messages = _limit_type(kind)
        errors.each(f"{path}.type", kind, messages)
        if kind in seen:
            errors.duplicate(f"{path}.type", kind)
        seen.add(kind)
        _limit(errors, limit, kind, path)


def _limit_type(kind: str) -> Messages:
    """What is wrong with the type of a limit."""
    if messages := label_key(kind):
        return messages
    return () if "/" in kind or kind in _LIMIT_TYPES else ("must be a standard limit type or fully qualified",)


def _limit(errors: Errors, limit: Object, kind: str, path: str) -> None:
    rule = container_resource_name if kind in ("Pod", "Container") else resource_name
    parts: dict[str, dict[str, Quantity]] = {}
    for part in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        if kind == "Pod" and part.startswith("default"):
            if limit.get(part):
                errors.forbidden(f"{path}.{part}", "may not be specified when `type` is 'Pod'")
            parts[part] = {}
            continue
        parts[part] = _quantities(errors, limit.get(part) or {}, rule, f"{path}.{part}")
    if kind == "PersistentVolumeClaim" and "storage" not in (*parts["min"], *parts["max"]):
        text = "either minimum or maximum storage value is required, but neither was provided"
        errors.required(f"{path}.limits", text)
    for name in dict.fromkeys(key for part in parts.values() for key in part):
        _order(errors, name, parts, path)


def _quantities(errors: Errors, found: Object, rule: NameCheck, path: str) -> dict[str, Quantity]:
    good: dict[str, Quantity] = {}
    for name, value in found.items():
        errors.each(f"{path}[{name}]", name, rule(name))
        parsed = amount(errors, value, f"{path}[{name}]")
        if parsed is not None:
            good[name] = parsed
    return good


_ORDERED = (
    ("min", "max", "min", "min", "min value {a} is greater than max value {b}"),
    (
        "min", "defaultRequest", "defaultRequest", "defaultRequest",
        "min value {a} is greater than default request value {b}",
    ),
    (
        "defaultRequest", "max", "defaultRequest", "defaultRequest",
        "default request value {a} is greater than max value {b}",
    ),
    (
        "defaultRequest", "default", "defaultRequest", "defaultRequest",
        "default request value {a} is greater than default limit value {b}",
    ),
    ("min", "default", "default", "min", "min value {a} is greater than default value {b}"),
    ("default", "max", "default", "max", "default value {a} is greater than max value {b}"),
)  # fmt: skip


def _order(errors: Errors, name: str, parts: dict[str, dict[str, Quantity]], path: str) -> None:
    """Minimum, request, limit and maximum, each not above the next."""
    for low, high, where, shown, text in _ORDERED:
        a, b = parts[low].get(name), parts[high].get(name)
        if a is not None and b is not None and a > b:
            errors.invalid(f"{path}.{where}[{name}]", Plain(parts[shown][name]), text.format(a=a, b=b))
    ratio = parts["maxLimitRequestRatio"].get(name)
    if ratio is not None and ratio < parse("1"):
        errors.invalid(f"{path}.maxLimitRequestRatio[{name}]", Plain(ratio), f"ratio {ratio} is less than 1")
    limit, request = parts["default"].get(name), parts["defaultRequest"].get(name)
    if limit is not None and request is not None and limit != request and not may_overcommit(name):
        text = f"default value {limit} must equal to defaultRequest value {request} in {name}"
        errors.invalid(f"{path}.defaultRequest[{name}]", Plain(request), text)


RESOURCE_QUOTAS = Rules(create=quota, update=update_quota, status=quota_status)
LIMIT_RANGES = Rules(create=limit_range)
