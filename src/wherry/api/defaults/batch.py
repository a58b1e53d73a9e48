"""Defaults of jobs and cron jobs. Source: pkg/apis/batch/v1/defaults.go."""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.defaults.pods import template
from wherry.api.types import Object

_NO_LIMIT = 2**31 - 1


def job(obj: Object) -> None:
    spec = section(obj, "spec")
    # A job that names neither number runs one pod; naming only parallelism makes it a work queue.
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    if_absent(spec, "parallelism", 1)
    if_absent(spec, "backoffLimit", 6 if spec.get("backoffLimitPerIndex") is None else _NO_LIMIT)
    if_absent(spec, "completionMode", "NonIndexed")
    if_absent(spec, "suspend", False)
    if_absent(spec, "manualSelector", False)
    if_absent(spec, "podReplacementPolicy", "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed")
    _job_spec(spec)
    labels = spec["template"]["metadata"].get("labels")
    metadata = section(obj, "metadata")
    if labels and not metadata.get("labels"):
        # The same dict: what the strategy adds to the template's labels shows on the job too, as upstream.
        metadata["labels"] = labels


def _job_spec(spec: Object) -> None:
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if_zero(pattern, "status", "True")
    template(section(spec, "template"))


def cron_job(obj: Object) -> None:
    spec = section(obj, "spec")
    if_zero(spec, "concurrencyPolicy", "Allow")
    if_absent(spec, "suspend", False)
    if_absent(spec, "successfulJobsHistoryLimit", 3)
    if_absent(spec, "failedJobsHistoryLimit", 1)
    job_template = section(spec, "jobTemplate")
    section(job_template, "metadata")
    _job_spec(section(job_template, "spec"))
