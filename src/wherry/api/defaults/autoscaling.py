"""Defaults of horizontal pod autoscalers, v1 and v2. Source: pkg/apis/autoscaling/{v1,v2}/defaults.go."""

from __future__ import annotations

from typing import Any

from wherry.api.defaults.fields import if_absent, section
from wherry.api.types import Object

CPU_PERCENT = 80
METRICS_ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics"


def horizontal_pod_autoscaler(obj: Object) -> None:
    spec = section(obj, "spec")
    if_absent(spec, "minReplicas", 1)
    if obj.get("apiVersion") == "autoscaling/v1":
        annotations = (obj.get("metadata") or {}).get("annotations") or {}
        if METRICS_ANNOTATION not in annotations:
            if_absent(spec, "targetCPUUtilizationPercentage", CPU_PERCENT)
        return
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": CPU_PERCENT}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if (behavior := spec.get("behavior")) is not None:
        behavior["scaleUp"] = {**_scale_up(), **_given(behavior.get("scaleUp"))}
        behavior["scaleDown"] = {**_scale_down(), **_given(behavior.get("scaleDown"))}


def _given(rules: Object | None) -> dict[str, Any]:
    return {key: value for key, value in (rules or {}).items() if value is not None}


def _scale_up() -> Object:
    return {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    }


def _scale_down() -> Object:
    return {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
