"""Managed fields of creates, updates and patches: what a write changed is its manager's.

What always holds: an object that nobody tracks costs one look-up, and one whose write changes nothing keeps the very
list it has. Source: k8s.io/apimachinery/pkg/util/managedfields/internal (fieldmanager.go and its chain).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.objects import stamp
from wherry.apiserver.ownership.scope import Scope, converter, scope_of
from wherry.apiserver.registry import Served
from wherry.machinery.fieldsets.managers import (
    UPDATE,
    Change,
    Entry,
    MalformedEntries,
    Managed,
    decode,
    encode,
    renewed,
    same_but_times,
    update,
)
from wherry.machinery.fieldsets.shape import ItemError

_MOST_BYTES = 128
FIELD = "managedFields"
_INVALID_AFTER_ADMISSION = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating"
    " admission controller; please fix your requests"
)


def manager_of(call: Call) -> str:
    """Who writes: what the request says, else the part of its user agent before the slash."""
    return call.parameter("fieldManager") or _prefix(call.request.headers.get("user-agent") or "") or "unknown"


@lru_cache(maxsize=256)
def _prefix(user_agent: str) -> str:
    name = "".join(filter(str.isprintable, user_agent.partition("/")[0]))
    return name.encode()[:_MOST_BYTES].decode("utf-8", "ignore")


def track_create(call: Call, served: Served, obj: Object) -> None:
    """Everything that `obj` says (it is in the stored version) is the creator's."""
    metadata = obj["metadata"]
    given = metadata.pop(FIELD, None)
    scope = scope_of(served, "")
    if scope is None:
        return
    versioned = served.conversion.from_stored(obj) if served.conversion else obj
    try:
        fields = scope.filled(versioned)
    except ItemError:
        return
    actor = Entry(manager_of(call), UPDATE, scope.api_version, fields, stamp(call.parts.clock.now()))
    if given and not _is_reset(given) and (managed := _decoded(given)):
        # A copy of another object: what others owned there and the creator does not say otherwise stays theirs.
        empty = {"apiVersion": scope.api_version, "kind": served.kind}
        convert = converter(call.parts.registry, served)
        change = Change(scope.shape, empty, versioned, api_version=scope.api_version, convert=convert, keep=scope.keep)
        metadata[FIELD] = encode(update(managed, change, actor))
    elif fields:
        metadata[FIELD] = [actor.encoded()]


def track_update(call: Call, served: Served, new: Object, old: Object, given: Any, *, subresource: str = "") -> None:
    """What differs between `old` and `new` (both in the stored version) is the writer's; `given` is what was sent.

    Sets the managed fields of `new`.
    """
    stored = old["metadata"].get(FIELD)
    edited = given is not None and not subresource and given != (stored or [])
    if not stored and not edited:
        return
    managed = _edited(given) if edited else None
    if managed is not None and not managed:
        return  # they are reset
    scope = scope_of(served, subresource)
    entries = stored
    if scope is not None:
        try:
            entries = _entries(call, served, scope, new, old, stored, managed, subresource)
        except ItemError:
            entries = stored
    if entries:
        new["metadata"][FIELD] = entries


def _entries(
    call: Call,
    served: Served,
    scope: Scope,
    new: Object,
    old: Object,
    stored: Any,
    managed: Managed | None,
    subresource: str,
) -> Any:
    """The managed fields after the change; `managed` in place of those `stored`, where the request edits them."""
    conversion = served.conversion
    before, after = (conversion.from_stored(old), conversion.from_stored(new)) if conversion else (old, new)
    convert = converter(call.parts.registry, served)
    change = Change(scope.shape, before, after, api_version=scope.api_version, convert=convert, keep=scope.keep)
    actor = Entry(manager_of(call), UPDATE, scope.api_version, {}, stamp(call.parts.clock.now()), subresource)
    if managed is None:
        if not change.here or not stored:
            return stored
        if (entries := renewed(stored, actor, change.here)) is not None:
            return entries
        managed = decode(stored, trusted=True)
    return encode(update(managed, change, actor))


def _edited(given: Any) -> Managed | None:
    """What the request says of managers: nobody where it resets them, None where it cannot be read."""
    return {} if _is_reset(given) else _decoded(given) or None


def _decoded(given: Any) -> Managed:
    try:
        return decode(given, trusted=False)
    except MalformedEntries:
        return {}


def _is_reset(given: list[Any]) -> bool:
    return not given or (len(given) == 1 and not any((given[0] or {}).values()))


def check_admitted(call: Call, obj: Object, before: Any) -> None:
    """Admission may write managed fields, but nothing that cannot be read: then those from `before` stay, with a warning.

    Source: k8s.io/apimachinery/pkg/util/managedfields and endpoints/handlers/fieldmanager/admission.go.
    """
    metadata = obj["metadata"]
    given = metadata.get(FIELD)
    if given is before or not given:
        return
    try:
        metadata[FIELD] = encode(decode(given, trusted=False))
    except MalformedEntries as error:
        call.warn(f"{_INVALID_AFTER_ADMISSION}: {error}")
        metadata.pop(FIELD)
        if before:
            metadata[FIELD] = before


def differs_only_in_times(new: Object, old: Object) -> bool:
    """Whether all that a write would change is when managers last wrote: then nothing is written."""
    metadata, before = new["metadata"], old["metadata"]
    entries, stored = metadata.get(FIELD), before.get(FIELD)
    if entries is stored or not entries or not stored or len(entries) != len(stored):
        return False
    if any(value != old.get(key) for key, value in new.items() if key != "metadata") or new.keys() != old.keys():
        return False
    return {**metadata, FIELD: stored} == before and same_but_times(stored, entries)
