"""Delete: remove an object, or mark it and leave the rest to those who finish the work.

Source: k8s.io/apiserver/pkg/endpoints/handlers/delete.go, pkg/registry/core/namespace/storage/storage.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wherry.api.customresources.naming import mark_terminating
from wherry.api.errors import not_found
from wherry.api.types import Object
from wherry.apiserver.admit import admit_both
from wherry.apiserver.answers import data_reply, success, wanted, written_reply
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.delete_options import delete_options
from wherry.apiserver.deletion import DeleteOptions, Outcome, begin, check_preconditions, mark_deleting
from wherry.apiserver.kinds import strategy_of
from wherry.apiserver.objects import encoder, fresh
from wherry.apiserver.registry import Served
from wherry.apiserver.writes import remove, storage_full, unsaved
from wherry.base.times import rfc3339
from wherry.store.port import Entry, RevisionMismatch, StoreFull
from wherry.wire.messages import Reply

_ORPHAN_BY_DEFAULT = frozenset({"replicationcontrollers"})
_RETURN_OBJECT = frozenset(
    {
        "pods", "podtemplates", "persistentvolumes", "persistentvolumeclaims", "resourcequotas", "serviceaccounts",
        "services", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io", "storageclasses.storage.k8s.io",
        "volumeattachments.storage.k8s.io", "csistoragecapacities.storage.k8s.io",
    }
)  # fmt: skip


@dataclass(slots=True)
class Deleted:
    """What a delete left: the object's last (or marked) state, and whether it is gone."""

    entry: Entry
    gone: bool


def handle(call: Call) -> Answer:
    wanted(call)
    options = delete_options(call)

    async def write() -> Reply:
        served = call.served
        deleted = await delete(call, served, call.info.namespace, call.info.name, options)
        if deleted.gone and served.qualified not in _RETURN_OBJECT:
            metadata = fresh(deleted.entry)["metadata"]
            status = success(name=metadata["name"], group=served.group, kind=served.plural, uid=metadata["uid"])
            return data_reply(call, status)
        accepted = not deleted.gone and options.orphan_dependents is False
        return await written_reply(call, deleted.entry, 202 if accepted else 200)

    return write()


async def delete(
    call: Call, served: Served, namespace: str, name: str, options: DeleteOptions, *, admission: bool = True
) -> Deleted:
    """Delete one object; without `admission` where something else was admitted instead. Raises `NotFound`, `Conflict`, `Forbidden`."""
    key = served.key(namespace, name)
    store = call.parts.store
    while True:
        entry = store.get(key)
        if entry is None:
            raise not_found(served.group, served.plural, name)
        obj = fresh(entry)
        if admission:
            seen = await _as_served(served, obj)
            await admit_both(call, served, "DELETE", None, seen, name=name, dry_run=options.dry_run)
        before = entry.mod_revision
        outcome = decide(served, obj, options, call.parts.clock.now())
        if outcome is Outcome.PENDING:
            return Deleted(entry, gone=False)
        if options.dry_run:
            return Deleted(unsaved(key, obj, entry), outcome is Outcome.REMOVE)
        try:
            if outcome is Outcome.REMOVE:
                return Deleted(await remove(call, served, key, name, obj, expected=before), gone=True)
            return Deleted(await store.put(key, encoder(obj), expected=before, memo=obj), gone=False)
        except RevisionMismatch:
            continue
        except StoreFull as error:
            raise storage_full(error) from error


async def _as_served(served: Served, obj: Object) -> Object:
    later = served.conversion.later if served.conversion is not None else None
    return obj if later is None else await later.from_stored(obj)


def decide(served: Served, obj: Object, options: DeleteOptions, now: float) -> Outcome:
    """Mark the object as the kind and the options want. Raises `Conflict` for a failed precondition."""
    if (special := _SPECIAL.get(served.qualified)) is not None:
        return special(obj, options, now)
    grace = strategy_of(served).grace_seconds(obj, options.grace_period_seconds)
    orphan = served.qualified in _ORPHAN_BY_DEFAULT
    return begin(obj, options, grace=grace, now=now, orphan_by_default=orphan)


def _decide_namespace(obj: Object, options: DeleteOptions, now: float) -> Outcome:
    """A namespace is marked first and goes when its contents (and with them its finalizers) have gone."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp"):
        check_preconditions(obj, options)
        mark_deleting(metadata, now)
        metadata.pop("deletionGracePeriodSeconds", None)
        obj.setdefault("status", {})["phase"] = "Terminating"
        return Outcome.MARK
    if (obj.get("spec") or {}).get("finalizers"):
        check_preconditions(obj, options)
        return Outcome.PENDING
    return begin(obj, options, grace=None, now=now)


def _decide_definition(obj: Object, options: DeleteOptions, now: float) -> Outcome:
    """A definition of custom resources stays until its instances have gone."""
    if obj["metadata"].get("deletionTimestamp"):
        return begin(obj, options, grace=None, now=now)
    check_preconditions(obj, options)
    mark_deleting(obj["metadata"], now)
    mark_terminating(obj, rfc3339(now))
    return Outcome.MARK


_SPECIAL: Mapping[str, Callable[[Object, DeleteOptions, float], Outcome]] = {
    "namespaces": _decide_namespace,
    "customresourcedefinitions.apiextensions.k8s.io": _decide_definition,
}
