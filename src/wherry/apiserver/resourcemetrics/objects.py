"""PodMetrics and NodeMetrics, and their tables. Pure.

Source: k8s.io/metrics/pkg/apis/metrics/v1beta1; metrics-server's table converter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.api.types import Object
from wherry.apiserver.resourcemetrics.rates import Use
from wherry.base.times import rfc3339
from wherry.machinery.quantity import Format, Quantity

API_VERSION = "metrics.k8s.io/v1beta1"

COLUMNS: Sequence[Object] = (
    {
        "name": "Name",
        "type": "string",
        "format": "name",
        "description": "Name of the resource",
        "priority": 0,
    },
    *({"name": name, "type": "string", "format": "", "description": "", "priority": 0} for name in ("cpu", "memory")),
    {"name": "Window", "type": "string", "format": "duration", "description": "", "priority": 0},
)


def usage(nano_cores: int, memory_bytes: int) -> Object:
    cpu = Quantity(nano_cores)
    memory = Quantity(memory_bytes * 10**9, Format.BINARY)
    return {"cpu": str(cpu), "memory": str(memory)}


def window_text(seconds: float) -> str:
    """As Go prints a duration, cut to milliseconds: `15.012s`, `1m0.5s`."""
    minutes, rest = divmod(int(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    left = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + left


def pod_metrics(pod: Object, uses: Mapping[str, Use], now: float) -> Object:
    metadata = pod["metadata"]
    return {
        "kind": "PodMetrics",
        "apiVersion": API_VERSION,
        "metadata": _metadata(metadata["name"], metadata, now, metadata["namespace"]),
        "timestamp": rfc3339(min(use.at for use in uses.values())),
        "window": window_text(max(use.window for use in uses.values())),
        "containers": [{"name": name, "usage": usage(use.nano_cores, use.memory_bytes)} for name, use in uses.items()],
    }


def node_metrics(node: Object, use: Use, now: float) -> Object:
    metadata = node["metadata"]
    return {
        "kind": "NodeMetrics",
        "apiVersion": API_VERSION,
        "metadata": _metadata(metadata["name"], metadata, now),
        "timestamp": rfc3339(use.at),
        "window": window_text(use.window),
        "usage": usage(use.nano_cores, use.memory_bytes),
    }


def _metadata(name: str, of: Object, now: float, namespace: str = "") -> Object:
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["creationTimestamp"] = rfc3339(now)
    if of.get("labels"):
        metadata["labels"] = of["labels"]
    return metadata


def cells(obj: Object) -> list[str]:
    """One row: name, CPU, memory, window; a pod's containers summed."""
    parts = [obj["usage"]] if "usage" in obj else [each["usage"] for each in obj["containers"]]
    return [obj["metadata"]["name"], *(_sum(parts, name) for name in ("cpu", "memory")), obj["window"]]


def _sum(parts: Sequence[Object], name: str) -> str:
    from wherry.machinery.quantity import parse, total

    return str(total([parse(part[name]) for part in parts]))
