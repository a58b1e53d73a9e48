"""Rows of jobs and cron jobs. Source: `printJob`, `printCronJob`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.api.label_selector import shown
from wherry.api.tables import ages
from wherry.api.tables.columns import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    NONE,
    SELECTOR,
    Cells,
    Table,
    age,
    column,
    containers_and_images,
    name,
    part,
    truth,
)
from wherry.api.types import Object

_ENDS = ("Complete", "Failed")
_LATER = ("Suspended", "SuccessCriteriaMet", "FailureTarget")


def _job(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    return [
        name(obj),
        _job_status(obj, status),
        _completions(spec, status),
        _duration(status, now),
        age(obj, now),
        *containers_and_images(part(spec, "template", "spec")),
        shown(spec.get("selector")),
    ]


def _job_status(obj: Object, status: Mapping[str, Any]) -> str:
    true = {c.get("type") for c in status.get("conditions") or () if c.get("status") == "True"}
    for kind in _ENDS:
        if kind in true:
            return kind
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return next((kind for kind in _LATER if kind in true), "Running")


def _completions(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    done, wanted, parallel = status.get("succeeded") or 0, spec.get("completions"), spec.get("parallelism") or 0
    if wanted is not None:
        return f"{done}/{wanted}"
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _duration(status: Mapping[str, Any], now: float) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    return ages.between(start, end) if end else ages.since(start, now)


def _cron_job(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    job = part(spec, "jobTemplate", "spec")
    last = status.get("lastScheduleTime")
    return [
        name(obj),
        spec.get("schedule") or "",
        spec.get("timeZone") or NONE,
        truth(spec.get("suspend")),
        len(status.get("active") or ()),
        ages.since(last, now) if last else NONE,
        age(obj, now),
        *containers_and_images(part(job, "template", "spec")),
        shown(job.get("selector")),
    ]


JOBS = Table(
    (
        NAME,
        column("Status", about="How the job is getting on."),
        column("Completions", about="Pods that succeeded, of all that should."),
        column("Duration", about="How long the job has run, or ran."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
    _job,
)
CRON_JOBS = Table(
    (
        NAME,
        column("Schedule", about="When jobs are started, in cron's notation."),
        column("Timezone", about="The time zone of the schedule."),
        column("Suspend", "boolean", about="Whether no more jobs are started."),
        column("Active", "integer", about="Jobs that are running."),
        column("Last Schedule", about="How long ago a job was last started."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
    _cron_job,
)
