"""The row of a horizontal pod autoscaler, v1 or v2. Source: `printHorizontalPodAutoscaler`, `formatHPAMetrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wherry.api.tables.ages import UNKNOWN
from wherry.api.tables.columns import AGE, NAME, NONE, UNSET, Cells, Table, age, column, listed, name, part
from wherry.api.types import Object

Metric = Mapping[str, Any]
_MOST = 2


def _row(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    target, least = part(spec, "scaleTargetRef"), spec.get("minReplicas")
    return [
        name(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(spec, status),
        UNSET if least is None else str(least),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        age(obj, now),
    ]


def _targets(spec: Metric, status: Metric) -> str:
    if "targetCPUUtilizationPercentage" in spec:
        now = _percent(status.get("currentCPUUtilizationPercentage"), UNKNOWN)
        return f"cpu: {now}/{spec['targetCPUUtilizationPercentage']}%"
    metrics, current = spec.get("metrics") or (), status.get("currentMetrics") or ()
    texts = []
    for i, metric in enumerate(metrics):
        show = _SHOW.get(metric.get("type") or "", _unknown)
        texts.append(show(metric, current[i] if i < len(current) else {}))
    return listed(texts, _MOST, separator=", ") or NONE


def _percent(value: Any, otherwise: str) -> str:
    return otherwise if value is None else f"{value}%"


def _resource(kind: str) -> Callable[[Metric, Metric], str]:
    def show(metric: Metric, current: Metric) -> str:
        source, now = part(metric, kind), part(current, kind, "current")
        target = part(source, "target")
        if target.get("averageValue") is not None:
            text = f"{now.get('averageValue') or UNKNOWN}/{target['averageValue']}"
        else:
            wanted = _percent(target.get("averageUtilization"), "<auto>")
            text = f"{_percent(now.get('averageUtilization'), UNKNOWN)}/{wanted}"
        return f"{source.get('name', '')}: {text}"

    return show


def _value(kind: str) -> Callable[[Metric, Metric], str]:
    def show(metric: Metric, current: Metric) -> str:
        target, now = part(metric, kind, "target"), part(current, kind, "current")
        if target.get("averageValue") is not None:
            return f"{now.get('averageValue') or UNKNOWN}/{target['averageValue']} (avg)"
        return f"{now.get('value') or UNKNOWN}/{target.get('value')}"

    return show


def _pods(metric: Metric, current: Metric) -> str:
    now = part(current, "pods", "current").get("averageValue") or UNKNOWN
    return f"{now}/{part(metric, 'pods', 'target').get('averageValue')}"


def _unknown(metric: Metric, current: Metric) -> str:
    return "<unknown type>"


_SHOW: dict[str, Callable[[Metric, Metric], str]] = {
    "Resource": _resource("resource"),
    "ContainerResource": _resource("containerResource"),
    "Pods": _pods,
    "Object": _value("object"),
    "External": _value("external"),
}

AUTOSCALERS = Table(
    (
        NAME,
        column("Reference", about="What is scaled."),
        column("Targets", about="Each metric: now and wanted."),
        column("MinPods", about="The fewest pods."),
        column("MaxPods", about="The most pods."),
        column("Replicas", about="The pods there are."),
        AGE,
    ),
    _row,
)
