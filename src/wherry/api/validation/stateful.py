"""Stateful sets and controller revisions. Source: `ValidateStatefulSet`, `ValidateControllerRevision`."""

from __future__ import annotations

from wherry.api.semantic import same
from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import (
    at_most_100_percent,
    immutable,
    int_or_percent,
    non_negative,
    percent_or_int,
)
from wherry.api.validation.rules import Rules
from wherry.api.validation.workloads import selected_template
from wherry.machinery import names

_MAY_CHANGE = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip
_LISTED = f"{', '.join(repr(key) for key in _MAY_CHANGE[:-1])} and '{_MAY_CHANGE[-1]}'"
_RETENTION = ("Retain", "Delete")


def stateful_set(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    policy = spec.get("podManagementPolicy")
    if not policy:
        errors.required("spec.podManagementPolicy")
    elif policy not in ("OrderedReady", "Parallel"):
        errors.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    _strategy(errors, spec.get("updateStrategy") or {})
    _retention(errors, spec.get("persistentVolumeClaimRetentionPolicy") or {})
    non_negative(errors, spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
    non_negative(errors, spec.get("ordinals") or {}, "spec.ordinals", "start")
    _with_claims(errors, spec)


def _with_claims(errors: Errors, spec: Object) -> None:
    """The template may mount what the claim templates will bring."""
    claims = [(claim.get("metadata") or {}).get("name") for claim in spec.get("volumeClaimTemplates") or ()]
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    present = {volume.get("name") for volume in pod.get("volumes") or ()}
    volumes = [
        *(volume for volume in pod.get("volumes") or () if volume.get("name") not in claims),
        *({"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims if name),
    ]
    if claims or present:
        template = {**template, "spec": {**pod, "volumes": volumes}}
    selected_template(errors, {**spec, "template": template}, "StatefulSet", empty="statefulset")


def _strategy(errors: Errors, strategy: Object) -> None:
    path, kind, rolling = "spec.updateStrategy", strategy.get("type"), strategy.get("rollingUpdate")
    if not kind:
        errors.required(path)
    elif kind == "OnDelete":
        if rolling is not None:
            errors.invalid(f"{path}.rollingUpdate", rolling, "only allowed for updateStrategy 'RollingUpdate'")
    elif kind == "RollingUpdate":
        _rolling(errors, rolling or {}, f"{path}.rollingUpdate")
    else:
        errors.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")


def _rolling(errors: Errors, rolling: Object, path: str) -> None:
    non_negative(errors, rolling, path, "partition")
    unavailable = rolling.get("maxUnavailable")
    if unavailable is not None:
        int_or_percent(errors, unavailable, f"{path}.maxUnavailable")
        if percent_or_int(unavailable) == 0:
            errors.invalid(f"{path}.maxUnavailable", unavailable, "cannot be 0")
        at_most_100_percent(errors, unavailable, f"{path}.maxUnavailable")


def _retention(errors: Errors, policy: Object) -> None:
    for key in ("whenDeleted", "whenScaled"):
        value = policy.get(key)
        if not value:
            errors.required(f"spec.persistentVolumeClaimRetentionPolicy.{key}")
        elif value not in _RETENTION:
            errors.not_supported(f"spec.persistentVolumeClaimRetentionPolicy.{key}", value, _RETENTION)


def update_stateful_set(errors: Errors, new: Object, old: Object) -> None:
    stateful_set(errors, new)
    after, before = new.get("spec") or {}, old.get("spec") or {}
    fixed = (after.keys() | before.keys()) - set(_MAY_CHANGE)
    if any(not same(after.get(key), before.get(key)) for key in fixed):
        errors.forbidden("spec", f"updates to statefulset spec for fields other than {_LISTED} are forbidden")


def stateful_status(errors: Errors, new: Object, old: Object) -> None:
    status = new.get("status") or {}
    counts = ("readyReplicas", "currentReplicas", "updatedReplicas")
    non_negative(errors, status, "status", "replicas", *counts, "observedGeneration", "collisionCount")
    for key in (*counts, "availableReplicas"):
        if (status.get(key) or 0) > (status.get("replicas") or 0):
            errors.invalid(f"status.{key}", status[key], "cannot be greater than status.replicas")
    if (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
        text = "cannot be greater than status.readyReplicas"
        errors.invalid("status.availableReplicas", status["availableReplicas"], text)


def controller_revision(errors: Errors, obj: Object) -> None:
    if obj.get("data") is None:
        errors.required("data", "data is mandatory")
    non_negative(errors, obj, "", "revision")


def update_controller_revision(errors: Errors, new: Object, old: Object) -> None:
    controller_revision(errors, new)
    immutable(errors, new.get("data"), old.get("data"), "data")


STATEFUL_SETS = Rules(name=names.dns1123_label, create=stateful_set, update=update_stateful_set, status=stateful_status)
CONTROLLER_REVISIONS = Rules(create=controller_revision, update=update_controller_revision)
