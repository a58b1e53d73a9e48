"""How many pods a job should run, and whether it is over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.controllers import conditions, pods
from wherry.controllers.job import indexes, policies
from wherry.controllers.job.pods_of import (
    JobPods,
    completions_of,
    is_indexed,
    replaces_only_failed,
    uncounted,
)

INTERIM = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}
"""Told as soon as the end is decided; the final condition follows when all pods have ended."""


class End(NamedTuple):
    """How a job ends. `type` is Complete or Failed."""

    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What has been reached, counting what is about to be counted."""

    succeeded: int
    failed: int
    succeeded_indexes: frozenset[int]
    failed_indexes: frozenset[int]


def is_finished(job: Object) -> bool:
    found = (job.get("status") or {}).get("conditions")
    return conditions.is_true(found, "Complete") or conditions.is_true(found, "Failed")


def is_suspended(job: Object) -> bool:
    return bool(job["spec"].get("suspend"))


def gather(job: Object, found: JobPods) -> Facts:
    status = job.get("status") or {}
    failed = status.get("failed", 0) + len(uncounted(job, "failed")) + len(found.counted_failures)
    if not is_indexed(job):
        succeeded = status.get("succeeded", 0) + len(uncounted(job, "succeeded")) + len(found.new_succeeded)
        return Facts(succeeded, failed, frozenset(), frozenset())
    completions = completions_of(job) or 0
    done = indexes.parse(status.get("completedIndexes", ""), completions)
    done |= {index for pod in found.new_succeeded if (index := indexes.index_of(pod)) is not None}
    lost = indexes.parse(status.get("failedIndexes", ""), completions) | _failed_indexes(job, found)
    return Facts(len(done), failed, frozenset(done), frozenset(lost - done))


def _failed_indexes(job: Object, found: JobPods) -> set[int]:
    """Indexes that failed too often, or that the policy gives up (KEP-3850)."""
    limit = job["spec"].get("backoffLimitPerIndex")
    if limit is None:
        return set()
    lost = set()
    for pod in found.failed:
        match = policies.judge(job, pod)
        if match.action == "FailIndex" or (match.action == "Count" and indexes.failures_before(pod) + 1 > limit):
            lost.add(indexes.index_of(pod) or 0)
    return lost


def index_failures(found: JobPods, index: int, job: Object) -> int:
    """How often an index has failed so far."""
    counts = [
        indexes.failures_before(pod) + (policies.judge(job, pod).action != "Ignore")
        for pod in found.failed
        if indexes.index_of(pod) == index
    ]
    return max(counts, default=0)


def end_of(job: Object, found: JobPods, facts: Facts, now: float) -> End | None:
    """Whether the job is over, and how; None while it goes on."""
    status = job.get("status") or {}
    for final, interim in INTERIM.items():
        decided = conditions.find(status.get("conditions"), interim)
        if decided is not None and decided.get("status") == "True":
            return End(final, decided.get("reason", ""), decided.get("message", ""))
    return _failure(job, found, facts, now) or _success(job, found, facts)


def _failure(job: Object, found: JobPods, facts: Facts, now: float) -> End | None:
    spec = job["spec"]
    for pod in found.new_failed:
        match = policies.judge(job, pod)
        if match.action == "FailJob":
            return End("Failed", "PodFailurePolicy", match.message)
    if facts.failed > spec.get("backoffLimit", 6) or _restarted_too_often(job, found):
        return End("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    left = deadline_in(job, now)
    if left is not None and left <= 0:
        return End("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
    most = spec.get("maxFailedIndexes")
    if most is not None and len(facts.failed_indexes) > most:
        message = "Job has exceeded the specified maximal number of failed indexes"
        return End("Failed", "MaxFailedIndexesExceeded", message)
    if facts.failed_indexes and len(facts.failed_indexes | facts.succeeded_indexes) >= (completions_of(job) or 0):
        return End("Failed", "FailedIndexes", "Job has failed indexes")
    return None


def _restarted_too_often(job: Object, found: JobPods) -> bool:
    """With restartPolicy OnFailure the kubelet restarts containers: their restarts count as failures."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = 0
    for pod in found.active:
        if pods.phase(pod) in ("Running", "Pending"):
            status = pod["status"]
            statuses = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
            restarts += sum(s.get("restartCount", 0) for s in statuses)
    limit = job["spec"].get("backoffLimit", 6)
    return restarts > 0 if limit == 0 else restarts >= limit


def deadline_in(job: Object, now: float) -> float | None:
    """Seconds until activeDeadlineSeconds have passed; None where that is not asked for or the job stands still."""
    deadline, start = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if deadline is None or start is None or is_suspended(job):
        return None
    return parse_rfc3339(start) + deadline - now


def _success(job: Object, found: JobPods, facts: Facts) -> End | None:
    completions = completions_of(job)
    if is_indexed(job) and (why := policies.succeeded_early(job, set(facts.succeeded_indexes), completions or 0)):
        return End("Complete", "SuccessPolicy", why)
    if completions is None:
        # A work queue: one success means that there is no more work; the others finish by themselves.
        complete = facts.succeeded > 0 and not found.active
    else:
        complete = facts.succeeded >= completions
    if not complete:
        return None
    return End("Complete", "CompletionsReached", "Reached expected number of succeeded pods")


def wanted_active(job: Object, found: JobPods, facts: Facts) -> int:
    """How many pods should be running now."""
    if is_suspended(job):
        return 0
    parallelism = job["spec"].get("parallelism", 1)
    completions = completions_of(job)
    if completions is None:
        return min(len(found.active), parallelism) if facts.succeeded > 0 else parallelism
    left = completions - facts.succeeded - len(facts.failed_indexes)
    return max(0, min(parallelism, left))


def to_create(job: Object, found: JobPods, facts: Facts) -> int:
    """How many pods to start; those that are terminating hold their places where only failed ones are replaced."""
    present = len(found.active) + (found.terminating if replaces_only_failed(job) else 0)
    return max(0, wanted_active(job, found, facts) - present)


def pending_indexes(job: Object, found: JobPods, facts: Facts, count: int) -> list[int]:
    """The lowest indexes without a pod that were neither done nor given up."""
    taken = {indexes.index_of(pod) for pod in found.active} | facts.succeeded_indexes | facts.failed_indexes
    result: list[int] = []
    for index in range(completions_of(job) or 0):
        if len(result) == count:
            break
        if index not in taken:
            result.append(index)
    return result
