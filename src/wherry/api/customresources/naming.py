"""Who gets which names in a group, and the conditions that say so. Pure.

A definition keeps the names it has; a new name is granted unless another definition of the group has it already.
Source: k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go, establish, apiapproval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wherry.api.customresources.definition_state import approval, condition_is_true, is_protected
from wherry.api.types import Object

NAMES_ACCEPTED, ESTABLISHED, TERMINATING = "NamesAccepted", "Established", "Terminating"
APPROVED = "KubernetesAPIApprovalPolicyConformant"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_APPROVAL_CONDITIONS = {
    "missing": ("False", "MissingAnnotation"),
    "invalid": ("False", "InvalidAnnotation"),
    "bypassed": ("False", "UnapprovedAnnotation"),
    "approved": ("True", "ApprovedAnnotation"),
}


def settled_status(definition: Object, others: Iterable[Object], now: str) -> Object:
    """The status as it should be, beside the other definitions of the group; the stored one where nothing is to change."""
    status: Object = definition.get("status") or {}
    accepted, condition = _decide(definition, others)
    conditions = with_condition(status.get("conditions") or [], condition, now)
    if condition["status"] == "True":
        words = ("True", "InitialNamesAccepted", "the initial names have been accepted")
    else:
        words = ("False", "NotAccepted", "not all names are accepted")
    if not condition_is_true(definition, ESTABLISHED):
        conditions = with_condition(conditions, make(ESTABLISHED, *words), now)
    if is_protected(definition["spec"]["group"]):
        state, message = approval(definition)
        conditions = with_condition(conditions, make(APPROVED, *_APPROVAL_CONDITIONS[state], message), now)
    return {**status, "acceptedNames": accepted, "conditions": conditions}


def _decide(definition: Object, others: Iterable[Object]) -> tuple[Object, Object]:
    """The accepted names, and the condition NamesAccepted (without its time)."""
    resources, kinds = _taken(others)
    wanted: Object = definition["spec"]["names"]
    before: Object = (definition.get("status") or {}).get("acceptedNames") or {}
    accepted, reason, message = dict(before), "", ""
    for key, taken in (("plural", resources), ("singular", resources)):
        if why := _conflict(wanted.get(key) or "", before.get(key) or "", taken):
            reason, message = f"{key.capitalize()}Conflict", why
        else:
            accepted[key] = wanted.get(key) or ""
    shorts = wanted.get("shortNames") or []
    had = before.get("shortNames") or []
    wrong = [why for name in shorts if (why := _conflict(name, name if name in had else "", resources))]
    if wrong:
        reason, message = "ShortNamesConflict", wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
    else:
        accepted["shortNames"] = shorts
    for key, title in (("kind", "Kind"), ("listKind", "ListKind")):
        if why := _conflict(wanted.get(key) or "", before.get(key) or "", kinds):
            reason, message = f"{title}Conflict", why
        else:
            accepted[key] = wanted.get(key) or ""
    accepted["categories"] = wanted.get("categories") or []
    accepted = {key: value for key, value in accepted.items() if value or key in ("plural", "kind")}
    if reason:
        return accepted, make(NAMES_ACCEPTED, "False", reason, message)
    return accepted, make(NAMES_ACCEPTED, "True", "NoConflicts", "no conflicts found")


def _taken(others: Iterable[Object]) -> tuple[set[str], set[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names: Object = (other.get("status") or {}).get("acceptedNames") or {}
        resources |= {names.get("plural") or "", names.get("singular") or "", *(names.get("shortNames") or ())}
        kinds |= {names.get("kind") or "", names.get("listKind") or ""}
    return resources - {""}, kinds - {""}


def _conflict(wanted: str, had: str, taken: set[str]) -> str:
    return "" if wanted == had or wanted not in taken else f'"{wanted}" is already in use'


def make(type_: str, status: str, reason: str, message: str) -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def with_condition(conditions: Sequence[Object], new: Object, now: str) -> list[Object]:
    """The conditions with this one set; its time moves only when its status does."""
    result: list[Object] = []
    found = False
    for each in conditions:
        if each.get("type") != new["type"]:
            result.append(each)
            continue
        found = True
        time = each.get("lastTransitionTime") if each.get("status") == new["status"] else now
        result.append({"lastTransitionTime": time, **new})
    return result if found else [*result, {"lastTransitionTime": now, **new}]


def mark_terminating(definition: Object, now: str) -> None:
    """In place: what the first request to delete does besides the deletion timestamp."""
    finalizers = definition["metadata"].get("finalizers") or []
    if FINALIZER not in finalizers:
        definition["metadata"]["finalizers"] = [*finalizers, FINALIZER]
    message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    set_condition(definition, make(TERMINATING, "True", "InstanceDeletionPending", message), now)


def set_condition(definition: Object, condition: Object, now: str) -> None:
    """In place, with a status of its own."""
    status = dict(definition.get("status") or {})
    status["conditions"] = with_condition(status.get("conditions") or [], condition, now)
    definition["status"] = status


def note_storage_version(definition: Object) -> None:
    """In place: the storage version is among the stored ones."""
    status = dict(definition.get("status") or {})
    stored = list(status.get("storedVersions") or [])
    for version in (definition.get("spec") or {}).get("versions") or ():
        if version.get("storage") and version.get("name") not in stored:
            stored.append(version["name"])
    definition["status"] = {**status, "storedVersions": stored}


def begin(definition: Object) -> None:
    """In place: the status of a new definition."""
    definition["status"] = {"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": []}
    note_storage_version(definition)
