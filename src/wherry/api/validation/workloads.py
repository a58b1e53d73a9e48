"""Deployments, replica sets, daemon sets, replication controllers and pod templates.

Source: pkg/apis/apps/validation, `ValidateReplicationController`.
"""

from __future__ import annotations

from typing import Any

from wherry.api import label_selector
from wherry.api.types import Object
from wherry.api.validation import labels
from wherry.api.validation.errors import Errors, Plain
from wherry.api.validation.fields import (
    at_most_100_percent,
    immutable,
    int_or_percent,
    non_negative,
    percent_or_int,
)
from wherry.api.validation.podspec import template
from wherry.api.validation.rules import Rules

_NO_MATCH = "`selector` does not match template `labels`"


def selected_template(errors: Errors, spec: Object, kind: str, *, empty: str) -> None:
    """The selector, the template, and that one selects the other; `empty` names the kind in the text for no selector."""
    selector = spec.get("selector")
    if selector is None:
        errors.required("spec.selector")
        _no_match(errors, spec)  # none selects nothing
    else:
        labels.selector(errors, selector, "spec.selector")
        if label_selector.is_empty(selector):
            errors.invalid("spec.selector", selector, f"empty selector is invalid for {empty}")
        else:
            _matches(errors, selector, spec)
    found = spec.get("template") or {}
    template(errors, found, "spec.template")
    always_running(errors, found.get("spec") or {}, kind)


def _matches(errors: Errors, selector: Object, spec: Object) -> None:
    if not label_selector.matches(selector, _own_labels(spec)):
        _no_match(errors, spec)


def _own_labels(spec: Object) -> Object:
    found: Object = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    return found


def _no_match(errors: Errors, spec: Object) -> None:
    errors.invalid("spec.template.metadata.labels", _own_labels(spec), _NO_MATCH)


