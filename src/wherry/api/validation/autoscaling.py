"""Horizontal pod autoscalers, v1 and v2. Source: pkg/apis/autoscaling/validation."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import non_negative
from wherry.api.validation.rules import Rules
from wherry.machinery import names
from wherry.machinery.quantity import QuantityError, parse

_METRICS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_TARGETS = ("AverageValue", "Utilization", "Value")
_SELECT = ("Disabled", "Max", "Min")
_MAX_WINDOW, _MAX_PERIOD = 3600, 1800


def autoscaler(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        errors.invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        errors.invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        errors.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    _reference(errors, spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    percent = spec.get("targetCPUUtilizationPercentage")
    if percent is not None and percent < 1:
        errors.invalid("spec.targetCPUUtilizationPercentage", percent, "must be greater than 0")
    for i, metric in enumerate(spec.get("metrics") or ()):
        _metric(errors, metric, f"spec.metrics[{i}]")
    for key in ("scaleUp", "scaleDown"):
        if rules := (spec.get("behavior") or {}).get(key):
            _behaviour(errors, rules, f"spec.behavior.{key}")


def _reference(errors: Errors, ref: Object, path: str) -> None:
    for key in ("kind", "name"):
        value = ref.get(key)
        if not value:
            errors.required(f"{path}.{key}")
        else:
            errors.each(f"{path}.{key}", value, names.path_segment(value))


def _metric(errors: Errors, metric: Object, path: str) -> None:
    kind = metric.get("type") or ""
    if not kind:
        errors.required(f"{path}.type", "must specify a metric source type")
    if kind not in _METRICS:
        errors.not_supported(f"{path}.type", kind, _METRICS)
    expected = _METRICS.get(kind, "")
    given = [key for key in _METRICS.values() if metric.get(key) is not None]
    if given:
        _source(errors, given[0], metric[given[0]], f"{path}.{given[0]}")
    if expected and expected not in given:
        errors.required(f"{path}.{expected}", "must populate information for the given metric source")
    if len(given) != 1:
        for key in given:
            if key != expected:
                errors.forbidden(f"{path}.{key}", "must populate the given metric source only")


def _source(errors: Errors, key: str, source: Object, path: str) -> None:
    target = source.get("target") or {}
    _target(errors, target, f"{path}.target")
    if key in ("resource", "containerResource"):
        if not source.get("name"):
            errors.required(f"{path}.name", "must specify a resource name")
        _resource_target(errors, target, f"{path}.target")
    else:
        name = (source.get("metric") or {}).get("name")
        if not name:
            errors.required(f"{path}.metric.name", "must specify a metric name")
        else:
            errors.each(f"{path}.metric.name", name, names.path_segment(name))
    if key == "object":
        _reference(errors, source.get("describedObject") or {}, f"{path}.describedObject")
    if key == "pods" and not _positive(target.get("averageValue")):
        errors.required(f"{path}.target.averageValue", "must specify a positive target averageValue")
    if key in ("object", "external") and target.get("value") is None and target.get("averageValue") is None:
        errors.required(f"{path}.target.averageValue", "must set either a target value or averageValue")


def _resource_target(errors: Errors, target: Object, path: str) -> None:
    percent, value = target.get("averageUtilization"), target.get("averageValue")
    if percent is None and value is None:
        text = "must set either a target raw value or a target utilization"
        errors.required(f"{path}.averageUtilization", text)
    if percent is not None and value is not None:
        text = "may not set both a target raw value and a target utilization"
        errors.forbidden(f"{path}.averageValue", text)


def _target(errors: Errors, target: Object, path: str) -> None:
    kind = target.get("type") or ""
    if not kind:
        errors.required(f"{path}.type", "must specify a metric target type")
    if kind not in _TARGETS:
        errors.invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue")
    for key in ("value", "averageValue"):
        if target.get(key) is not None and not _positive(target[key]):
            errors.invalid(f"{path}.{key}", target[key], "must be positive")
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        errors.invalid(f"{path}.averageUtilization", percent, "must be greater than 0")


def _positive(value: Any) -> bool:
    try:
        return value is not None and parse(value).nanos > 0
    except QuantityError:
        return False


def _behaviour(errors: Errors, rules: Object, path: str) -> None:
    window = rules.get("stabilizationWindowSeconds")
    where = f"{path}.stabilizationWindowSeconds"
    if window is not None and window < 0:
        errors.invalid(where, window, "must be greater than or equal to zero")
    if window is not None and window > _MAX_WINDOW:
        errors.invalid(where, window, f"must be less than or equal to {_MAX_WINDOW}")
    select = rules.get("selectPolicy")
    if select is not None and select not in _SELECT:
        errors.not_supported(f"{path}.selectPolicy", select, _SELECT)
    policies = rules.get("policies") or ()
    if not policies:
        errors.required(f"{path}.policies", "must specify at least one Policy")
    for i, policy in enumerate(policies):
        _policy(errors, policy, f"{path}.policies[{i}]")


def _policy(errors: Errors, policy: Object, path: str) -> None:
    kind, value, period = policy.get("type"), policy.get("value") or 0, policy.get("periodSeconds") or 0
    if kind not in ("Pods", "Percent"):
        errors.not_supported(f"{path}.type", kind or "", ("Percent", "Pods"))
    if value <= 0:
        errors.invalid(f"{path}.value", value, "must be greater than zero")
    if period <= 0:
        errors.invalid(f"{path}.periodSeconds", period, "must be greater than zero")
    if period > _MAX_PERIOD:
        errors.invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {_MAX_PERIOD}")


def autoscaler_status(errors: Errors, new: Object, old: Object) -> None:
    non_negative(errors, new.get("status") or {}, "status", "currentReplicas", "desiredReplicas")


AUTOSCALERS = Rules(create=autoscaler, status=autoscaler_status)
