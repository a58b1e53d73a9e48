"""Limit ranges: what containers get that say nothing, and what they, their pods and claims may ask for.

Defaults are filled in before the object is validated, bounds are looked at afterwards. Source:
plugin/pkg/admission/limitranger; "Limit Ranges" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wherry.api.pod_resources import pod_limits, pod_requests
from wherry.api.types import Object
from wherry.machinery.quantity import Quantity, parse

Amounts = Mapping[str, Quantity]
ANNOTATION = "kubernetes.io/limit-ranger"
_CONTAINERS = (("containers", "container"), ("initContainers", "init container"))


@dataclass(frozen=True, slots=True)
class Item:
    """The bounds for one type: `Container`, `Pod` or `PersistentVolumeClaim`."""

    type: str
    minimum: Amounts
    maximum: Amounts
    ratio: Amounts


@dataclass(frozen=True, slots=True)
class LimitRange:
    """One LimitRange, read once."""

    requests: Mapping[str, str]
    limits: Mapping[str, str]
    items: tuple[Item, ...]


def compiled(obj: Object) -> LimitRange:
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    items: list[Item] = []
    for each in (obj.get("spec") or {}).get("limits") or ():
        bounds = (_amounts(each.get(field)) for field in ("min", "max", "maxLimitRequestRatio"))
        items.append(Item(each.get("type") or "", *bounds))
        if each.get("type") == "Container":
            requests.update(each.get("defaultRequest") or {})
            limits.update(each.get("default") or {})
    return LimitRange(requests, limits, tuple(items))


def _amounts(found: Mapping[str, str] | None) -> dict[str, Quantity]:
    return {name: parse(text) for name, text in sorted((found or {}).items())}


def set_defaults(limits: LimitRange, pod: Object) -> None:
    """Fill in, in place, what containers leave open; an annotation says what was set."""
    done: list[str] = []
    for field, shown in _CONTAINERS:
        for container in pod["spec"].get(field) or ():
            for kind, defaults in (("requests", limits.requests), ("limits", limits.limits)):
                if added := _fill_in(container, kind, defaults):
                    done.append(f"{', '.join(added)} {kind[:-1]} for {shown} {container.get('name', '')}")
    if done:
        annotations = pod["metadata"].get("annotations") or {}
        text = f"LimitRanger plugin set: {'; '.join(done)}"
        pod["metadata"]["annotations"] = {**annotations, ANNOTATION: text}


def _fill_in(container: Object, kind: str, defaults: Mapping[str, str]) -> list[str]:
    resources = container.get("resources") or {}
    given = resources.get(kind) or {}
    missing = sorted(name for name in defaults if name not in given)
    if missing:
        container["resources"] = {**resources, kind: {**given, **{name: defaults[name] for name in missing}}}
    return missing


def pod_violations(limits: LimitRange, pod: Object) -> list[str]:
    """What is wrong with a pod, in upstream's words."""
    return list(dict.fromkeys(text for item in limits.items for text in _pod_violations(item, pod["spec"])))


def _pod_violations(item: Item, spec: Object) -> Iterator[str]:
    if item.type == "Container":
        for field, _ in _CONTAINERS:
            for container in spec.get(field) or ():
                resources = container.get("resources") or {}
                yield from _broken(item, _amounts(resources.get("requests")), _amounts(resources.get("limits")))
    elif item.type == "Pod":
        yield from _broken(item, pod_requests(spec, overhead=False), pod_limits(spec, overhead=False))


def claim_violations(limits: LimitRange, claim: Object) -> list[str]:
    """What is wrong with a persistent volume claim: only its requests count."""
    requests = _amounts((claim["spec"].get("resources") or {}).get("requests"))
    wrong: list[str] = []
    for item in limits.items:
        if item.type == "PersistentVolumeClaim":
            for name, bound in item.minimum.items():
                wrong += _below(_Asked(item.type, name, bound, requests.get(name), None))
            for name, bound in item.maximum.items():
                wrong += _claim_above(_Asked(item.type, name, bound, requests.get(name), None))
    return list(dict.fromkeys(wrong))


def together(violations: list[str]) -> str:
    """Several errors as one."""
    return violations[0] if len(violations) == 1 else f"[{', '.join(violations)}]"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One bound on one resource, and what was asked for."""

    type: str
    name: str
    bound: Quantity
    request: Quantity | None
    limit: Quantity | None


def _broken(item: Item, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for bounds, check in ((item.minimum, _below), (item.maximum, _above), (item.ratio, _beyond_ratio)):
        for name, bound in bounds.items():
            yield from check(_Asked(item.type, name, bound, requests.get(name), limits.get(name)))


def _below(asked: _Asked) -> list[str]:
    usage = f"minimum {asked.name} usage per {asked.type} is {asked.bound}"
    if asked.request is None:
        return [f"{usage}.  No request is specified"]
    if asked.request < asked.bound:
        return [f"{usage}, but request is {asked.request}"]
    if asked.limit is not None and asked.limit < asked.bound:
        return [f"{usage}, but limit is {asked.limit}"]
    return []


def _above(asked: _Asked) -> list[str]:
    usage = f"maximum {asked.name} usage per {asked.type} is {asked.bound}"
    if asked.limit is None:
        return [f"{usage}.  No limit is specified"]
    if asked.limit > asked.bound:
        return [f"{usage}, but limit is {asked.limit}"]
    if asked.request is not None and asked.request > asked.bound:
        return [f"{usage}, but request is {asked.request}"]
    return []


def _claim_above(asked: _Asked) -> list[str]:
    usage = f"maximum {asked.name} usage per {asked.type} is {asked.bound}"
    if asked.request is None:
        return [f"{usage}.  No request is specified"]
    return [f"{usage}, but request is {asked.request}"] if asked.request > asked.bound else []


def _beyond_ratio(asked: _Asked) -> list[str]:
    bound = f"{asked.name} max limit to request ratio per {asked.type} is {asked.bound}"
    if not asked.request:
        return [f"{bound}, but no request is specified or request is 0"]
    if not asked.limit:
        return [f"{bound}, but no limit is specified or limit is 0"]
    if asked.limit.nanos * 10**9 > asked.bound.nanos * asked.request.nanos:
        return [f"{bound}, but provided ratio is {asked.limit.nanos / asked.request.nanos:.6f}"]
    return []