def always_running(errors: Errors, spec: Object, kind: str) -> None:
    """Pods of a workload that never ends."""
    policy = spec.get("restartPolicy")
    if policy != "Always":
        errors.not_supported("spec.template.spec.restartPolicy", policy, ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        errors.forbidden("spec.template.spec.activeDeadlineSeconds", text)


def deployment(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    non_negative(errors, spec, "spec", "replicas")
    selected_template(errors, spec, "ReplicaSet", empty="deployment")
    _strategy(errors, spec.get("strategy") or {})
    non_negative(errors, spec, "spec", "minReadySeconds", "revisionHistoryLimit")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        non_negative(errors, spec, "spec", "progressDeadlineSeconds")
        if deadline <= (spec.get("minReadySeconds") or 0):
            errors.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _strategy(errors: Errors, strategy: Object) -> None:
    kind, rolling, path = strategy.get("type"), strategy.get("rollingUpdate"), "spec.strategy.rollingUpdate"
    if kind == "Recreate":
        if rolling is not None:
            errors.forbidden(path, "may not be specified when strategy `type` is 'Recreate'")
    elif kind == "RollingUpdate":
        if rolling is None:
            errors.required(path, "this should be defaulted and never be nil")
        else:
            _rolling(errors, rolling, path)
    else:
        errors.not_supported("spec.strategy", strategy, ("Recreate", "RollingUpdate"))


def _rolling(errors: Errors, rolling: Object, path: str) -> None:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    int_or_percent(errors, unavailable, f"{path}.maxUnavailable")
    int_or_percent(errors, surge, f"{path}.maxSurge")
    if percent_or_int(unavailable) == 0 and percent_or_int(surge) == 0:
        errors.invalid(f"{path}.maxUnavailable", _plain(unavailable), "may not be 0 when `maxSurge` is 0")
    at_most_100_percent(errors, unavailable, f"{path}.maxUnavailable")


def _plain(value: Any) -> Any:
    return Plain(value) if isinstance(value, str) else value


def update_deployment(errors: Errors, new: Object, old: Object) -> None:
    deployment(errors, new)
    same_selector(errors, new, old)


def same_selector(errors: Errors, new: Object, old: Object) -> None:
    after, before = ((obj.get("spec") or {}).get("selector") for obj in (new, old))
    immutable(errors, after, before, "spec.selector")


_REPLICA_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def deployment_status(errors: Errors, new: Object, old: Object) -> None:
    status = new.get("status") or {}
    non_negative(
        errors, status, "status", "observedGeneration", *_REPLICA_COUNTS, "collisionCount", "terminatingReplicas"
    )
    _within(errors, status, "updatedReplicas", "readyReplicas", "availableReplicas")
    before = (old.get("status") or {}).get("collisionCount")
    if before is not None and (status.get("collisionCount") or -1) < before:
        errors.invalid("status.collisionCount", status.get("collisionCount"), "cannot be decremented")


def _within(errors: Errors, status: Object, *keys: str) -> None:
    """No part is larger than the whole."""
    total, ready = status.get("replicas") or 0, status.get("readyReplicas") or 0
    for key in keys:
        value = status.get(key) or 0
        if value > total:
            errors.invalid(f"status.{key}", value, "cannot be greater than status.replicas")
    available = status.get("availableReplicas") or 0
    if available > ready:
        errors.invalid("status.availableReplicas", available, "cannot be greater than readyReplicas")


def replica_set(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    non_negative(errors, spec, "spec", "replicas", "minReadySeconds")
    selected_template(errors, spec, "ReplicaSet", empty="deployment")


def update_replica_set(errors: Errors, new: Object, old: Object) -> None:
    replica_set(errors, new)
    same_selector(errors, new, old)


def replica_status(errors: Errors, new: Object, old: Object) -> None:
    """The status of replica sets and replication controllers."""
    status = new.get("status") or {}
    counts = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")
    non_negative(errors, status, "status", *counts, "terminatingReplicas")
    _within(errors, status, "fullyLabeledReplicas", "readyReplicas", "availableReplicas")


def daemon_set(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    selected_template(errors, spec, "DaemonSet", empty="daemonset")
    non_negative(errors, spec, "spec", "minReadySeconds")
    _daemon_strategy(errors, spec.get("updateStrategy") or {})
    non_negative(errors, spec, "spec", "revisionHistoryLimit")


def _daemon_strategy(errors: Errors, strategy: Object) -> None:
    kind, rolling, path = strategy.get("type"), strategy.get("rollingUpdate"), "spec.updateStrategy.rollingUpdate"
    if kind == "RollingUpdate":
        if rolling is None:
            errors.required(path)
        else:
            _daemon_rolling(errors, rolling, path)
    elif kind != "OnDelete":
        errors.not_supported("spec.updateStrategy", strategy, ("OnDelete", "RollingUpdate"))


def _daemon_rolling(errors: Errors, rolling: Object, path: str) -> None:
    for key in ("maxUnavailable", "maxSurge"):
        int_or_percent(errors, rolling.get(key), f"{path}.{key}")
        at_most_100_percent(errors, rolling.get(key), f"{path}.{key}")
    unavailable, surge = (percent_or_int(rolling.get(key)) for key in ("maxUnavailable", "maxSurge"))
    if unavailable and surge:
        errors.invalid(
            f"{path}.maxSurge", _plain(rolling["maxSurge"]), "may not be set when maxUnavailable is non-zero"
        )
    elif not unavailable and not surge:
        errors.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def update_daemon_set(errors: Errors, new: Object, old: Object) -> None:
    daemon_set(errors, new)
    same_selector(errors, new, old)


def daemon_status(errors: Errors, new: Object, old: Object) -> None:
    keys = (
        "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
        "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount",
    )  # fmt: skip
    non_negative(errors, new.get("status") or {}, "status", *keys)


def replication_controller(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    selector, found = spec.get("selector"), spec.get("template")
    non_negative(errors, spec, "spec", "minReadySeconds")
    if not selector:
        errors.required("spec.selector")
    non_negative(errors, spec, "spec", "replicas")
    if found is None:
        errors.required("spec.template")
        return
    if selector:
        _matches(errors, {"matchLabels": selector}, spec)
    template(errors, found, "spec.template")
    always_running(errors, found.get("spec") or {}, "ReplicationController")


def pod_template(errors: Errors, obj: Object) -> None:
    template(errors, obj.get("template") or {}, "template")


DEPLOYMENTS = Rules(create=deployment, update=update_deployment, status=deployment_status)
REPLICA_SETS = Rules(create=replica_set, update=update_replica_set, status=replica_status)
DAEMON_SETS = Rules(create=daemon_set, update=update_daemon_set, status=daemon_status)
REPLICATION_CONTROLLERS = Rules(create=replication_controller, status=replica_status)
POD_TEMPLATES = Rules(create=pod_template)
