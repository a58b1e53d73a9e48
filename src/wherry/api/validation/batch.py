"""Jobs and cron jobs. Source: pkg/apis/batch/validation."""

from __future__ import annotations

from wherry.api import label_selector
from wherry.api.semantic import same
from wherry.api.types import Object
from wherry.api.validation import cron, labels
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice, immutable, non_negative
from wherry.api.validation.job_policies import failed_indexes, failure_policy, managed_by, success_policy
from wherry.api.validation.podspec import template
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_COUNTS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
    "backoffLimitPerIndex", "maxFailedIndexes",
)  # fmt: skip
_UID_LABEL = "batch.kubernetes.io/controller-uid"
_MAX_INDEXED_PODS = 100_000
_MUTABLE_IN_PODS = ("nodeSelector", "tolerations", "schedulingGates", "affinity")


def job(errors: Errors, obj: Object) -> None:
    spec, metadata = obj.get("spec") or {}, obj.get("metadata") or {}
    if not spec.get("manualSelector"):
        _generated(errors, spec, metadata)
    _job_spec(errors, spec, "spec")
    _selector(errors, spec)
    if spec.get("completionMode") == "Indexed" and spec.get("completions") and metadata.get("name"):
        _pod_names(errors, metadata["name"], spec["completions"])


def _generated(errors: Errors, spec: Object, metadata: Object) -> None:
    selector = spec.get("selector")
    if selector is None:
        return
    uid = metadata.get("uid")
    if not uid:
        errors.required("metadata.uid")
        return
    own = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    expected = {_UID_LABEL: uid, "batch.kubernetes.io/job-name": metadata.get("name") or ""}
    for key, value in expected.items():
        path = f"spec.template.metadata.labels[{key}]"
        if key not in own:
            errors.required(path, f"must be '{value}'")
        elif own[key] != value:
            errors.invalid(path, own[key], f"must be '{value}'")
    expected |= {"controller-uid": uid, "job-name": metadata.get("name") or ""}
    if not label_selector.matches(selector, expected):
        errors.invalid("spec.selector", selector, "`selector` not auto-generated")


def _selector(errors: Errors, spec: Object) -> None:
    selector = spec.get("selector")
    if selector is None:
        errors.required("spec.selector")
        return
    labels.selector(errors, selector, "spec.selector")
    own = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not label_selector.matches(selector, own):
        errors.invalid("spec.template.metadata.labels", own, "`selector` does not match template `labels`")


def _pod_names(errors: Errors, name: str, completions: int) -> None:
    """Pods of an indexed job are called after it, and are host names."""
    last = f"{name}-{completions - 1}"
    for message in names.dns1123_label(last):
        text = f"will not able to create pod with invalid DNS label: {last}: {message}"
        errors.invalid("metadata.name", name, text)


def _job_spec(errors: Errors, spec: Object, path: str) -> None:
    non_negative(errors, spec, path, *_COUNTS)
    mode = spec.get("completionMode")
    if mode is not None and mode not in ("Indexed", "NonIndexed"):
        errors.not_supported(f"{path}.completionMode", mode, ("Indexed", "NonIndexed"))
    if mode == "Indexed":
        _indexed(errors, spec, path)
    elif spec.get("backoffLimitPerIndex") is not None:
        errors.required(f"{path}.completionMode", "when backoffLimitPerIndex is specified")
    found = spec.get("template") or {}
    template(errors, found, f"{path}.template")
    _restart_policy(errors, spec, (found.get("spec") or {}).get("restartPolicy") or "", f"{path}.template.spec")
    if spec.get("podFailurePolicy") is not None:
        failure_policy(errors, spec, f"{path}.podFailurePolicy")
    replacement = spec.get("podReplacementPolicy")
    if replacement and replacement not in ("Failed", "TerminatingOrFailed"):
        errors.not_supported(f"{path}.podReplacementPolicy", replacement, ("Failed", "TerminatingOrFailed"))
    if spec.get("successPolicy") is not None:
        success_policy(errors, spec, f"{path}.successPolicy")
    if (manager := spec.get("managedBy")) is not None:
        managed_by(errors, manager, f"{path}.managedBy")


