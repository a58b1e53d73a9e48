"""How long a job waits before it starts a pod again after failures: 10 s doubling to 10 minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.controllers import pods
from wherry.controllers.job import indexes
from wherry.controllers.job.pods_of import JobPods, finished_at

BACKOFF = Backoff(initial=10.0, cap=600.0)


@dataclass(slots=True)
class Failures:
    """Failures in a row of one job, oldest first. Each pod counts once, however often it is shown."""

    count: int = 0
    last: float = 0.0
    seen: set[str] = field(default_factory=set)

    def note(self, found: JobPods, now: float) -> None:
        fresh = [p for p in (*found.new_succeeded, *found.counted_failures) if p["metadata"]["uid"] not in self.seen]
        for pod in sorted(fresh, key=lambda p: finished_at(p, now)):
            self.seen.add(pod["metadata"]["uid"])
            if pods.phase(pod) == "Succeeded":
                self.count = 0
            else:
                self.count += 1
                self.last = finished_at(pod, now)

    def wait(self, now: float) -> float:
        """Seconds until the next pod may be started; 0 or less: now."""
        return self.last + BACKOFF.delay(self.count) - now


def index_wait(failed: Iterable[Object], index: int, now: float) -> float:
    """The same for one index of a job that counts failures per index."""
    last, count = 0.0, 0
    for pod in failed:
        if indexes.index_of(pod) == index:
            count = max(count, indexes.failures_before(pod) + 1)
            last = max(last, finished_at(pod, now))
    return last + BACKOFF.delay(count) - now if count else 0.0
