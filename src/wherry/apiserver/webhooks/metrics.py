"""The series that upstream has for admission webhooks. Source: k8s.io/apiserver/pkg/admission/metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0)
_MOST_CODE = 600
_PREFIX = "apiserver_admission_webhook"


class WebhookMetrics:
    """Counts; empty until the first webhook is asked."""

    __slots__ = ("_durations", "_failed_open", "_rejections", "_requests")

    def __init__(self) -> None:
        self._durations: dict[str, list[float]] = {}
        """By labels: a count for each bucket, one for all beyond, then the sum."""
        self._rejections: dict[str, int] = {}
        self._failed_open: dict[str, int] = {}
        self._requests: dict[str, int] = {}

    def asked(self, name: str, kind: str, operation: str, seconds: float, *, rejected: bool, code: int) -> None:
        labels = f'name="{name}",operation="{operation}",rejected="{str(rejected).lower()}",type="{kind}"'
        counted = f'code="{min(code, _MOST_CODE)}",{labels}'
        self._requests[counted] = self._requests.get(counted, 0) + 1
        counts = self._durations.setdefault(labels, [0.0] * (len(_BUCKETS) + 2))
        counts[bisect_left(_BUCKETS, seconds)] += 1
        counts[-1] += seconds

    def rejected(self, name: str, kind: str, operation: str, error_type: str, code: int) -> None:
        labels = (
            f'error_type="{error_type}",name="{name}",operation="{operation}",rejection_code="{code}",type="{kind}"'
        )
        self._rejections[labels] = self._rejections.get(labels, 0) + 1

    def failed_open(self, name: str, kind: str) -> None:
        labels = f'name="{name}",type="{kind}"'
        self._failed_open[labels] = self._failed_open.get(labels, 0) + 1

    def lines(self) -> Iterator[str]:
        """In the Prometheus text format."""
        if self._durations:
            yield f"# TYPE {_PREFIX}_admission_duration_seconds histogram"
        for labels, counts in self._durations.items():
            yield from _histogram(f"{_PREFIX}_admission_duration_seconds", labels, counts)
        for name, counters in (
            ("request_total", self._requests),
            ("rejection_count", self._rejections),
            ("fail_open_count", self._failed_open),
        ):
            if counters:
                yield f"# TYPE {_PREFIX}_{name} counter"
            for labels, count in counters.items():
                yield f"{_PREFIX}_{name}{{{labels}}} {count}"


def _histogram(name: str, labels: str, counts: list[float]) -> Iterator[str]:
    so_far = 0
    for bound, count in zip((*(f"{each:g}" for each in _BUCKETS), "+Inf"), counts, strict=False):
        so_far += int(count)
        yield f'{name}_bucket{{{labels},le="{bound}"}} {so_far}'
    yield f"{name}_sum{{{labels}}} {counts[-1]}"
    yield f"{name}_count{{{labels}}} {so_far}"
