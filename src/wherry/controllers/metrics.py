"""What the controllers' queues have done, in the Prometheus text format with upstream's names.

Source: k8s.io/component-base/metrics/prometheus/workqueue. Durations are summaries without quantiles: rates of their sums
and counts are what dashboards ask of upstream's histograms, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wherry.controllers.controller import Workers

_SERIES = ("workqueue_adds_total counter", "workqueue_depth gauge", "workqueue_retries_total counter")


def lines(loops: Mapping[str, Workers[object]]) -> Iterator[str]:
    """`loops` by the name of the controller."""
    for series in _SERIES:
        yield f"# TYPE {series}"
        metric = series.partition(" ")[0]
        for name, loop in loops.items():
            value = {
                "workqueue_adds_total": loop.queue.adds,
                "workqueue_depth": len(loop.queue),
                "workqueue_retries_total": loop.counters.retries,
            }[metric]
            yield f'{metric}{{name="{name}"}} {value}'
    yield "# TYPE workqueue_work_duration_seconds summary"
    for name, loop in loops.items():
        yield f'workqueue_work_duration_seconds_sum{{name="{name}"}} {loop.counters.seconds:g}'
        yield f'workqueue_work_duration_seconds_count{{name="{name}"}} {loop.counters.reconciles}'
