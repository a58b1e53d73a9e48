"""What the scheduler has done, in the Prometheus text format with upstream's names.

Source: pkg/scheduler/metrics/metrics.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from wherry.base.histogram import Histogram, exponential

SCHEDULED, UNSCHEDULABLE, ERROR = "scheduled", "unschedulable", "error"
_ATTEMPT_SECONDS = exponential(0.001, 2.0, 15)
_WAIT_SECONDS = exponential(0.01, 2.0, 20)
_TRIES = exponential(1.0, 2.0, 5)
_VICTIMS = exponential(1.0, 2.0, 7)
_MOST_TRIES = 15
"""More are told as so many and more."""
_QUEUES = {"active": "active", "backoff": "backoff", "error": "backoff", "parked": "unschedulable", "gated": "gated"}
"""Upstream's names of queues, by where a pod is here."""


class Counters:
    """Counted while pods are scheduled; a count costs next to nothing."""

    def __init__(self) -> None:
        self.attempts: Counter[tuple[str, str]] = Counter()
        """By profile and result."""
        self.seconds: dict[tuple[str, str], Histogram] = {}
        self.tries = Histogram(_TRIES)
        """How many attempts pods took that found their place."""
        self.waited: dict[int, Histogram] = {}
        """Seconds from a pod's coming into the queue to its place, by the number of attempts."""
        self.preemptions = 0
        self.victims = Histogram(_VICTIMS)

    def attempt(self, profile: str, result: str, seconds: float) -> None:
        key = profile, result
        self.attempts[key] += 1
        durations = self.seconds.get(key)
        if durations is None:
            durations = self.seconds[key] = Histogram(_ATTEMPT_SECONDS)
        durations.observe(seconds)

    def placed(self, attempts: int, seconds: float) -> None:
        """A pod that came `seconds` ago is bound to a node."""
        self.tries.observe(attempts)
        shown = min(attempts, _MOST_TRIES)
        waited = self.waited.get(shown)
        if waited is None:
            waited = self.waited[shown] = Histogram(_WAIT_SECONDS)
        waited.observe(seconds)

    def preempted(self, victims: int) -> None:
        self.preemptions += 1
        self.victims.observe(victims)


def lines(counters: Counters, places: Mapping[str, int]) -> Iterator[str]:
    """`places` tells how many pods are at each place of the queue."""
    yield "# TYPE scheduler_schedule_attempts_total counter"
    for (profile, result), count in counters.attempts.items():
        yield f'scheduler_schedule_attempts_total{{profile="{profile}",result="{result}"}} {count}'
    yield "# TYPE scheduler_scheduling_attempt_duration_seconds histogram"
    for (profile, result), seconds in counters.seconds.items():
        labels = f'profile="{profile}",result="{result}"'
        yield from seconds.lines("scheduler_scheduling_attempt_duration_seconds", labels)
    yield "# TYPE scheduler_pod_scheduling_attempts histogram"
    yield from counters.tries.lines("scheduler_pod_scheduling_attempts")
    yield "# TYPE scheduler_pod_scheduling_sli_duration_seconds histogram"
    for attempts, waited in counters.waited.items():
        shown = f'attempts="{attempts if attempts < _MOST_TRIES else f"{_MOST_TRIES}+"}"'
        yield from waited.lines("scheduler_pod_scheduling_sli_duration_seconds", shown)
    pending = dict.fromkeys(_QUEUES.values(), 0)
    for place, count in places.items():
        if place in _QUEUES:
            pending[_QUEUES[place]] += count
    yield "# TYPE scheduler_pending_pods gauge"
    for queue, count in pending.items():
        yield f'scheduler_pending_pods{{queue="{queue}"}} {count}'
    yield "# TYPE scheduler_preemption_attempts_total counter"
    yield f"scheduler_preemption_attempts_total {counters.preemptions}"
    yield "# TYPE scheduler_preemption_victims histogram"
    yield from counters.victims.lines("scheduler_preemption_victims")
