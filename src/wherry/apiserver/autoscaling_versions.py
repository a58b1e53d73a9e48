"""HorizontalPodAutoscalers of `autoscaling/v1` and `v2`: v1 knows one target, the rest travels in annotations.

A client of v1 that reads and writes back loses nothing: what v1 has no field for is in annotations that v2 never sees.
Source: pkg/apis/autoscaling/v1/conversion.go and pkg/apis/autoscaling/annotations.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from wherry.api.errors import BadRequest
from wherry.api.schema.decode import decoder
from wherry.api.schema.problems import DecodeError
from wherry.api.types import Object

_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, CURRENT, CONDITIONS, BEHAVIOR = (
    _PREFIX + name for name in ("metrics", "current-metrics", "conditions", "behavior")
)
_ALL = (METRICS, CURRENT, CONDITIONS, BEHAVIOR)
_CPU, _CURRENT_CPU = "targetCPUUtilizationPercentage", "currentCPUUtilizationPercentage"
_SOURCES = {
    "Object": "object", "Pods": "pods", "Resource": "resource", "ContainerResource": "containerResource",
    "External": "external",
}  # fmt: skip

Fields = Mapping[str, tuple[str, ...]]
"""Names in v1, with where the same is in v2."""

_PLACES: Mapping[str, Fields] = {
    "Object": {"target": ("describedObject",), "metricName": ("metric", "name"), "selector": ("metric", "selector")},
    "Pods": {"metricName": ("metric", "name"), "selector": ("metric", "selector")},
    "Resource": {"name": ("name",)},
    "ContainerResource": {"name": ("name",), "container": ("container",)},
    "External": {"metricName": ("metric", "name"), "metricSelector": ("metric", "selector")},
}


def _values(kind: str, prefix: str, amounts: str) -> Fields:
    """The fields of v1 for a target (`prefix` is "target") or what there is now ("current")."""
    if kind == "Object":
        return {f"{prefix}Value": (amounts, "value"), "averageValue": (amounts, "averageValue")}
    fields = {f"{prefix}AverageValue": (amounts, "averageValue")}
    if kind in ("Resource", "ContainerResource"):
        fields[f"{prefix}AverageUtilization"] = (amounts, "averageUtilization")
    if kind == "External":
        fields[f"{prefix}Value"] = (amounts, "value")
    return fields


def to_v2(obj: Object) -> Object:
    """A new object; shares with `obj` what it does not change. Raises `BadRequest` for annotations that are no JSON."""
    metadata, notes = _without_notes(obj["metadata"])
    spec: Object = dict(obj.get("spec") or {})
    percentage, metrics = spec.pop(_CPU, None), [_new_target(each) for each in notes.get(METRICS) or ()]
    if percentage is not None:
        target = {"type": "Utilization", "averageUtilization": percentage}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    if metrics:
        spec["metrics"] = metrics
    if BEHAVIOR in notes:
        spec["behavior"] = notes[BEHAVIOR]
    result = {**obj, "apiVersion": "autoscaling/v2", "metadata": metadata, "spec": spec}
    if isinstance(obj.get("status"), dict) or CURRENT in notes or CONDITIONS in notes:
        result["status"] = _new_status(obj.get("status") or {}, notes)
    if notes:
        _check_types(result)
    return result


def _check_types(obj: Object) -> None:
    """Annotations are texts: what they held was not checked by anybody yet."""
    check = decoder("autoscaling/v2", "HorizontalPodAutoscaler")
    try:
        if check is not None:
            check.clean(obj)
    except DecodeError as wrong:
        raise BadRequest(f"the annotations of {_PREFIX} make no autoscaler: {wrong}") from wrong


def _without_notes(metadata: Object) -> tuple[Object, dict[str, Any]]:
    annotations = metadata.get("annotations") or {}
    notes = {key: _parsed(key, annotations[key]) for key in _ALL if key in annotations}
    if not notes:
        return metadata, {}
    left = {key: value for key, value in annotations.items() if key not in notes}
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return ({**rest, "annotations": left} if left else rest), notes


def _parsed(key: str, text: str) -> Any:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the annotation {key} is no JSON: {error}") from error
    fits = isinstance(found, dict) if key == BEHAVIOR else isinstance(found, list)
    if not fits or (isinstance(found, list) and not all(isinstance(each, dict) for each in found)):
        raise BadRequest(f"the annotation {key} is no {'object' if key == BEHAVIOR else 'list of objects'}")
    return found


def _new_status(status: Object, notes: Mapping[str, Any]) -> Object:
    status = dict(status)
    current, metrics = status.pop(_CURRENT_CPU, None), [_new_current(each) for each in notes.get(CURRENT) or ()]
    if not metrics and current is not None:
        metrics = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": current}}}]
    if metrics:
        status["currentMetrics"] = metrics
    if CONDITIONS in notes:
        status["conditions"] = notes[CONDITIONS]
    return status


def from_v2(obj: Object) -> Object:
    """A new object; shares with `obj` what it does not change."""
    spec: Object = dict(obj.get("spec") or {})
    metrics, behavior = spec.pop("metrics", None) or (), spec.pop("behavior", None)
    if (utilization := _cpu(metrics, "target")) is not None:
        spec[_CPU] = utilization
    status: Object = dict(obj.get("status") or {})
    current, conditions = status.pop("currentMetrics", None) or (), status.pop("conditions", None)
    if (utilization := _cpu(current, "current")) is not None:
        status[_CURRENT_CPU] = utilization
    notes: dict[str, Any] = {
        METRICS: [_old(each, "target", "target") for each in metrics if not _is_cpu_target(each)],
        CURRENT: [_old(each, "current", "current") for each in current],
        CONDITIONS: conditions,
        BEHAVIOR: behavior,
    }
    result = {**obj, "apiVersion": "autoscaling/v1", "metadata": _with_notes(obj["metadata"], notes), "spec": spec}
    if "status" in obj:
        status.setdefault("currentReplicas", 0)
        result["status"] = status
    return result


def _with_notes(metadata: Object, notes: Mapping[str, Any]) -> Object:
    texts = {key: orjson.dumps(value).decode() for key, value in notes.items() if value}
    return {**metadata, "annotations": {**(metadata.get("annotations") or {}), **texts}} if texts else metadata


def _cpu(metrics: Sequence[Object], amounts: str) -> int | None:
    for metric in metrics:
        resource: Object = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            found: int | None = (resource.get(amounts) or {}).get("averageUtilization")
            return found
    return None


def _is_cpu_target(metric: Object) -> bool:
    resource: Object = metric.get("resource") or {}
    return resource.get("name") == "cpu" and (resource.get("target") or {}).get("averageUtilization") is not None


def _old(metric: Object, prefix: str, amounts: str) -> Object:
    kind = metric.get("type") or ""
    if kind not in _PLACES:
        return metric
    source = metric.get(_SOURCES[kind]) or {}
    fields = {**_PLACES[kind], **_values(kind, prefix, amounts)}
    found = {name: _at(source, path) for name, path in fields.items()}
    return {"type": kind, _SOURCES[kind]: {name: value for name, value in found.items() if value is not None}}


def _at(source: Any, path: Sequence[str]) -> Any:
    for name in path:
        source = source.get(name) if isinstance(source, dict) else None
    return source


def _new(metric: Object, prefix: str, amounts: str) -> Object:
    kind = metric.get("type") or ""
    if kind not in _PLACES:
        return metric
    source = metric.get(_SOURCES[kind]) or {}
    result: Object = {}
    for name, path in {**_PLACES[kind], **_values(kind, prefix, amounts)}.items():
        if isinstance(source, dict) and source.get(name) is not None:
            holder = result if len(path) == 1 else result.setdefault(path[0], {})
            holder[path[-1]] = source[name]
    return {"type": kind, _SOURCES[kind]: result}


_TYPES = (("averageUtilization", "Utilization"), ("averageValue", "AverageValue"), ("value", "Value"))
"""What a target is called by the value that it has, the first that is there."""


def _new_target(metric: Object) -> Object:
    result = _new(metric, "target", "target")
    source = result.get(_SOURCES.get(result.get("type") or "", "")) or {}
    if isinstance(target := source.get("target"), dict):
        source["target"] = {"type": next((kind for name, kind in _TYPES if name in target), "Value"), **target}
    return result


def _new_current(metric: Object) -> Object:
    return _new(metric, "current", "current")
