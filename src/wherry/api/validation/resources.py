"""Resource names and amounts: requests and limits of containers and pods, capacities, quota names.

Source: `validateResourceRequirements` and `ValidateResourceQuantityValue`; pkg/apis/core/helper for the name rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

from wherry.api.validation.errors import Errors, Plain
from wherry.api.validation.fields import NEGATIVE
from wherry.machinery import names
from wherry.machinery.quantity import Quantity, QuantityError, parse

NameCheck = Callable[[str], names.Messages]

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_COUNTED = frozenset(
    [
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
_STANDARD = frozenset(
    (
        *_COMPUTE,
        *(f"{part}.{name}" for part in ("requests", "limits") for name in _COMPUTE),
        "storage",
        "requests.storage",
    )
)
_POD_LEVEL = ("cpu", "memory")


def is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def may_overcommit(name: str) -> bool:
    return is_native(name) and not is_huge_page(name)


@lru_cache(maxsize=1024)
def is_extended(name: str) -> bool:
    return not is_native(name) and not name.startswith("requests.") and not names.label_key(f"requests.{name}")


@lru_cache(maxsize=1024)
def is_integer(name: str) -> bool:
    return name in _COUNTED or is_extended(name)


def is_standard(name: str) -> bool:
    return name in _STANDARD or name in _COUNTED or is_huge_page(name.removeprefix("requests."))


@lru_cache(maxsize=1024)
def resource_name(name: str) -> names.Messages:
    if messages := names.label_key(name):
        return messages
    if "/" not in name and not is_standard(name):
        return ("must be a standard resource type or fully qualified",)
    return ()


@lru_cache(maxsize=1024)
def container_resource_name(name: str) -> names.Messages:
    messages = resource_name(name)
    if "/" not in name:
        if name not in _COMPUTE and not is_huge_page(name):
            messages = (*messages, "must be a standard resource for containers")
    elif not is_native(name) and not is_extended(name):
        messages = (*messages, "doesn't follow extended resource name standard")
    return messages


def amount(errors: Errors, value: Any, path: str) -> Quantity | None:
    """The quantity, or None after saying what is wrong with it."""
    try:
        return parse(value)
    except QuantityError as error:
        errors.invalid(path, value, str(error))
        return None


def quantity_value(errors: Errors, name: str, value: Any, path: str) -> Quantity | None:
    """An amount of a named resource: not negative, whole where the resource is counted in pieces."""
    found = amount(errors, value, path)
    if found is None:
        return None
    if found.nanos < 0:
        errors.invalid(path, str(found), NEGATIVE)
    if is_integer(name) and found.milli() % 1000:
        errors.invalid(path, Plain(found), "must be an integer")
    return found


def requirements(
    errors: Errors, resources: Mapping[str, Any], path: str, *, pod_level: bool = False, claims: Collection[str] = ()
) -> None:
    """`resources` of a container or, with `pod_level`, of a pod."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    limited: dict[str, Quantity] = {}
    for name, value in limits.items():
        found = _entry(errors, name, value, f"{path}.limits[{name}]", pod_level)
        if found is not None:
            limited[name] = found
    for name, value in requests.items():
        found = _entry(errors, name, value, f"{path}.requests[{name}]", pod_level)
        if found is not None:
            _against_limit(errors, name, found, limited.get(name), path)
    asked = (*limits, *requests)
    if any(map(is_huge_page, asked)) and "cpu" not in asked and "memory" not in asked:
        errors.forbidden(path, "HugePages require cpu or memory")
    if referenced := resources.get("claims"):
        _claim_names(errors, referenced, claims, f"{path}.claims")


def _entry(errors: Errors, name: str, value: Any, path: str, pod_level: bool) -> Quantity | None:
    if pod_level:
        if messages := resource_name(name):
            errors.each(path, name, messages)
        elif name not in _POD_LEVEL and not is_huge_page(name):
            errors.not_supported(path, name, _POD_LEVEL)
    elif messages := container_resource_name(name):
        errors.each(path, name, messages)
    found = quantity_value(errors, name, value, path)
    if found is not None and is_huge_page(name):
        _huge_page(errors, name, found, path)
    return found


def _huge_page(errors: Errors, name: str, value: Quantity, path: str) -> None:
    try:
        size = parse(name.removeprefix("hugepages-"))
    except QuantityError:
        return
    if size.nanos <= 0 or value.nanos % size.nanos:
        errors.invalid(path, str(value), f"{value} is not positive integer multiple of {name}")


def _against_limit(errors: Errors, name: str, value: Quantity, limit: Quantity | None, path: str) -> None:
    where = f"{path}.requests"
    if limit is None:
        if not may_overcommit(name):
            errors.required(f"{path}.limits", "Limit must be set for non overcommitable resources")
    elif value != limit and not may_overcommit(name):
        errors.invalid(where, str(value), f"must be equal to {name} limit of {limit}")
    elif value > limit:
        errors.invalid(where, str(value), f"must be less than or equal to {name} limit of {limit}")


def _claim_names(errors: Errors, referenced: list[Any], known: Collection[str], path: str) -> None:
    seen: set[tuple[str, str]] = set()
    for i, claim in enumerate(referenced):
        where, name, request = f"{path}[{i}]", claim.get("name") or "", claim.get("request") or ""
        if not name:
            errors.required(where)
            continue
        if request:
            errors.each(f"{where}.request", request, names.dns1123_label(request))
        overlap = (name, "") in seen or (not request and any(other == name for other, _ in seen))
        if overlap or (name, request) in seen:
            errors.duplicate(where, f"{name}/{request}" if request and (name, "") not in seen else name)
        seen.add((name, request))
        if name not in known:
            which = f": {', '.join(sorted(known))}" if known else " which is empty"
            errors.not_found(where, name, f"must be one of the names in pod.spec.resourceClaims{which}")
