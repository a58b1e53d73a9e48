"""What a delete does to an object: decided here without a store.

An object goes at once, or is marked (deletionTimestamp, grace period, finalizers of the garbage collector) and stays
until its finalizers are gone and its grace is confirmed to be over.
Source: k8s.io/apiserver/pkg/registry/rest/delete.go and registry/generic/registry/store.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wherry.api.errors import Conflict, conflict
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339, rfc3339

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


class Outcome(Enum):
    REMOVE = "remove"
    """Take it out of the store."""
    MARK = "mark"
    """Store it with its marks; something else finishes the deletion."""
    PENDING = "pending"
    """It is being deleted already, and this request changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """`metav1.DeleteOptions`; None and empty where the client did not say."""

    grace_period_seconds: int | None = None
    propagation_policy: str = ""
    orphan_dependents: bool | None = None
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


def check_preconditions(obj: Object, options: DeleteOptions) -> None:
    """Raises `Conflict` where the object is not the one that was meant."""
    metadata = obj["metadata"]
    uid, version = metadata.get("uid", ""), metadata.get("resourceVersion", "")
    if options.uid and options.uid != uid:
        raise _mismatch(
            obj,
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid})."
            " The object might have been deleted and then recreated",
        )
    if options.resource_version and options.resource_version != version:
        raise _mismatch(
            obj,
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the"
            f" ResourceVersion in record ({version}). The object might have been modified",
        )


def _mismatch(obj: Object, why: str) -> Conflict:
    """Upstream names the kind here, not the resource."""
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    return conflict(group, str(obj.get("kind", "")), obj["metadata"]["name"], why)


def gc_finalizers(finalizers: list[str], options: DeleteOptions, *, orphan_by_default: bool) -> list[str]:
    """The finalizers with those of the garbage collector as the options want them."""
    orphan = _wants_orphans(finalizers, options, orphan_by_default=orphan_by_default)
    foreground = _wants_foreground(finalizers, options)
    kept = [finalizer for finalizer in finalizers if finalizer not in (ORPHAN, FOREGROUND)]
    if orphan:
        kept.append(ORPHAN)
    if foreground:
        kept.append(FOREGROUND)
    return finalizers if set(kept) == set(finalizers) else kept


def _wants_orphans(finalizers: list[str], options: DeleteOptions, *, orphan_by_default: bool) -> bool:
    if options.orphan_dependents is not None:
        return options.orphan_dependents
    if options.propagation_policy:
        return options.propagation_policy == "Orphan"
    return ORPHAN in finalizers or (FOREGROUND not in finalizers and orphan_by_default)


def _wants_foreground(finalizers: list[str], options: DeleteOptions) -> bool:
    if options.orphan_dependents is not None:
        return False
    if options.propagation_policy:
        return options.propagation_policy == "Foreground"
    return ORPHAN not in finalizers and FOREGROUND in finalizers


def begin(
    obj: Object, options: DeleteOptions, *, grace: int | None, now: float, orphan_by_default: bool = False
) -> Outcome:
    """Mark `obj` (in place) as the request wants. `grace` is None for kinds without graceful deletion.

    Raises `Conflict` for a failed precondition.
    """
    check_preconditions(obj, options)
    metadata: Object = obj["metadata"]
    before = dict(metadata)
    graceful = False
    if metadata.get("deletionTimestamp"):
        period = metadata.get("deletionGracePeriodSeconds")
        if period:
            if options.grace_period_seconds is None or options.grace_period_seconds >= period:
                return Outcome.PENDING
            _shorten(metadata, options.grace_period_seconds)
            grace, graceful = options.grace_period_seconds, True
    elif grace is not None:
        _mark(metadata, now, grace)
        graceful = True
    finalizers = gc_finalizers(metadata.get("finalizers") or [], options, orphan_by_default=orphan_by_default)
    if finalizers:
        metadata["finalizers"] = finalizers
        if not graceful:
            mark_deleting(metadata, now)
        return Outcome.MARK if metadata != before else Outcome.PENDING
    metadata.pop("finalizers", None)
    return Outcome.MARK if graceful and grace else Outcome.REMOVE


def _mark(metadata: Object, now: float, grace: int) -> None:
    metadata["deletionTimestamp"] = rfc3339(now + grace)
    metadata["deletionGracePeriodSeconds"] = grace
    if metadata.get("generation"):
        metadata["generation"] += 1


def _shorten(metadata: Object, grace: int) -> None:
    began = parse_rfc3339(metadata["deletionTimestamp"]) - metadata["deletionGracePeriodSeconds"]
    metadata["deletionTimestamp"] = rfc3339(began + max(grace, 0))
    metadata["deletionGracePeriodSeconds"] = max(grace, 0)


def mark_deleting(metadata: Object, now: float) -> None:
    """Mark what has finalizers but no graceful deletion."""
    if not metadata.get("deletionTimestamp"):
        if metadata.get("generation"):
            metadata["generation"] += 1
        metadata["deletionTimestamp"] = rfc3339(now)
    metadata["deletionGracePeriodSeconds"] = 0


def finished_by_update(new: Object, old: Object) -> bool:
    """Whether this update takes away the last thing that kept a deleted object."""
    metadata = old["metadata"]
    if not metadata.get("deletionTimestamp") or new["metadata"].get("finalizers"):
        return False
    if old.get("kind") == "Namespace":
        return not (new.get("spec") or {}).get("finalizers")
    return metadata.get("deletionGracePeriodSeconds") == 0
