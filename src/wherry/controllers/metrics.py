"""What the controllers' queues have done, in the Prometheus text format with upstream's names.

Source: k8s.io/component-base/metrics/prometheus/workqueue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from wherry.base.histogram import Histogram
from wherry.controllers.controller import Workers

Loop = Workers[object]

_NUMBERS: Mapping[str, Callable[[Loop], float]] = {
    "workqueue_adds_total counter": lambda loop: loop.queue.adds,
    "workqueue_depth gauge": lambda loop: len(loop.queue),
    "workqueue_longest_running_processor_seconds gauge": lambda loop: max(loop.queue.unfinished(), default=0.0),
    "workqueue_retries_total counter": lambda loop: loop.counters.retries,
    "workqueue_unfinished_work_seconds gauge": lambda loop: sum(loop.queue.unfinished()),
}
_HISTOGRAMS: Mapping[str, Callable[[Loop], Histogram]] = {
    "workqueue_queue_duration_seconds": lambda loop: loop.queue.waited,
    "workqueue_work_duration_seconds": lambda loop: loop.queue.worked,
}


def lines(loops: Mapping[str, Loop]) -> Iterator[str]:
    """`loops` by the name of the controller."""
    for series, number in _NUMBERS.items():
        yield f"# TYPE {series}"
        metric = series.partition(" ")[0]
        for name, loop in loops.items():
            yield f'{metric}{{name="{name}"}} {number(loop):g}'
    for metric, histogram in _HISTOGRAMS.items():
        yield f"# TYPE {metric} histogram"
        for name, loop in loops.items():
            yield from histogram(loop).lines(metric, f'name="{name}"')
