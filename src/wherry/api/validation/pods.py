"""Pods: create, update of what little may change, and status.

Source: `ValidatePodCreate`, `ValidatePodStatusUpdate`; updates are in `pod_updates`.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import dual_stack, immutable, ip
from wherry.api.validation.pod_updates import update
from wherry.api.validation.podspec import spec_of_pod
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")


def create(errors: Errors, obj: Object) -> None:
    spec_of_pod(errors, obj)
    spec = obj.get("spec") or {}
    if spec.get("ephemeralContainers"):
        errors.forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")


def update_pod(errors: Errors, new: Object, old: Object) -> None:
    spec_of_pod(errors, new)
    update(errors, new, old)


def status(errors: Errors, new: Object, old: Object) -> None:
    now, before = new.get("status") or {}, old.get("status") or {}
    for i, condition in enumerate(now.get("conditions") or ()):
        kind = condition.get("type") or ""
        if kind not in _SYSTEM_CONDITIONS:
            errors.each(f"metadata.conditions[{i}].Type", kind, names.label_key(kind))
    nominated = now.get("nominatedNodeName")
    if nominated and nominated != before.get("nominatedNodeName"):
        errors.each("status.nominatedNodeName", nominated, names.dns1123_subdomain(nominated))
    immutable(errors, now.get("qosClass"), before.get("qosClass"), "status.qosClass")
    spec = old.get("spec") or {}
    policy = spec.get("restartPolicy") or ""
    sidecars = {c.get("name") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    _transitions(errors, now, before, "containerStatuses", policy, set())
    _transitions(errors, now, before, "initContainerStatuses", policy, sidecars)
    _transitions(errors, now, before, "ephemeralContainerStatuses", "Never", set())
    _addresses(errors, now)


def _transitions(errors: Errors, now: Object, before: Object, key: str, policy: str, free: set[str]) -> None:
    """What terminated for good does not run again."""
    if policy == "Always":
        return
    current = {status.get("name"): status for status in now.get(key) or ()}
    for i, stored in enumerate(before.get(key) or ()):
        ended = (stored.get("state") or {}).get("terminated")
        if ended is None or (ended.get("exitCode") and policy == "OnFailure") or stored.get("name") in free:
            continue
        status = current.get(stored.get("name"))
        if status is not None and (status.get("state") or {}).get("terminated") is None:
            errors.forbidden(f"status.{key}[{i}].state", "may not be transitioned to non-terminated state")


def _addresses(errors: Errors, now: Object) -> None:
    for key in ("podIPs", "hostIPs"):
        found = [entry.get("ip") or "" for entry in now.get(key) or ()]
        path = f"status.{key}"
        if key == "hostIPs" and found and found[0] != now.get("hostIP"):
            errors.invalid(f"{path}[0].ip", found[0], "must be equal to `hostIP`")
        for i, address in enumerate(found):
            ip(errors, address, f"{path}[{i}]")
        if len(found) > 1:
            if len(found) > 2 or not dual_stack(found):
                errors.invalid(path, now[key], "may specify no more than one IP for each IP family")
            if len(set(found)) < len(found):
                errors.duplicate(f"{path}[1]", now[key][1])


PODS = Rules(create=create, update=update_pod, status=status)
