"""Counting each finished pod exactly once, though controller and server may die between any two steps. Pure.

A pod keeps the job's finalizer until it is written down. First its uid goes into `status.uncountedTerminatedPods`; then
the finalizer is removed; then, in one write, the uid leaves the list and the counter grows. Whoever comes back after a
crash finds every pod in one of these states. Source: KEP-2307.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wherry.api.types import Object
from wherry.controllers import pods
from wherry.controllers.job import indexes
from wherry.controllers.job.pods_of import JobPods, completions_of, has_failed, is_indexed, uncounted
from wherry.controllers.job.verdict import End, Facts

LIMIT = 500
"""So many pods are written down in one go."""


def held_back(job: Object, found: JobPods, facts: Facts) -> frozenset[str]:
    """Uids of the failed pods that alone still know how often their index has failed.

    The next pod of the index carries the count on; until it is there, the last failed one must not go. Source: KEP-3850.
    """
    if job["spec"].get("backoffLimitPerIndex") is None:
        return frozenset()
    settled = {indexes.index_of(pod) for pod in found.active} | facts.succeeded_indexes | facts.failed_indexes
    last: dict[int, Object] = {}
    for pod in found.failed:
        index = indexes.index_of(pod)
        if index is None or index in settled:
            continue
        if index not in last or indexes.failures_before(pod) > indexes.failures_before(last[index]):
            last[index] = pod
    return frozenset(pod["metadata"]["uid"] for pod in last.values())


def noted(job: Object, found: JobPods, facts: Facts, end: End | None, held: Collection[str] = ()) -> Object:
    """The status with new finished pods written down, apart from those that are held back.

    When the job fails, the pods that still run have failed too; when it succeeds early, they count for nothing.
    """
    status = dict(job.get("status") or {})
    lists = {
        "succeeded": [*uncounted(job, "succeeded")],
        "failed": [*uncounted(job, "failed")],
    }
    if not is_indexed(job):
        lists["succeeded"] += [pod["metadata"]["uid"] for pod in found.new_succeeded[:LIMIT]]
    lists["failed"] += [pod["metadata"]["uid"] for pod in _first(_failures(found, end), held)]
    status["uncountedTerminatedPods"] = {name: uids for name, uids in lists.items() if uids}
    if is_indexed(job):
        status |= _index_fields(job, facts)
    return status


def _index_fields(job: Object, facts: Facts) -> Object:
    fields: Object = {"succeeded": facts.succeeded, "completedIndexes": indexes.render(facts.succeeded_indexes)}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        fields["failedIndexes"] = indexes.render(facts.failed_indexes)
    return fields


def counted(status: Object, tracked: Collection[str]) -> Object:
    """The status after the finalizers are gone: uids that nobody tracks any more move into the counters."""
    result = dict(status)
    lists = status.get("uncountedTerminatedPods") or {}
    kept: Object = {}
    for name in ("succeeded", "failed"):
        uids = lists.get(name) or []
        left = [uid for uid in uids if uid in tracked]
        result[name] = result.get(name, 0) + len(uids) - len(left)
        if left:
            kept[name] = left
    result["uncountedTerminatedPods"] = kept
    return result


def _failures(found: JobPods, end: End | None) -> list[Object]:
    return found.counted_failures + (found.going if end is not None and end.type == "Failed" else [])


def _first(found: Iterable[Object], held: Collection[str]) -> list[Object]:
    """As many as are written down in one go."""
    return [pod for pod in found if pod["metadata"]["uid"] not in held][:LIMIT]


def to_release(job: Object, found: JobPods, end: End | None, held: Collection[str] = ()) -> list[Object]:
    """The tracked pods whose finalizer may go once the status is written: those written down, and strays.

    When the end is decided, also all that count for nothing; what must be counted waits its turn.
    """
    to_count = [*found.new_succeeded, *_failures(found, end)]
    written = {pod["metadata"]["uid"] for pod in (*found.new_succeeded[:LIMIT], *_first(_failures(found, end), held))}
    written |= {*uncounted(job, "succeeded"), *uncounted(job, "failed")}
    waiting = {pod["metadata"]["uid"] for pod in to_count} - written | {*held}
    completions = completions_of(job)
    return [
        pod
        for pod in found.tracked
        if (uid := pod["metadata"]["uid"]) in written
        or (uid not in waiting and (end is not None or uid in found.ignored or _is_stray(job, pod, completions)))
    ]


def _is_stray(job: Object, pod: Object, completions: int | None) -> bool:
    """A pod, ended or going, of an index that the job does not have (any more): nothing counts it."""
    if not is_indexed(job) or not (has_failed(job, pod) or pods.phase(pod) == "Succeeded"):
        return False
    index = indexes.index_of(pod)
    return index is None or completions is None or index >= completions
