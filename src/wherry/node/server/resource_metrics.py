"""`/metrics/resource`: CPU and memory in Prometheus' text format, which metrics-server scrapes.

Source: KEP-727, pkg/kubelet/metrics/collectors/resource_metrics.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from wherry.node.server.measurement import ContainerUse, Measurement
from wherry.wire.messages import Response

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_HELP = {
    "node_cpu_usage_seconds_total": "Cumulative cpu time consumed by the node in core-seconds",
    "node_memory_working_set_bytes": "Current working set of the node in bytes",
    "container_cpu_usage_seconds_total": "Cumulative cpu time consumed by the container in core-seconds",
    "container_memory_working_set_bytes": "Current working set of the container in bytes",
    "container_start_time_seconds": "Start time of the container since unix epoch in seconds",
    "pod_cpu_usage_seconds_total": "Cumulative cpu time consumed by the pod in core-seconds",
    "pod_memory_working_set_bytes": "Current working set of the pod in bytes",
    "resource_scrape_error": "1 if there was an error while getting container metrics, 0 otherwise",
}

Sample = tuple[str, float, bool]
"""Labels in braces, value, and whether it carries the time of the measurement."""


def render(measured: Measurement) -> str:
    """The whole page."""
    stamp = f" {int(measured.at * 1000)}"
    lines: list[str] = []
    for name, samples in _families(measured).items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += (f"# HELP {name} [STABLE] {_HELP[name]}", f"# TYPE {name} {kind}")
        lines += [f"{name}{labels} {value:.12g}{stamp if timed else ''}" for labels, value, timed in samples]
    return "\n".join(lines) + "\n"


def _families(measured: Measurement) -> dict[str, list[Sample]]:
    containers = measured.containers
    return {
        "container_cpu_usage_seconds_total": [(_labels(c), c.cpu_seconds, True) for c in containers],
        "container_memory_working_set_bytes": [(_labels(c), c.memory_bytes, True) for c in containers],
        "container_start_time_seconds": [(_labels(c), c.started_at, False) for c in containers],
        "node_cpu_usage_seconds_total": [("", measured.node_cpu_seconds, True)],
        "node_memory_working_set_bytes": [("", measured.node_memory_bytes, True)],
        "pod_cpu_usage_seconds_total": [
            (labels, sum(c.cpu_seconds for c in group), True) for labels, group in by_pod(containers)
        ],
        "pod_memory_working_set_bytes": [
            (labels, sum(c.memory_bytes for c in group), True) for labels, group in by_pod(containers)
        ],
        "resource_scrape_error": [("", 0, False)],
    }


def _labels(use: ContainerUse) -> str:
    return f'{{container="{use.name}",namespace="{use.namespace}",pod="{use.pod}"}}'


def by_pod(containers: Iterable[ContainerUse]) -> list[tuple[str, list[ContainerUse]]]:
    """The containers of each pod, with the pod's labels."""
    ordered = sorted(containers, key=lambda c: (c.namespace, c.pod, c.name))
    groups = groupby(ordered, key=lambda c: (c.namespace, c.pod))
    return [(f'{{namespace="{namespace}",pod="{pod}"}}', list(group)) for (namespace, pod), group in groups]


def response(measured: Measurement) -> Response:
    return Response(200, render(measured).encode(), CONTENT_TYPE)
