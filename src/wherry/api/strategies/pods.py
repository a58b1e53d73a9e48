"""Pods: the first status, the quality of service, and what only the kubelet or only the API server may change.

Source: pkg/registry/core/pod/strategy.go.
"""

from __future__ import annotations

from wherry.api.pod_resources import qos_class
from wherry.api.types import Object

_OFF_BY_DEFAULT = ("schedulingGroup",)
"""Fields of features that v1.36 has switched off unless told otherwise."""
_GATED: Object = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


def create(obj: Object) -> None:
    spec = obj["spec"]
    for name in _OFF_BY_DEFAULT:
        spec.pop(name, None)
    status: Object = {"phase": "Pending", "qosClass": qos_class(spec)}
    if spec.get("schedulingGates"):
        status["conditions"] = [dict(_GATED)]
    obj["status"] = status
    if spec.get("affinity") or spec.get("topologySpreadConstraints"):
        _merge_label_keys(spec, obj["metadata"].get("labels") or {})


def update(new: Object, old: Object) -> None:
    """The last scheduling gate that goes takes the condition with it."""
    if new["spec"].get("schedulingGates") or not old["spec"].get("schedulingGates"):
        return
    conditions = (old.get("status") or {}).get("conditions") or []
    left = [c for c in conditions if not (c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated")]
    if len(left) != len(conditions):
        new["status"] = {**old["status"], "conditions": left}


def update_status(new: Object, old: Object) -> None:
    """The quality of service was decided at creation."""
    status, stored = new.setdefault("status", {}), old.get("status") or {}
    if not status.get("qosClass") and stored.get("qosClass"):
        status["qosClass"] = stored["qosClass"]


def _merge_label_keys(spec: Object, labels: dict[str, str]) -> None:
    """`matchLabelKeys` become expressions on the pod's own values (KEP-3633, KEP-3243)."""
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        for term in rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
            _merge(term, labels)
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            _merge(weighted.get("podAffinityTerm") or {}, labels)
    for constraint in spec.get("topologySpreadConstraints") or ():
        _merge(constraint, labels)


def _merge(term: Object, labels: dict[str, str]) -> None:
    selector = term.get("labelSelector")
    if selector is None:
        return
    added = [
        {"key": key, "operator": operator, "values": [labels[key]]}
        for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
        for key in term.get(field) or ()
        if key in labels
    ]
    if added:
        selector["matchExpressions"] = [*(selector.get("matchExpressions") or ()), *added]
