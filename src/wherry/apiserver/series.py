"""Metrics that are not counted but read off when somebody asks: stores, watches, fairness, aggregation, health.

Source: the metrics reference of Kubernetes, https://kubernetes.io/docs/reference/instrumenting/metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from wherry.apiserver.aggregation.registration import is_available
from wherry.apiserver.flowcontrol.control import FlowControl, Schema
from wherry.apiserver.flowcontrol.queues import Level
from wherry.apiserver.objects import decoded
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import Served, storage_prefix
from wherry.apiserver.version import version

_API_SERVICES = storage_prefix("apiregistration.k8s.io", "apiservices")
Reading = Callable[[Level], float]
SchemaReading = Callable[[Schema], float]
Samples = Iterable[tuple[Mapping[str, str], float]]


def family(name: str, kind: str, samples: Samples) -> Iterator[str]:
    """One metric with all its label sets; nothing where there are none."""
    first = True
    for labels, value in samples:
        if first:
            yield f"# TYPE {name} {kind}"
            first = False
        shown = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{shown}}} {value:g}" if shown else f"{name} {value:g}"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def build_lines() -> Iterator[str]:
    known = version()
    names = {
        "build_date": "buildDate", "compiler": "compiler", "git_commit": "gitCommit",
        "git_tree_state": "gitTreeState", "git_version": "gitVersion", "go_version": "goVersion", "major": "major",
        "minor": "minor", "platform": "platform",
    }  # fmt: skip
    yield from family("kubernetes_build_info", "gauge", [({label: known[key] for label, key in names.items()}, 1)])


def storage_lines(parts: Parts) -> Iterator[str]:
    """A resource of several versions is kept once."""
    kept: dict[str, tuple[Served, int]] = {}
    for served in parts.registry:
        if "list" in served.verbs and served.prefix not in kept:
            kept[served.prefix] = (parts.registry.stored_as(served), parts.store.count(served.prefix))
    found = kept.values()
    yield from family(
        "apiserver_storage_objects", "gauge", (({"resource": each.qualified}, count) for each, count in found)
    )
    yield from family(
        "apiserver_resource_objects",
        "gauge",
        (({"group": each.group, "resource": each.plural}, count) for each, count in found),
    )


def watch_lines(parts: Parts) -> Iterator[str]:
    by_prefix = {served.prefix: served for served in parts.registry}
    watching, told = [], []
    for prefix, hub in parts.hubs.items():
        served = by_prefix.get(prefix)
        if served is None:
            continue
        if watchers := hub.watchers:
            labels = {
                "component": "apiserver", "group": served.group, "resource": served.plural, "scope": "cluster",
                "subresource": "", "verb": "WATCH", "version": served.version,
            }  # fmt: skip
            watching.append((labels, float(watchers)))
        if hub.told:
            labels = {"group": served.group, "resource": served.plural, "version": served.version}
            told.append((labels, float(hub.told)))
    yield from family("apiserver_longrunning_requests", "gauge", watching)
    yield from family("apiserver_watch_events_total", "counter", told)


_LEVEL_SERIES: Mapping[str, Reading] = {
    "nominal_limit_seats": lambda level: level.bounds.nominal,
    "current_limit_seats": lambda level: level.limit,
    "lower_limit_seats": lambda level: level.bounds.least,
    "upper_limit_seats": lambda level: level.bounds.most,
}
_SCHEMA_SERIES: Mapping[str, SchemaReading] = {
    "dispatched_requests_total": lambda schema: schema.dispatched,
    "current_executing_requests": lambda schema: schema.executing,
    "current_executing_seats": lambda schema: schema.seats,
    "current_inqueue_requests": lambda schema: schema.waiting,
}


def flow_lines(control: FlowControl) -> Iterator[str]:
    prefix = "apiserver_flowcontrol_"
    for name, of_level in _LEVEL_SERIES.items():
        samples = [({"priority_level": each.name}, of_level(each)) for each in control.levels.values()]
        yield from family(prefix + name, "gauge", samples)
    schemas = [({"flow_schema": each.name, "priority_level": each.level.name}, each) for each in control.schemas]
    for name, of_schema in _SCHEMA_SERIES.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        yield from family(prefix + name, kind, [(labels, of_schema(each)) for labels, each in schemas])
    rejected = [
        ({**labels, "reason": reason}, float(count))
        for labels, each in schemas
        for reason, count in each.rejected.items()
    ]
    yield from family(prefix + "rejected_requests_total", "counter", rejected)


def aggregation_lines(parts: Parts) -> Iterator[str]:
    services = [decoded(entry) for entry in parts.store.range(_API_SERVICES).entries]
    yield from family(
        "aggregator_unavailable_apiservice",
        "gauge",
        (({"name": each["metadata"]["name"]}, float(not is_available(each))) for each in services),
    )


def health_lines(checks: Mapping[str, Mapping[str, Callable[[], bool]]]) -> Iterator[str]:
    """`/metrics/slis`: by endpoint, then by check."""
    samples = [
        ({"name": name, "type": endpoint}, float(check()))
        for endpoint, named in checks.items()
        for name, check in named.items()
    ]
    yield from family("kubernetes_healthcheck", "gauge", samples)
