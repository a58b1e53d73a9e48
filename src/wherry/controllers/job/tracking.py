"""Counting each finished pod exactly once, though controller and server may die between any two steps. Pure.

A pod keeps the job's finalizer until it is written down. First its uid goes into `status.uncountedTerminatedPods`; then
the finalizer is removed; then, in one write, the uid leaves the list and the counter grows. Whoever comes back after a
crash finds every pod in one of these states. Source: KEP-2307.
"""

from __future__ import annotations

from collections.abc import Collection

from wherry.api.types import Object
from wherry.controllers.job import indexes
from wherry.controllers.job.pods_of import JobPods, completions_of, is_indexed, uncounted
from wherry.controllers.job.verdict import Facts

LIMIT = 500
"""So many pods are written down in one go."""


def noted(job: Object, found: JobPods, facts: Facts) -> Object:
    """The status with new finished pods written down."""
    status = dict(job.get("status") or {})
    lists = {
        "succeeded": [*uncounted(job, "succeeded")],
        "failed": [*uncounted(job, "failed")],
    }
    if not is_indexed(job):
        lists["succeeded"] += [pod["metadata"]["uid"] for pod in found.new_succeeded[:LIMIT]]
    lists["failed"] += [pod["metadata"]["uid"] for pod in found.counted_failures[:LIMIT]]
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


def to_release(job: Object, found: JobPods, over: bool) -> list[Object]:
    """The tracked pods whose finalizer may go once they are written down; all of them when the job is over."""
    written = {pod["metadata"]["uid"] for pod in (*found.new_succeeded[:LIMIT], *found.new_failed[:LIMIT])}
    written |= {*uncounted(job, "succeeded"), *uncounted(job, "failed")}
    completions = completions_of(job)
    return [
        pod for pod in found.tracked if over or pod["metadata"]["uid"] in written or _is_stray(job, pod, completions)
    ]


def _is_stray(job: Object, pod: Object, completions: int | None) -> bool:
    """A finished pod of an index that the job does not have (any more): nothing counts it."""
    if not is_indexed(job) or (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
        return False
    index = indexes.index_of(pod)
    return index is None or completions is None or index >= completions
