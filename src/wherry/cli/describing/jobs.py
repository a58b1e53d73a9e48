"""Jobs and cron jobs."""

from __future__ import annotations

from typing import Any

from wherry.api.tables.ages import between
from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import head, labels_and_annotations, names
from wherry.cli.describing.podspec import template
from wherry.cli.describing.words import UNSET, controller_of, go, moment, or_none, or_unset, selector_text, truth
from wherry.cli.describing.writer import Writer

_MAX_INDEXES = 50


async def job(out: Writer, obj: Object, cluster: Cluster) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    names(out, obj)
    out.field("Selector", selector_text(spec["selector"]) if spec.get("selector") else UNSET)
    labels_and_annotations(out, obj)
    out.given("Controlled By", controller_of(obj))
    _settings(out, spec)
    _times(out, spec, status)
    active = f"{status.get('active', 0)} Active"
    if status.get("ready") is not None:
        active += f" ({status['ready']} Ready)"
    out.field("Pods Statuses", f"{active} / {status.get('succeeded', 0)} Succeeded / {status.get('failed', 0)} Failed")
    if spec.get("completionMode") == "Indexed":
        out.field("Completed Indexes", _indexes(status.get("completedIndexes", "")))
    template(out, spec["template"])
    events(out, await cluster.events_of(obj), cluster.now)


def _settings(out: Writer, spec: Object) -> None:
    out.field("Parallelism", or_unset(spec.get("parallelism")))
    out.field("Completions", or_unset(spec.get("completions")))
    out.given("Completion Mode", spec.get("completionMode"))
    if spec.get("suspend") is not None:
        out.field("Suspend", go(spec["suspend"]))
    if spec.get("backoffLimit") is not None:
        out.field("Backoff Limit", spec["backoffLimit"])
    if spec.get("ttlSecondsAfterFinished") is not None:
        out.field("TTL Seconds After Finished", spec["ttlSecondsAfterFinished"])


def _times(out: Writer, spec: Object, status: Object) -> None:
    started, completed = status.get("startTime"), status.get("completionTime")
    if started:
        out.field("Start Time", moment(started))
    if completed:
        out.field("Completed At", moment(completed))
    if started and completed:
        out.field("Duration", between(started, completed))
    if spec.get("activeDeadlineSeconds") is not None:
        out.field("Active Deadline Seconds", f"{spec['activeDeadlineSeconds']}s")


def _indexes(text: str) -> str:
    if len(text) <= _MAX_INDEXES:
        return or_none(text)
    return text[: text.rfind(",", 0, _MAX_INDEXES) + 1] + "..."


async def cron_job(out: Writer, obj: Object, cluster: Cluster) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    head(out, obj)
    out.field("Schedule", spec["schedule"])
    out.given("Time Zone", spec.get("timeZone"))
    out.field("Concurrency Policy", spec.get("concurrencyPolicy", ""))
    out.field("Suspend", truth(spec["suspend"]) if spec.get("suspend") is not None else UNSET)
    out.field("Successful Job History Limit", or_unset(spec.get("successfulJobsHistoryLimit")))
    out.field("Failed Job History Limit", or_unset(spec.get("failedJobsHistoryLimit")))
    deadline = spec.get("startingDeadlineSeconds")
    out.field("Starting Deadline Seconds", UNSET if deadline is None else f"{deadline}s")
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    _inner(out, inner)
    last: Any = status.get("lastScheduleTime")
    out.field("Last Schedule Time", moment(last) if last else UNSET)
    out.field("Active Jobs", or_none(", ".join(one.get("name", "") for one in status.get("active") or ())))
    events(out, await cluster.events_of(obj), cluster.now)


def _inner(out: Writer, spec: Object) -> None:
    out.given("Selector", selector_text(spec["selector"]) if spec.get("selector") else UNSET)
    out.field("Parallelism", or_unset(spec.get("parallelism")))
    out.field("Completions", or_unset(spec.get("completions")))
    if spec.get("activeDeadlineSeconds") is not None:
        out.field("Active Deadline Seconds", f"{spec['activeDeadlineSeconds']}s")
    template(out, spec.get("template") or {})
