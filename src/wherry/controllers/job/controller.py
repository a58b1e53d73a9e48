"""The job loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wherry.api.errors import NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.informer import Key, key_of
from wherry.controllers import conditions, owners, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.expectations import Expectations
from wherry.controllers.job import pod_template, tracking, verdict
from wherry.controllers.job.backoff import Failures, index_wait
from wherry.controllers.job.orphans import Orphans
from wherry.controllers.job.pods_of import FINALIZER, JobPods, classify, completions_of, duplicates, is_indexed
from wherry.controllers.job.verdict import INTERIM, End, Facts
from wherry.controllers.pod_control import PodControl, all_at_once, namespace_terminating, slow_start
from wherry.controllers.pod_events import PodEvents
from wherry.controllers.selection import by_selector

RESOURCE = lookup("jobs.batch")
MANAGER = "kubernetes.io/job-controller"
BURST = 500
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


class Counts(NamedTuple):
    """The pods that have not ended, as the status tells of them."""

    active: int
    ready: int
    terminating: int

    def without(self, deleted: Sequence[Object]) -> Counts:
        """When some active pods have been asked to go."""
        ready = sum(map(pods.is_ready, deleted))
        return Counts(self.active - len(deleted), self.ready - ready, self.terminating + len(deleted))


class JobController:
    """A component; see the package."""

    name = "job"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("job-controller")
        self._control = PodControl(context.client, self._recorder)
        self._jobs = context.informers.informer(RESOURCE)
        self._pods = context.informers.informer("pods")
        self._pods.add_index("job", _job_index)
        self._expectations = Expectations(context.clock)
        self._failures: dict[str, Failures] = {}
        self._untracked: set[str] = set()
        self._written: dict[Key, int] = {}
        self._random = random.Random()
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._jobs, self._pods),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self.loop.follow(self._jobs)
        self._jobs.add_handler(on_delete=self._job_gone)
        self._events = PodEvents(
            kind=RESOURCE.kind,
            workloads=self._jobs,
            pods=self._pods,
            matches=lambda job, labels: by_selector(job["spec"].get("selector"))(labels),
            queue=self.loop.queue,
            expectations=self._expectations,
        )
        self._orphans = Orphans(context, self._pods)
        self._pods.add_handler(self._tracked_seen, lambda old, new: self._tracked_seen(new), self._tracked_gone)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.loop.run())
            group.create_task(self._orphans.run())

    def _job_gone(self, job: Object) -> None:
        self._failures.pop(job["metadata"]["uid"], None)

    def _tracked_seen(self, pod: Object) -> None:
        """Pods of jobs that are gone must lose the finalizer, or they would stay for ever."""
        if FINALIZER not in (pod["metadata"].get("finalizers") or ()):
            self._untracked.discard(pod["metadata"]["uid"])
        elif owners.controller_of(pod) is None:
            self._orphans.loop.enqueue(pod)
        elif self._events.owner(pod) is None:
            for key in _job_index(pod):
                namespace, _, name = key.partition("/")
                self.loop.queue.add((namespace, name))

    def _tracked_gone(self, pod: Object) -> None:
        self._untracked.discard(pod["metadata"]["uid"])

    async def _reconcile(self, key: Key) -> None:
        job = self._jobs.get(*key)
        mine = self._pods.by_index("job", "/".join(key))
        uid = job["metadata"]["uid"] if job else ""
        await self._release(pod for pod in mine if (owners.controller_of(pod) or {}).get("uid") != uid)
        if job is None:
            self._expectations.forget(key)
            self._written.pop(key, None)
            return
        if job["spec"].get("managedBy", MANAGER) != MANAGER or self._is_stale(key, job):
            return
        if job["metadata"].get("deletionTimestamp") or verdict.is_finished(job):
            await self._release(mine)
            self._failures.pop(uid, None)
            return
        await self._step(key, job, await self._claim(job))

    def _is_stale(self, key: Key, job: Object) -> bool:
        """Whether the informer is behind our own last write: counting again from it would count twice."""
        return int(job["metadata"]["resourceVersion"]) < self._written.get(key, 0)

    async def _claim(self, job: Object) -> list[Object]:
        selector = job["spec"].get("selector") or {}
        claim = owners.Claim(
            client=self._client,
            owner=job,
            owner_resource=RESOURCE,
            resource=lookup("pods"),
            matches=by_selector(job["spec"].get("selector")),
            finalizer=FINALIZER,
        )
        return await claim.all(owners.candidates(self._pods, job, selector.get("matchLabels")))

    async def _step(self, key: Key, job: Object, mine: Sequence[Object]) -> None:
        now = self._clock.now()
        found = classify(job, mine, self._untracked)
        failures = self._failures.setdefault(job["metadata"]["uid"], Failures())
        failures.note(found, now)
        job = self._with_start(job, now)
        facts = verdict.gather(job, found)
        end = verdict.end_of(job, found, facts, now)
        failure: Exception | None = None
        counts = Counts(len(found.active), found.ready, found.terminating)
        if self._expectations.satisfied(key):
            counts, failure = await self._manage(key, job, found, facts, end)
        over = end is not None and counts.active == 0 and counts.terminating == 0
        await self._track(key, job, found, facts, end, counts=counts, over=over)
        if failure is not None:
            raise failure
        left = verdict.deadline_in(job, now)
        if left is not None and left > 0 and end is None:
            self.loop.queue.add_after(key, left)

    def _with_start(self, job: Object, now: float) -> Object:
        """The job with start time and Suspended condition as they should be."""
        status = dict(job.get("status") or {})
        found = status.get("conditions") or []
        suspended, was = verdict.is_suspended(job), conditions.is_true(found, "Suspended")
        stamp = rfc3339(now)
        if suspended and not was:
            new = _condition("Suspended", "JobSuspended", "Job suspended", stamp)
            status["conditions"] = [*conditions.without(found, "Suspended"), new]
            self._recorder.event(job, "Normal", "Suspended", "Job suspended")
        elif not suspended and was:
            new = {**_condition("Suspended", "JobResumed", "Job resumed", stamp), "status": "False"}
            status["conditions"] = [*conditions.without(found, "Suspended"), new]
            status["startTime"] = stamp
            self._recorder.event(job, "Normal", "Resumed", "Job resumed")
        if not suspended and not status.get("startTime"):
            status["startTime"] = stamp
        return {**job, "status": status}

    async def _manage(
        self, key: Key, job: Object, found: JobPods, facts: Facts, end: End | None
    ) -> tuple[Counts, Exception | None]:
        """Start and delete pods; gives how many there are then."""
        counts = Counts(len(found.active), found.ready, found.terminating)
        surplus = self._surplus(job, found, facts, end)
        if surplus:
            self._expectations.expect_deletions(key, [pod["metadata"]["uid"] for pod in surplus])
            failure = await all_at_once(surplus, lambda pod: self._delete(key, job, pod))
            return counts.without(surplus), failure
        count = 0 if end is not None else min(verdict.to_create(job, found, facts), BURST)
        wait = self._failures.get(job["metadata"]["uid"], Failures()).wait(self._clock.now())
        if job["spec"].get("backoffLimitPerIndex") is None and count and wait > 0:
            self.loop.queue.add_after(key, wait)
            return counts, None
        made, failure = await self._create(key, job, found, facts, count)
        return counts._replace(active=counts.active + made), failure

    def _surplus(self, job: Object, found: JobPods, facts: Facts, end: End | None) -> list[Object]:
        """The active pods that must go."""
        if end is not None or verdict.is_suspended(job):
            return found.active
        twice = duplicates(found.active, completions_of(job) or 0) if is_indexed(job) else []
        extra = len(found.active) - len(twice) - verdict.wanted_active(job, found, facts)
        if extra <= 0:
            return twice
        kept = [pod for pod in found.active if pod not in twice]
        return twice + pods.deletion_order(kept, now=self._clock.now())[:extra]

    async def _delete(self, key: Key, job: Object, pod: Object) -> None:
        try:
            await self._control.delete(job, pod)
        except NotFound:
            self._expectations.deletion_seen(key, pod["metadata"]["uid"])
        except (StatusError, ConnectionError, TimeoutError):
            self._expectations.deletion_seen(key, pod["metadata"]["uid"])
            raise

    async def _create(
        self, key: Key, job: Object, found: JobPods, facts: Facts, count: int
    ) -> tuple[int, Exception | None]:
        bodies = self._indexed(key, job, found, facts, count) if is_indexed(job) else self._plain(job, count)
        if not bodies:
            return 0, None
        self._expectations.expect_creations(key, len(bodies))

        async def create(i: int) -> None:
            try:
                await self._control.create(job, bodies[i])
            except (StatusError, ConnectionError, TimeoutError) as error:
                if not namespace_terminating(error):
                    raise

        succeeded, failure = await slow_start(len(bodies), create)
        self._expectations.creation_seen(key, len(bodies) - succeeded)
        return succeeded, failure

    def _plain(self, job: Object, count: int) -> list[Object]:
        return [pod_template.make(job, owners.controller_reference(job, RESOURCE))] * count

    def _indexed(self, key: Key, job: Object, found: JobPods, facts: Facts, count: int) -> list[Object]:
        reference, now = owners.controller_reference(job, RESOURCE), self._clock.now()
        bodies: list[Object] = []
        per_index = job["spec"].get("backoffLimitPerIndex") is not None
        for index in verdict.pending_indexes(job, found, facts, completions_of(job) or 0 if per_index else count):
            if len(bodies) == count:
                break
            wait = index_wait(found.failed, index, now) if per_index else 0.0
            if wait > 0:
                self.loop.queue.add_after(key, wait)
                continue
            suffix = "".join(self._random.choices(_SUFFIX, k=5))
            failures = verdict.index_failures(found, index, job) if per_index else 0
            bodies.append(pod_template.make(job, reference, index=index, suffix=suffix, failures=failures))
        return bodies

    async def _track(
        self, key: Key, job: Object, found: JobPods, facts: Facts, end: End | None, *, counts: Counts, over: bool
    ) -> None:
        """Write down what was reached: see `tracking` for the order of the writes."""
        held = tracking.held_back(job, found, facts) if end is None else ()
        status = tracking.noted(job, found, facts, end, held)
        status |= counts._asdict()
        stamp = rfc3339(self._clock.now())
        if end is not None and not conditions.find(status.get("conditions"), INTERIM[end.type]):
            interim = _condition(INTERIM[end.type], end.reason, end.message, stamp)
            status["conditions"] = [*(status.get("conditions") or ()), interim]
        release = tracking.to_release(job, found, end, held)
        if release or status["uncountedTerminatedPods"]:
            job = await self._write(key, job, status)
            await self._release(release)
            tracked = {pod["metadata"]["uid"] for pod in found.tracked} - self._untracked
            status = tracking.counted(status, tracked)
        if end is not None and over and not status["uncountedTerminatedPods"]:
            status["conditions"] = [
                *status["conditions"],
                _condition(end.type, end.reason, end.message, stamp),
            ]
            if end.type == "Complete":
                status["completionTime"] = stamp
        await self._write(key, job, status)
        if end is not None and "completionTime" in status:
            self._recorder.event(job, "Normal", "Completed", "Job completed")
        elif end is not None and conditions.is_true(status["conditions"], "Failed"):
            self._recorder.event(job, "Warning", end.reason, end.message)

    async def _write(self, key: Key, job: Object, status: Object) -> Object:
        status = {k: v for k, v in status.items() if v or k not in _OMITTED_WHEN_EMPTY}
        stored = self._jobs.get(*key)
        if stored is not None and _same_version(stored, job) and status == stored.get("status"):
            return job
        written = await self._client.update(RESOURCE, {**job, "status": status}, subresource="status")
        self._written[key] = int(written["metadata"]["resourceVersion"])
        return written

    async def _release(self, found: Iterable[Object]) -> None:
        """Take the finalizer off pods."""
        tracked = [
            pod
            for pod in found
            if FINALIZER in (pod["metadata"].get("finalizers") or ()) and pod["metadata"]["uid"] not in self._untracked
        ]
        if failure := await all_at_once(tracked, self._release_one):
            raise failure

    async def _release_one(self, pod: Object) -> None:
        metadata = pod["metadata"]
        patch = {"metadata": {"uid": metadata["uid"], "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
        self._untracked.add(metadata["uid"])
        try:
            await self._client.patch("pods", metadata["name"], patch, namespace=metadata["namespace"], type="strategic")
        except NotFound:
            return
        except BaseException:
            self._untracked.discard(metadata["uid"])
            raise


_OMITTED_WHEN_EMPTY = frozenset(("active", "succeeded", "failed", "completedIndexes", "failedIndexes"))


def _job_index(pod: Object) -> list[str]:
    """Index function: `namespace/name` of the controlling job."""
    reference = owners.controller_of(pod)
    if reference is None or reference["kind"] != "Job":
        return []
    return [f"{pod['metadata']['namespace']}/{reference['name']}"]


def _condition(type: str, reason: str, message: str, stamp: str) -> Object:
    return conditions.make(type, True, reason, message, now=stamp, lastProbeTime=stamp)


def _same_version(one: Object, other: Object) -> bool:
    return key_of(one) == key_of(other) and (one["metadata"]["resourceVersion"] == other["metadata"]["resourceVersion"])
