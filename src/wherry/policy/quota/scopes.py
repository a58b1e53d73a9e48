"""Whom a quota concerns: its scopes are all met. Objects that know no scopes meet none.

Source: "Quota scopes" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.machinery.selectors import from_object
from wherry.policy.quota import pods
from wherry.policy.quota.usage import CLAIMS, PODS


@dataclass(frozen=True, slots=True)
class Scope:
    """One condition on objects."""

    name: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


def scopes_of(quota: Object) -> tuple[Scope, ...]:
    spec = quota.get("spec") or {}
    selector = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return (
        *(Scope(name) for name in spec.get("scopes") or ()),
        *(Scope(each["scopeName"], each["operator"], tuple(each.get("values") or ())) for each in selector),
    )


def meets(scopes: Sequence[Scope], resource: str, obj: Object) -> bool:
    if not scopes:
        return True
    if resource == PODS:
        return all(_pod_meets(scope, obj) for scope in scopes)
    if resource == CLAIMS:
        return all(_claim_meets(scope, obj) for scope in scopes)
    return False


def _pod_meets(scope: Scope, pod: Object) -> bool:
    if scope.name == "PriorityClass":
        name = pod["spec"].get("priorityClassName")
        return _selects(scope, [name] if name else [])
    test = _POD_SCOPES.get(scope.name)
    return test is not None and test(pod)


_POD_SCOPES: dict[str, Callable[[Object], bool]] = {
    "Terminating": pods.is_terminating,
    "NotTerminating": lambda pod: not pods.is_terminating(pod),
    "BestEffort": pods.is_best_effort,
    "NotBestEffort": lambda pod: not pods.is_best_effort(pod),
    "CrossNamespacePodAffinity": pods.reaches_other_namespaces,
}


def _claim_meets(scope: Scope, claim: Object) -> bool:
    if scope.name != "VolumeAttributesClass":
        return False
    status = claim.get("status") or {}
    names = [
        claim["spec"].get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
    ]
    return _selects(scope, [name for name in names if name])


def _selects(scope: Scope, names: Sequence[str]) -> bool:
    expression = {"key": scope.name, "operator": scope.operator, "values": list(scope.values)}
    selector = from_object({"matchExpressions": [expression]})
    return any(selector.matches({scope.name: name}) for name in names) if names else selector.matches({})
