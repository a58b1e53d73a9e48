"""Which run of a cron job is due, which old jobs go. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.controllers import conditions
from wherry.controllers.cronjob.schedule import Schedule

MANY = 100


class Due(NamedTuple):
    """`at`: the latest time that has passed without a run, None for none; `missed`: about how many have passed."""

    at: float | None
    missed: int


def find(cronjob: Object, schedule: Schedule, now: float) -> Due:
    """The run that is due. A starting deadline limits how far to look back."""
    last = (cronjob.get("status") or {}).get("lastScheduleTime")
    earliest = parse_rfc3339(last or cronjob["metadata"]["creationTimestamp"])
    deadline = cronjob["spec"].get("startingDeadlineSeconds")
    if deadline is not None:
        earliest = max(earliest, now - deadline)
    first = schedule.next(earliest)
    if first is None or first > now:
        return Due(None, 0)
    second = schedule.next(first)
    if second is None or second > now:
        return Due(first, 1)
    between = max(1.0, second - first)
    return Due(_latest(schedule, first, now, between), int((now - first) / between) + 1)


def _latest(schedule: Schedule, first: float, now: float, between: float) -> float:
    """The last time up to now, looking back in growing steps rather than walking all the way from `first`."""
    window = 2 * between
    while (start := max(first, now - window)) > first:
        if (found := schedule.next(start)) is not None and found <= now:
            return _walk(schedule, found, now)
        window *= 4
    return _walk(schedule, first, now)


def _walk(schedule: Schedule, at: float, now: float) -> float:
    while (following := schedule.next(at)) is not None and following <= now:
        at = following
    return at


def finish(job: Object) -> str:
    """`Complete` or `Failed`; empty while it runs."""
    found = (job.get("status") or {}).get("conditions")
    return next((name for name in ("Complete", "Failed") if conditions.is_true(found, name)), "")


def surplus(cronjob: Object, jobs: Sequence[Object]) -> list[Object]:
    """Finished jobs beyond the history limits, oldest first."""
    limits = {
        "Complete": cronjob["spec"].get("successfulJobsHistoryLimit", 3),
        "Failed": cronjob["spec"].get("failedJobsHistoryLimit", 1),
    }
    result = []
    for how, limit in limits.items():
        found = [job for job in jobs if finish(job) == how]
        found.sort(key=lambda job: ((job.get("status") or {}).get("startTime", ""), job["metadata"]["name"]))
        result += found[: max(0, len(found) - limit)]
    return result


def reference(job: Object) -> Object:
    """As a cron job's status lists its active jobs."""
    metadata = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }
