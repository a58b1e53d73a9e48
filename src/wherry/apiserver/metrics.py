"""`/metrics` in the Prometheus text format, and the counting of requests, which must cost next to nothing.

Source: k8s.io/apiserver/pkg/endpoints/metrics; https://prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

import os
import resource
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from wherry.apiserver.call import Answer, Call
from wherry.wire.messages import Response

_BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)  # fmt: skip
_VERBS = {"deletecollection": "DELETECOLLECTION", "create": "POST", "update": "PUT"}
TEXT = "text/plain; version=0.0.4; charset=utf-8"
Key = tuple[str, str, str, str, str, str, str]
READ_ONLY = frozenset({"get", "list", "watch"})


class Durations:
    """A histogram of seconds."""

    __slots__ = ("buckets", "count", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_BUCKETS) + 1)
        self.count = 0
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.buckets[bisect_left(_BUCKETS, seconds)] += 1
        self.count += 1
        self.total += seconds


class Metrics:
    """What has been counted since the start."""

    def __init__(self, *, started: float) -> None:
        self._started = started
        self._requests: dict[tuple[Key, int], int] = {}
        self._durations: dict[Key, Durations] = {}
        self._store_times: dict[tuple[str, str], Durations] = {}
        self._others: list[Callable[[], Iterable[str]]] = []
        self.in_flight = {"mutating": 0, "readOnly": 0}
        """What waits for something just now; what is answered at once is never seen here."""

    def add(self, lines: Callable[[], Iterable[str]]) -> None:
        """Show the lines of somebody who counts for himself."""
        self._others.append(lines)

    def observe(self, call: Call, status: int, seconds: float) -> None:
        """One request is answered."""
        info = call.info
        if info.served is None:
            # Clients choose these names: they must not fill the memory.
            key = ("other", "", "", "", "", "", "")
            self._count(key, status, seconds)
            return
        scope = "resource" if info.name else ("namespace" if info.namespace else "cluster")
        subresource = info.subresource if info.subresource in info.served.subresources else ""
        dry_run = "All" if "dryRun=All" in call.request.raw_query else ""
        self._count((call.verb, info.group, info.version, info.plural, subresource, scope, dry_run), status, seconds)

    def stored(self, operation: str, resource: str, seconds: float) -> None:
        """The store has answered a write."""
        key = (operation, resource)
        durations = self._store_times.get(key)
        if durations is None:
            durations = self._store_times[key] = Durations()
        durations.observe(seconds)

    def _count(self, key: Key, status: int, seconds: float) -> None:
        counted = (key, status)
        self._requests[counted] = self._requests.get(counted, 0) + 1
        durations = self._durations.get(key)
        if durations is None:
            durations = self._durations[key] = Durations()
        durations.observe(seconds)

    def handle(self, call: Call) -> Answer:
        text = "\n".join(
            [*self._request_lines(), *self._store_lines(), *self._process_lines(), *self._other_lines(), ""]
        )
        return Response(200, text.encode(), TEXT)

    def _other_lines(self) -> Iterator[str]:
        for lines in self._others:
            yield from lines()

    def _request_lines(self) -> Iterator[str]:
        yield "# HELP apiserver_request_total Requests by verb, resource and code."
        yield "# TYPE apiserver_request_total counter"
        for (key, status), count in self._requests.items():
            yield f'apiserver_request_total{{code="{status}",{_labels(key)}}} {count}'
        yield "# TYPE apiserver_current_inflight_requests gauge"
        for request_kind, count in self.in_flight.items():
            yield f'apiserver_current_inflight_requests{{request_kind="{request_kind}"}} {count}'
        yield "# HELP apiserver_request_duration_seconds Response latency in seconds."
        yield "# TYPE apiserver_request_duration_seconds histogram"
        for key, durations in self._durations.items():
            yield from _histogram_lines("apiserver_request_duration_seconds", _labels(key), durations)

    def _store_lines(self) -> Iterator[str]:
        yield "# HELP etcd_request_duration_seconds How long the store took, whatever it is."
        yield "# TYPE etcd_request_duration_seconds histogram"
        for (operation, resource_name), durations in self._store_times.items():
            labels = f'operation="{operation}",type="{_safe(resource_name)}"'
            yield from _histogram_lines("etcd_request_duration_seconds", labels, durations)

    def _process_lines(self) -> Iterator[str]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        values = {
            "process_cpu_seconds_total": ("counter", usage.ru_utime + usage.ru_stime),
            "process_resident_memory_bytes": ("gauge", _resident_bytes(usage.ru_maxrss * 1024)),
            "process_virtual_memory_bytes": ("gauge", _virtual_bytes()),
            "process_open_fds": ("gauge", _open_files()),
            "process_max_fds": ("gauge", resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
            "process_start_time_seconds": ("gauge", self._started),
        }
        for name, (kind, value) in values.items():
            yield f"# TYPE {name} {kind}"
            yield f"{name} {value}"


def _labels(key: Key) -> str:
    verb, group, version, plural, subresource, scope, dry_run = key
    shown = _VERBS.get(verb, verb.upper())
    return (
        f'component="apiserver",dry_run="{dry_run}",group="{_safe(group)}",resource="{_safe(plural)}",scope="{scope}",subresource="{_safe(subresource)}",'
        f'verb="{shown}",version="{_safe(version)}"'
    )


def _safe(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _histogram_lines(name: str, labels: str, durations: Durations) -> Iterator[str]:
    so_far = 0
    for bound, count in zip(_BUCKETS, durations.buckets, strict=False):
        so_far += count
        yield f'{name}_bucket{{{labels},le="{bound:g}"}} {so_far}'
    yield f'{name}_bucket{{{labels},le="+Inf"}} {durations.count}'
    yield f"{name}_sum{{{labels}}} {durations.total}"
    yield f"{name}_count{{{labels}}} {durations.count}"


def _resident_bytes(highest: int) -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return highest
    return pages * os.sysconf("SC_PAGE_SIZE")


def _virtual_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _open_files() -> int:
    for path in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(path))
        except OSError:
            continue
    return 0
