"""What the scheduler has done, in the Prometheus text format with upstream's names.

Durations are summaries without quantiles, as for the controllers. Source: pkg/scheduler/metrics/metrics.go.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

SCHEDULED, UNSCHEDULABLE, ERROR = "scheduled", "unschedulable", "error"
_QUEUES = {"active": "active", "backoff": "backoff", "error": "backoff", "parked": "unschedulable", "gated": "gated"}
"""Upstream's names of queues, by where a pod is here."""


class Counters:
    """Counted while pods are scheduled; a count costs next to nothing."""

    def __init__(self) -> None:
        self.attempts: Counter[tuple[str, str]] = Counter()
        """By profile and result."""
        self.seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self.preemptions = 0
        self.victims = 0

    def attempt(self, profile: str, result: str, seconds: float) -> None:
        key = profile, result
        self.attempts[key] += 1
        self.seconds[key] += seconds


def lines(counters: Counters, places: Mapping[str, int]) -> Iterator[str]:
    """`places` tells how many pods are at each place of the queue."""
    yield "# TYPE scheduler_schedule_attempts_total counter"
    for (profile, result), count in counters.attempts.items():
        yield f'scheduler_schedule_attempts_total{{profile="{profile}",result="{result}"}} {count}'
    yield "# TYPE scheduler_scheduling_attempt_duration_seconds summary"
    for (profile, result), seconds in counters.seconds.items():
        labels = f'{{profile="{profile}",result="{result}"}}'
        yield f"scheduler_scheduling_attempt_duration_seconds_sum{labels} {seconds:g}"
        yield f"scheduler_scheduling_attempt_duration_seconds_count{labels} {counters.attempts[profile, result]}"
    pending = dict.fromkeys(_QUEUES.values(), 0)
    for place, count in places.items():
        if place in _QUEUES:
            pending[_QUEUES[place]] += count
    yield "# TYPE scheduler_pending_pods gauge"
    for queue, count in pending.items():
        yield f'scheduler_pending_pods{{queue="{queue}"}} {count}'
    yield "# TYPE scheduler_preemption_attempts_total counter"
    yield f"scheduler_preemption_attempts_total {counters.preemptions}"
    yield "# TYPE scheduler_preemption_victims summary"
    yield f"scheduler_preemption_victims_sum {counters.victims}"
    yield f"scheduler_preemption_victims_count {counters.preemptions}"
