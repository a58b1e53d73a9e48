"""What may change in a pod that exists: images, deadlines, tolerations, gates; ephemeral containers; sizes.

Source: `ValidatePodUpdate`, `ValidatePodEphemeralContainersUpdate`, `ValidatePodResize`.
"""

from __future__ import annotations

from typing import Any

from wherry.api.pod_resources import qos_class
from wherry.api.semantic import same
from wherry.api.types import Object
from wherry.api.validation.containers import image_spaces
from wherry.api.validation.errors import WHOLE_OBJECT, Errors, shown
from wherry.api.validation.podspec import spec_of_pod
from wherry.api.validation.rules import Rules
from wherry.api.validation.scheduling import REQUIRED_TERMS, tolerations
from wherry.machinery import names

_MAX_INT32 = 2**31 - 1
_MAY_CHANGE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)
_RESIZABLE = ("cpu", "memory")


def update(errors: Errors, new: Object, old: Object) -> None:
    """The rules for an ordinary update; the spec as such has been checked already."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    for key in ("containers", "initContainers"):
        if not _containers(errors, after.get(key) or [], before.get(key) or [], f"spec.{key}"):
            return
    if not _deadline(errors, after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")):
        return
    if not same(after.get("tolerations"), before.get("tolerations")):
        _added_tolerations(errors, after.get("tolerations") or [], before.get("tolerations") or [])
    _deleted_gates(errors, after.get("schedulingGates") or [], before.get("schedulingGates") or [])
    if same(after, before):
        return
    masked = _mask(after, before)
    if before.get("schedulingGates"):
        _gated(errors, masked, before)
    if not same(masked, before):
        errors.forbidden(
            "spec",
            f"pod updates may not change fields other than {','.join(_MAY_CHANGE)}\n{difference(before, masked)}",
        )


def _containers(errors: Errors, after: list[Object], before: list[Object], path: str) -> bool:
    if len(after) != len(before):
        errors.forbidden(path, "pod updates may not add or remove containers")
        return False
    for i, container in enumerate(after):
        if not container.get("image"):
            errors.required(f"{path}[{i}].image")
        image_spaces(errors, container, f"{path}[{i}]")
    return True


def _deadline(errors: Errors, after: int | None, before: int | None) -> bool:
    """From nothing to a number, or to a smaller one."""
    path = "spec.activeDeadlineSeconds"
    if after is None:
        if before is not None:
            errors.invalid(path, None, "must not update from a positive integer to nil value")
        return True
    if not 0 <= after <= _MAX_INT32:
        errors.invalid(path, after, names.between(0, _MAX_INT32))
        return False
    if before is not None and before < after:
        errors.invalid(path, after, "must be less than or equal to previous value")
        return False
    return True


def _added_tolerations(errors: Errors, after: list[Object], before: list[Object]) -> None:
    def without_seconds(toleration: Object) -> Object:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds" and value}

    kept = [without_seconds(toleration) for toleration in after]
    if any(without_seconds(toleration) not in kept for toleration in before):
        errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        return
    tolerations(errors, after, "spec.tolerations")


def _deleted_gates(errors: Errors, after: list[Object], before: list[Object]) -> None:
    known = {gate.get("name") for gate in before}
    for i, gate in enumerate(after):
        if gate.get("name") not in known:
            text = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            errors.forbidden(f"spec.schedulingGates[{i}].name", text)


def _mask(after: Object, before: Object) -> Object:
    """The new spec with the old value in every field that may change; shares parts with both."""
    masked = dict(after)
    for key in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        _copy(masked, before, key)
    for key in ("containers", "initContainers"):
        if after.get(key):
            pairs = zip(after[key], before[key], strict=True)
            masked[key] = [{**container, "image": stored.get("image")} for container, stored in pairs]
    grace = before.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0 and masked.get("terminationGracePeriodSeconds") == 1:
        masked["terminationGracePeriodSeconds"] = grace
    return masked


def _copy(target: Object, source: Object, key: str) -> None:
    if key in source:
        target[key] = source[key]
    else:
        target.pop(key, None)


def _gated(errors: Errors, masked: Object, before: Object) -> None:
    """A pod that waits behind a gate may still be narrowed down (KEP-3838)."""
    selector, stored = masked.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    if any(selector.get(key) != value for key, value in stored.items()):
        text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        errors.invalid("spec.nodeSelector", selector, text)
    _copy(masked, before, "nodeSelector")
    new_node = (masked.get("affinity") or {}).get("nodeAffinity")
    old_node = (before.get("affinity") or {}).get("nodeAffinity")
    if same(new_node, old_node):
        return
    _narrowed(errors, new_node or {}, old_node or {})
    affinity = {key: value for key, value in (masked.get("affinity") or {}).items() if key != "nodeAffinity"}
    if old_node is not None:
        affinity["nodeAffinity"] = old_node
    masked["affinity"] = affinity
    if not affinity and before.get("affinity") is None:
        del masked["affinity"]


def _narrowed(errors: Errors, after: Object, before: Object) -> None:
    path = f"spec.affinity.nodeAffinity.{REQUIRED_TERMS}.nodeSelectorTerms"
    old_terms = (before.get(REQUIRED_TERMS) or {}).get("nodeSelectorTerms") or []
    new_terms = (after.get(REQUIRED_TERMS) or {}).get("nodeSelectorTerms") or []
    if not old_terms:
        return
    if len(old_terms) != len(new_terms):
        errors.invalid(path, new_terms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        return
    for i, (term, stored) in enumerate(zip(new_terms, old_terms, strict=True)):
        if not _only_added(term, stored):
            errors.invalid(f"{path}[{i}]", term, "only additions are allowed (no mutations or deletions)")


def _only_added(term: Object, stored: Object) -> bool:
    if not stored.get("matchExpressions") and not stored.get("matchFields"):
        return same(term, stored)
    return all(
        (term.get(key) or [])[: len(stored.get(key) or [])] == (stored.get(key) or [])
        for key in ("matchExpressions", "matchFields")
    )


def difference(before: Object, after: Object, *, type: str = "core.PodSpec") -> str:
    """The fields that differ, old and new, for a person to read."""
    lines = [f"  {type}{{"]
    for key in sorted(before.keys() | after.keys()):
        if same(before.get(key), after.get(key)):
            continue
        lines += _line("-", key, before.get(key)) + _line("+", key, after.get(key))
    return "\n".join([*lines, "  }", ""])


def _line(sign: str, key: str, value: Any) -> list[str]:
    return [] if value is None else [f"{sign} \t{key}: {shown(value)},"]


def ephemeral_containers(errors: Errors, new: Object, old: Object) -> None:
    """The ephemeralcontainers subresource only adds."""
    spec_of_pod(errors, new)
    if _is_static(old):
        errors[:] = []
        errors.forbidden(WHOLE_OBJECT, "static pods do not support ephemeral containers")
        return
    path = "spec.ephemeralContainers"
    current = {c.get("name"): c for c in (new.get("spec") or {}).get("ephemeralContainers") or ()}
    for stored in (old.get("spec") or {}).get("ephemeralContainers") or ():
        name = shown(stored.get("name"))
        if stored.get("name") not in current:
            errors.forbidden(path, f"existing ephemeral containers {name} may not be removed\n")
        elif not same(current[stored.get("name")], stored):
            changes = difference(stored, current[stored.get("name")], type="core.EphemeralContainer")
            errors.forbidden(path, f"existing ephemeral containers {name} may not be changed\n{changes}")


def _is_static(pod: Object) -> bool:
    return "kubernetes.io/config.mirror" in ((pod.get("metadata") or {}).get("annotations") or {})


def resize(errors: Errors, new: Object, old: Object) -> None:
    """The resize subresource changes CPU and memory of containers and sidecars (KEP-1287)."""
    spec_of_pod(errors, new)
    if _is_static(old):
        errors[:] = []
        errors.forbidden(WHOLE_OBJECT, "static pods cannot be resized")
        return
    if (((old.get("spec") or {}).get("os") or {}).get("name")) == "windows":
        errors[:] = []
        errors.forbidden(WHOLE_OBJECT, "windows pods cannot be resized")
        return
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if qos_class(after) != qos_class(before):
        errors.invalid("spec", qos_class(before), "Pod QOS Class may not change as a result of resizing")
    masked = dict(after)
    for key in ("containers", "initContainers"):
        pairs = list(zip(after.get(key) or (), before.get(key) or (), strict=False))
        for i, (container, stored) in enumerate(pairs):
            _resized(errors, container, stored, f"spec.{key}[{i}].resources")
        if key in after:
            masked[key] = [_unsized(container, stored, key) for container, stored in pairs]
    if not errors and not same(masked, before):
        errors.forbidden("spec", "only cpu and memory resources are mutable")


def _unsized(container: Object, stored: Object, key: str) -> Object:
    """The container with the stored CPU and memory; plain init containers have no say."""
    if key == "initContainers" and container.get("restartPolicy") != "Always":
        return container
    resources = dict(container.get("resources") or {})
    for part in ("limits", "requests"):
        kept = {n: v for n, v in (resources.get(part) or {}).items() if n not in _RESIZABLE}
        known = ((stored.get("resources") or {}).get(part)) or {}
        kept.update((n, v) for n, v in known.items() if n in _RESIZABLE)
        if kept or part in resources:
            resources[part] = kept
        if not kept and part not in (stored.get("resources") or {}):
            resources.pop(part, None)
    return {**container, "resources": resources, "resizePolicy": stored.get("resizePolicy")}


def _resized(errors: Errors, container: Object, stored: Object, path: str) -> None:
    after, before = container.get("resources") or {}, stored.get("resources") or {}
    for part in ("requests", "limits"):
        if set(before.get(part) or ()) - set(after.get(part) or ()):
            errors.forbidden(f"{path}.{part}", f"resource {part} cannot be removed")
    policies = {p.get("resourceName"): p.get("restartPolicy") for p in container.get("resizePolicy") or ()}
    if policies.get("memory") == "RestartContainer":
        return
    new_limit, old_limit = ((r.get("limits") or {}).get("memory") for r in (after, before))
    where = f"{path}.limits[memory]"
    if new_limit is not None and old_limit is None:
        errors.forbidden(where, "memory limits cannot be added unless resizePolicy is RestartContainer")


EPHEMERAL_CONTAINERS = Rules(update=ephemeral_containers)
RESIZE = Rules(update=resize)