def _restart_policy(errors: Errors, spec: Object, policy: str, path: str) -> None:
    where = f"{path}.restartPolicy"
    if policy == "Always":
        errors.required(where, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        errors.not_supported(where, policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        errors.invalid(where, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _indexed(errors: Errors, spec: Object, path: str) -> None:
    if spec.get("completions") is None:
        errors.required(f"{path}.completions", "when completion mode is Indexed")
    parallelism = spec.get("parallelism") or 0
    if parallelism > _MAX_INDEXED_PODS:
        text = f"must be less than or equal to {_MAX_INDEXED_PODS} when completion mode is Indexed"
        errors.invalid(f"{path}.parallelism", parallelism, text)
    failed_indexes(errors, spec, path)


def update_job(errors: Errors, new: Object, old: Object) -> None:
    job(errors, new)
    after, before = new.get("spec") or {}, old.get("spec") or {}
    _completions(errors, after, before)
    immutable(errors, after.get("selector"), before.get("selector"), "spec.selector")
    _template(errors, after, before, old.get("status") or {})
    for key in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        immutable(errors, after.get(key), before.get(key), f"spec.{key}")


def _completions(errors: Errors, after: Object, before: Object) -> None:
    """An indexed job is stretched by changing both numbers together (KEP-3715)."""
    new, old, path = after.get("completions"), before.get("completions"), "spec.completions"
    if new == old:
        return
    if before.get("completionMode") != "Indexed" or old is None or new is None:
        immutable(errors, new, old, path)
    elif new != after.get("parallelism") or old != before.get("parallelism"):
        errors.invalid(path, new, "can only be modified in tandem with spec.parallelism")


def _template(errors: Errors, after: Object, before: Object, status: Object) -> None:
    new, old = after.get("template") or {}, before.get("template") or {}
    if same(new, old):
        return
    if before.get("suspend") and not status.get("startTime"):
        # A suspended job that never ran may still be told where to run (KEP-2926).
        new = {**new, "metadata": old.get("metadata"), "spec": dict(new.get("spec") or {})}
        for key in _MUTABLE_IN_PODS:
            new["spec"][key] = (old.get("spec") or {}).get(key)
    if not same(new, old):
        errors.invalid("spec.template", after.get("template"), "field is immutable")


def job_status(errors: Errors, new: Object, old: Object) -> None:
    status, before = new.get("status") or {}, old.get("status") or {}
    non_negative(errors, status, "status", "active", "succeeded", "failed", "ready", "terminating")
    kinds = {c.get("type") for c in status.get("conditions") or () if c.get("status") == "True"}
    if {"Complete", "Failed"} <= kinds:
        errors.invalid("status.conditions", status["conditions"], "cannot set both Complete=True and Failed=True")
    if before.get("startTime") and before.get("completionTime") and status.get("completionTime") is None:
        errors.required("status.completionTime", "completionTime cannot be removed")


def cron_job(errors: Errors, obj: Object) -> None:
    name = (obj.get("metadata") or {}).get("name") or ""
    # Names of its jobs get eleven characters more.
    if len(name) > 52:
        errors.invalid("metadata.name", name, "must be no more than 52 characters")
    update_cron_job(errors, obj, obj)


def update_cron_job(errors: Errors, new: Object, old: Object) -> None:
    spec = new.get("spec") or {}
    _schedule(errors, spec.get("schedule") or "", spec.get("timeZone"))
    non_negative(errors, spec, "spec", "startingDeadlineSeconds")
    choice(errors, spec.get("concurrencyPolicy"), "spec.concurrencyPolicy", ("Allow", "Forbid", "Replace"))
    _job_template(errors, (spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")
    non_negative(errors, spec, "spec", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")


def _schedule(errors: Errors, schedule: str, zone: str | None) -> None:
    if not schedule:
        errors.required("spec.schedule")
    elif wrong := cron.problem(schedule):
        errors.invalid("spec.schedule", schedule, wrong)
    if "TZ" in schedule:
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.invalid("spec.schedule", schedule, text)
    if zone is not None and (wrong := _zone_problem(zone)):
        errors.invalid("spec.timeZone", zone, wrong)


def _zone_problem(zone: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if not zone:
        return "timeZone must be nil or non-empty string"
    if zone.lower() == "local":
        return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"unknown time zone {zone}"
    return ""


def _job_template(errors: Errors, spec: Object, path: str) -> None:
    _job_spec(errors, spec, path)
    if spec.get("selector") is not None:
        errors.invalid(f"{path}.selector", spec["selector"], "`selector` will be auto-generated")
    if spec.get("manualSelector"):
        errors.not_supported(f"{path}.manualSelector", True, ("nil", "false"))


JOBS = Rules(create=job, update=update_job, status=job_status)
CRON_JOBS = Rules(create=cron_job, update=update_cron_job)
