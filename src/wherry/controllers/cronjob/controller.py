"""The cron job loop. Each cron job has one timer, at its next time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from wherry.api.errors import AlreadyExists, NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.informer import Key
from wherry.controllers import owners
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.cronjob import due
from wherry.controllers.cronjob.schedule import Schedule, parse
from wherry.controllers.pod_control import namespace_terminating

RESOURCE, JOBS = lookup("cronjobs.batch"), lookup("jobs.batch")
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobController:
    """A component; see the package."""

    name = "cronjob"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("cronjob-controller")
        self._cronjobs = context.informers.informer(RESOURCE)
        self._jobs = context.informers.informer(JOBS)
        self._jobs.add_index("controller", owners.controller_index)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._cronjobs, self._jobs),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self.loop.follow(self._cronjobs)
        self._jobs.add_handler(self._job_seen, lambda old, new: self._job_seen(new), self._job_seen)

    async def run(self) -> None:
        await self.loop.run()

    def _job_seen(self, job: Object) -> None:
        reference = owners.controller_of(job)
        if reference is not None and reference["kind"] == "CronJob":
            self.loop.queue.add((job["metadata"]["namespace"], reference["name"]))

    async def _reconcile(self, key: Key) -> None:
        cronjob = self._cronjobs.get(*key)
        if cronjob is None:
            return
        jobs = self._jobs.by_index("controller", cronjob["metadata"]["uid"])
        for job in due.surplus(cronjob, jobs):
            await self._delete(cronjob, job)
        cronjob = await self._note_jobs(cronjob, jobs)
        if cronjob["metadata"].get("deletionTimestamp") or cronjob["spec"].get("suspend"):
            return
        schedule = self._schedule(cronjob)
        if schedule is None:
            return
        await self._run_due(cronjob, schedule, jobs)
        now = self._clock.now()
        if (following := schedule.next(now)) is not None:
            self.loop.queue.add_after(key, following - now)

    def _schedule(self, cronjob: Object) -> Schedule | None:
        """The schedule; None, after an event, where it cannot be read: only a change of the object can help."""
        spec, zone = cronjob["spec"], _zone(cronjob["spec"].get("timeZone"))
        if zone is None:
            message = f'invalid timeZone: "{spec["timeZone"]}": unknown time zone {spec["timeZone"]}'
            self._recorder.event(cronjob, "Warning", "UnknownTimeZone", message)
            return None
        try:
            return parse(spec["schedule"], zone)
        except ValueError as error:
            message = f'unparseable schedule: "{spec["schedule"]}" : {error}'
            self._recorder.event(cronjob, "Warning", "UnparseableSchedule", message)
            return None

    async def _note_jobs(self, cronjob: Object, jobs: Sequence[Object]) -> Object:
        """Bring the list of active jobs and the time of the last success up to date."""
        status = dict(cronjob.get("status") or {})
        by_uid = {job["metadata"]["uid"]: job for job in jobs}
        active: list[Object] = []
        for entry in status.get("active") or ():
            job = by_uid.get(entry["uid"])
            if job is None:
                await self._check_missing(cronjob, entry, active)
            elif how := due.finish(job):
                message = f"Saw completed job: {entry['name']}, condition: {how}"
                self._recorder.event(cronjob, "Normal", "SawCompletedJob", message)
            else:
                active.append(entry)
        active += self._unlisted(cronjob, jobs)
        ended = [(job.get("status") or {}).get("completionTime", "") for job in jobs if due.finish(job) == "Complete"]
        last = max([status.get("lastSuccessfulTime", ""), *ended])
        status |= {"active": active, **({"lastSuccessfulTime": last} if last else {})}
        return await self._write_status(cronjob, status)

    def _unlisted(self, cronjob: Object, jobs: Sequence[Object]) -> list[Object]:
        """Running jobs that the list of active ones lacks: ours, where we died before we could write it down.

        Those that somebody else made in the cron job's name (`kubectl create job --from`) are only told of: they must
        not keep a scheduled one from starting.
        """
        known = {entry["uid"] for entry in (cronjob.get("status") or {}).get("active") or ()}
        found = [job for job in jobs if job["metadata"]["uid"] not in known and not due.finish(job)]
        ours = [job for job in found if SCHEDULED_AT in (job["metadata"].get("annotations") or {})]
        for job in found:
            if job not in ours:
                message = f"Saw a job that the controller did not create or forgot: {job['metadata']['name']}"
                self._recorder.event(cronjob, "Warning", "UnexpectedJob", message)
        return [due.reference(job) for job in ours]

    async def _check_missing(self, cronjob: Object, entry: Object, active: list[Object]) -> None:
        """A job that the informer does not show was just made, or is gone: ask the server."""
        try:
            job = await self._client.get(JOBS, entry["name"], namespace=cronjob["metadata"]["namespace"])
        except NotFound:
            message = f"Active job went missing: {entry['name']}"
            self._recorder.event(cronjob, "Normal", "MissingJob", message)
            return
        if job["metadata"]["uid"] == entry["uid"] and not due.finish(job):
            active.append(entry)

    async def _write_status(self, cronjob: Object, status: Object) -> Object:
        status = {name: value for name, value in status.items() if value}
        if status == (cronjob.get("status") or {}):
            return cronjob
        return await self._client.update(RESOURCE, {**cronjob, "status": status}, subresource="status")

    async def _run_due(self, cronjob: Object, schedule: Schedule, jobs: Sequence[Object]) -> None:
        now, spec = self._clock.now(), cronjob["spec"]
        found = due.find(cronjob, schedule, now)
        if found.missed > due.MANY:
            message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self._recorder.event(cronjob, "Warning", "TooManyMissedTimes", message)
        if found.at is None:
            return
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and found.at + deadline < now:
            message = f"Missed scheduled time to start a job: {_rfc1123z(found.at)}"
            self._recorder.event(cronjob, "Warning", "MissSchedule", message)
            return
        active = (cronjob.get("status") or {}).get("active") or []
        policy = spec.get("concurrencyPolicy", "Allow")
        if policy == "Forbid" and active:
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._recorder.event(cronjob, "Normal", "JobAlreadyActive", message)
            return
        if policy == "Replace":
            by_uid = {job["metadata"]["uid"]: job for job in jobs}
            for entry in active:
                if (job := by_uid.get(entry["uid"])) is not None:
                    await self._delete(cronjob, job)
            active = []
        await self._start(cronjob, found.at, active)

    async def _start(self, cronjob: Object, at: float, active: list[Object]) -> None:
        job = _job(cronjob, at)
        try:
            made = await self._client.create(JOBS, job)
        except AlreadyExists:
            made = await self._client.get(JOBS, job["metadata"]["name"], namespace=job["metadata"]["namespace"])
        except StatusError as error:
            if namespace_terminating(error):
                return
            self._recorder.event(cronjob, "Warning", "FailedCreate", f"Error creating job: {error}")
            raise
        else:
            self._recorder.event(cronjob, "Normal", "SuccessfulCreate", f"Created job {made['metadata']['name']}")
        mine = owners.is_controlled_by(made, cronjob) and not due.finish(made)
        entries = [entry for entry in active if entry["uid"] != made["metadata"]["uid"]]
        status = {**(cronjob.get("status") or {}), "lastScheduleTime": rfc3339(at)}
        status["active"] = [*entries, due.reference(made)] if mine else entries
        await self._write_status(cronjob, status)

    async def _delete(self, cronjob: Object, job: Object) -> None:
        metadata = job["metadata"]
        try:
            await self._client.delete(
                JOBS,
                metadata["name"],
                namespace=metadata["namespace"],
                propagation_policy="Background",
                uid=metadata["uid"],
            )
        except NotFound:
            return
        except StatusError as error:
            self._recorder.event(cronjob, "Warning", "FailedDelete", f"Deleted job: {error}")
            raise
        self._recorder.event(cronjob, "Normal", "SuccessfulDelete", f"Deleted job {metadata['name']}")


def _zone(name: str | None) -> tzinfo | None:
    """A time zone by name, UTC for none given; None where nobody knows it."""
    if not name:
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _rfc1123z(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


def _job(cronjob: Object, at: float) -> Object:
    """The job of one scheduled time: its name says which, so that it is never made twice."""
    template, metadata = cronjob["spec"]["jobTemplate"], cronjob["metadata"]
    given = template.get("metadata") or {}
    zone = _zone(cronjob["spec"].get("timeZone")) or UTC
    stamp = datetime.fromtimestamp(at, zone).isoformat().replace("+00:00", "Z")
    made: Object = {
        "name": f"{metadata['name']}-{int(at) // 60}",
        "namespace": metadata["namespace"],
        "annotations": {**(given.get("annotations") or {}), SCHEDULED_AT: stamp},
        "ownerReferences": [owners.controller_reference(cronjob, RESOURCE)],
    }
    for part in ("labels", "finalizers"):
        if given.get(part):
            made[part] = given[part].copy()
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": made, "spec": template["spec"]}
