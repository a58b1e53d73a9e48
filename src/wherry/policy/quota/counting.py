"""What a quota's status should say, counted from the objects that are there.

Source: pkg/controller/resourcequota/resource_quota_controller.go (syncResourceQuota).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object
from wherry.machinery.quantity import ZERO, Quantity, parse
from wherry.policy.quota.amounts import added, only, texts
from wherry.policy.quota.scopes import meets, scopes_of
from wherry.policy.quota.usage import resource_of, tracked, usage


def resources_of(quota: Object) -> set[str]:
    """The resources whose objects count for the quota."""
    return {resource for name in _hard(quota) if (resource := resource_of(name))}


def _hard(quota: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = (quota.get("spec") or {}).get("hard") or {}
    return found


def status_of(quota: Object, objects: Mapping[str, Iterable[Object]], now: float) -> Object:
    """The status; `objects` are those of the quota's namespace, by resource."""
    hard, scopes = _hard(quota), scopes_of(quota)
    used: dict[str, Quantity] = dict.fromkeys(hard, ZERO)
    for resource, found in objects.items():
        names = tracked(resource, hard)
        for obj in found if names else ():
            if meets(scopes, resource, obj):
                used = added(used, only(usage(resource, obj, now), names))
    return {"hard": texts({name: parse(text) for name, text in hard.items()}), "used": texts(used)}
