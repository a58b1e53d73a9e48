"""A job's pods, sorted by what they mean for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.controllers import conditions, pods
from wherry.controllers.job import indexes, policies

FINALIZER = "batch.kubernetes.io/job-tracking"


def completions_of(job: Object) -> int | None:
    return job["spec"].get("completions")


def is_indexed(job: Object) -> bool:
    return job["spec"].get("completionMode") == "Indexed"


def replaces_only_failed(job: Object) -> bool:
    """Whether a pod that is still terminating holds its place."""
    default = "Failed" if job["spec"].get("podFailurePolicy") else "TerminatingOrFailed"
    return job["spec"].get("podReplacementPolicy", default) == "Failed"


def has_failed(job: Object, pod: Object) -> bool:
    """Also a pod that is being deleted: it may never come to say that it failed."""
    if pods.phase(pod) == "Failed":
        return True
    return not replaces_only_failed(job) and pods.is_terminating(pod) and pods.phase(pod) != "Succeeded"


@dataclass(slots=True)
class JobPods:
    """`new_*`: finished and never counted before; `ignored`: of the failed ones, those that the policy lets pass."""

    active: list[Object] = field(default_factory=list)
    terminating: int = 0
    ready: int = 0
    new_succeeded: list[Object] = field(default_factory=list)
    new_failed: list[Object] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    tracked: list[Object] = field(default_factory=list)
    """Pods that still carry the finalizer, whatever their state."""
    going: list[Object] = field(default_factory=list)
    """Tracked pods that have not ended and were not counted: failures, should the job fail now."""
    failed: list[Object] = field(default_factory=list)
    """All failed pods that are still there, counted or not."""

    @property
    def counted_failures(self) -> list[Object]:
        return [pod for pod in self.new_failed if pod["metadata"]["uid"] not in self.ignored]


def uncounted(job: Object, what: str) -> list[str]:
    """Uids of pods that are in the status, but not yet in its counters."""
    return ((job.get("status") or {}).get("uncountedTerminatedPods") or {}).get(what) or []


def classify(job: Object, found: Iterable[Object], untracked: Collection[str]) -> JobPods:
    """`untracked`: uids whose finalizer was removed, though the informer may not show it yet."""
    result = JobPods()
    known = {*uncounted(job, "succeeded"), *uncounted(job, "failed")}
    completions = completions_of(job)
    for pod in found:
        uid = pod["metadata"]["uid"]
        tracked = FINALIZER in (pod["metadata"].get("finalizers") or ()) and uid not in untracked
        if tracked:
            result.tracked.append(pod)
        if pods.is_active(pod):
            result.active.append(pod)
            result.ready += pods.is_ready(pod)
        elif pods.is_terminating(pod) and not pods.is_finished(pod):
            result.terminating += 1
        index = indexes.index_of(pod)
        if is_indexed(job) and (index is None or completions is None or index >= completions):
            continue
        failed = has_failed(job, pod)
        if failed:
            result.failed.append(pod)
        if not tracked or uid in known:
            continue
        if pods.phase(pod) == "Succeeded":
            result.new_succeeded.append(pod)
        elif failed:
            result.new_failed.append(pod)
            if policies.judge(job, pod).action == "Ignore":
                result.ignored.add(uid)
        else:
            result.going.append(pod)
    return result


def finished_at(pod: Object, now: float) -> float:
    """When the pod ended, as well as it can be told."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    ends = [(s.get("state") or {}).get("terminated", {}).get("finishedAt") for s in statuses]
    known = [parse_rfc3339(end) for end in ends if end]
    if known:
        return max(known)
    if deleted := pod["metadata"].get("deletionTimestamp"):
        return min(now, parse_rfc3339(deleted))
    ready = conditions.find((pod.get("status") or {}).get("conditions"), "Ready") or {}
    changed = ready.get("lastTransitionTime") if ready.get("status") == "False" else None
    return parse_rfc3339(changed or pod["metadata"]["creationTimestamp"])


def duplicates(active: Iterable[Object], completions: int) -> list[Object]:
    """Of an indexed job: active pods whose index another one has, or that have none."""
    surplus, seen = [], set()
    for pod in sorted(active, key=lambda p: (not pods.is_ready(p), p["metadata"].get("creationTimestamp", ""))):
        index = indexes.index_of(pod)
        if index is None or index >= completions or index in seen:
            surplus.append(pod)
        else:
            seen.add(index)
    return surplus
