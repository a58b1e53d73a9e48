"""Who owns what: entries of `metadata.managedFields`, and what a write does to them.

Source: sigs.k8s.io/structured-merge-diff/v6/merge (update.go), k8s.io/apimachinery/pkg/util/managedfields/internal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.comparing import Comparison, compare
from wherry.machinery.fieldsets.elements import ElementError
from wherry.machinery.fieldsets.sets import Tree
from wherry.machinery.fieldsets.shape import Map

APPLY, UPDATE = "Apply", "Update"
MOST_UPDATERS = 10
OLD_UPDATES = "ancient-changes"
_KNOWN = {"manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"}

Identity = tuple[str, str, str, str]


class MalformedEntries(ValueError):
    """Managed fields that cannot be read; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one manager owns. `time` is as it is written, empty for none."""

    manager: str
    operation: str
    api_version: str
    fields: Tree
    time: str = ""
    subresource: str = ""

    @property
    def identity(self) -> Identity:
        """Who it is: one that applies is the same one at every version."""
        return (self.manager, self.operation, "" if self.operation == APPLY else self.api_version, self.subresource)

    def owning(self, fields: Tree) -> Entry:
        """The same manager with other fields. (`dataclasses.replace` costs several times as much.)"""
        return Entry(self.manager, self.operation, self.api_version, fields, self.time, self.subresource)

    def encoded(self) -> dict[str, Any]:
        """As it stands in `metadata.managedFields`."""
        given = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
        }
        result: dict[str, Any] = {key: value for key, value in given.items() if value}
        result["fieldsV1"] = self.fields
        if self.subresource:
            result["subresource"] = self.subresource
        return result


Managed = dict[Identity, Entry]


def decode(entries: Sequence[Any], *, trusted: bool) -> Managed:
    """The entries by who they are. `trusted`: written by us, so that the sets are in order. Raises `MalformedEntries`."""
    found: Managed = {}
    for index, each in enumerate(entries):
        entry = _decoded(each, index, trusted=trusted)
        found[entry.identity] = entry
    return found


def _decoded(each: Any, index: int, *, trusted: bool) -> Entry:
    if not trusted:
        _check(each, index)
    fields = each.get("fieldsV1") or {}
    try:
        return Entry(
            each.get("manager") or "",
            each["operation"],
            each["apiVersion"],
            fields if trusted else sets.parse(fields),
            each.get("time") or "",
            each.get("subresource") or "",
        )
    except ElementError as error:
        raise MalformedEntries(str(error)) from error


def _check(each: Any, index: int) -> None:
    if not isinstance(each, dict) or each.get("operation") not in (APPLY, UPDATE):
        raise MalformedEntries("operation must be `Apply` or `Update`")
    if not each.get("apiVersion"):
        raise MalformedEntries("apiVersion must not be empty")
    kind = each.get("fieldsType") or ""
    if not kind:
        raise MalformedEntries(f"missing fieldsType in managed fields entry {index}")
    if kind != "FieldsV1":
        raise MalformedEntries(f'invalid fieldsType "{kind}" in managed fields entry {index}')


def encode(managed: Managed) -> list[dict[str, Any]]:
    """As `metadata.managedFields`, in upstream's order."""
    return [entry.encoded() for entry in sorted(managed.values(), key=_order)]


def renewed(entries: list[dict[str, Any]], actor: Entry, change: Comparison) -> list[dict[str, Any]] | None:
    """What `update` and `encode` come to where the actor changes only what it alone owns already: another time.

    The usual case of those who write often, found without decoding anything. None where it is not that case.
    """
    if change.removed:
        return None
    position = -1
    for index, each in enumerate(entries):
        if each["apiVersion"] != actor.api_version:
            return None
        if _is_of(each, actor):
            position = index
            if sets.difference(change.changed, each["fieldsV1"]):
                return None
        elif sets.overlap(each["fieldsV1"], change.changed):
            return None
    if position < 0:
        return None
    if entries[position].get("time") == actor.time:
        return entries
    found = [{**each, "time": actor.time} if index == position else each for index, each in enumerate(entries)]
    return sorted(found, key=_encoded_order)


def _is_of(each: Mapping[str, Any], actor: Entry) -> bool:
    return (
        each["operation"] == actor.operation
        and each.get("manager", "") == actor.manager
        and each.get("subresource", "") == actor.subresource
    )


def _encoded_order(each: Mapping[str, Any]) -> tuple[str, ...]:
    return (each["operation"], *(each.get(key, "") for key in ("time", "manager", "apiVersion", "subresource")))


def _order(entry: Entry) -> tuple[str, ...]:
    return (entry.operation, entry.time, entry.manager, entry.api_version, entry.subresource)


@dataclass(frozen=True, slots=True)
class Versioned:
    """An object as one API version has it."""

    shape: Map
    obj: Any


Convert = Callable[[Any, str], Versioned | None]
"""`(object, api version)`: the object at that version; None where the version is not served."""


Keep = Callable[[Tree], Tree]


class Change:
    """One change of an object, compared at every version that managers speak of, each once."""

    def __init__(self, shape: Map, old: Any, new: Any, *, api_version: str, convert: Convert, keep: Keep) -> None:
        """`keep` leaves of a set what this kind of write can change at all."""
        self._old, self._new, self._convert = old, new, convert
        found = compare(shape, old, new)
        self.here = Comparison(keep(found.changed), keep(found.removed))
        self._at: dict[str, Comparison | None] = {api_version: self.here}

    def at(self, api_version: str) -> Comparison | None:
        """None where the version is not served."""
        if api_version not in self._at:
            old, new = self._convert(self._old, api_version), self._convert(self._new, api_version)
            self._at[api_version] = compare(old.shape, old.obj, new.obj) if old and new else None
        return self._at[api_version]


def settle(managed: Managed, change: Change, actor: Identity | None) -> tuple[Managed, dict[Identity, Tree]]:
    """Take from everybody but `actor` what the change took; gives also what each of them owned of it.

    The conflicts are told, not acted on: whoever must not take by force throws the result away.
    """
    left: Managed = {}
    conflicts: dict[Identity, Tree] = {}
    for identity, entry in managed.items():
        if identity == actor:
            left[identity] = entry
            continue
        difference = change.at(entry.api_version)
        if difference is None:
            continue
        fields = entry.fields
        if difference.changed and (lost := sets.intersection(fields, difference.changed)):
            conflicts[identity] = lost
            fields = sets.difference(fields, lost)
        if difference.removed:
            fields = sets.recursive_difference(fields, difference.removed)
        if fields:
            left[identity] = entry if fields is entry.fields else entry.owning(fields)
    return left, conflicts


def update(managed: Managed, change: Change, actor: Entry) -> Managed:
    """What a create, update or patch does: the changed fields are the actor's (`actor.fields` is not looked at)."""
    left, _ = settle(managed, change, None)
    taken = change.here.changed
    if taken:
        before = left.get(actor.identity)
        fields = sets.union(taken, before.fields) if before else taken
        left[actor.identity] = actor.owning(fields)
    return capped(left)


def capped(managed: Managed) -> Managed:
    """Where more than ten managers updated, the oldest of them become one per version."""
    updaters = [entry for entry in managed.values() if entry.operation == UPDATE]
    if len(updaters) <= MOST_UPDATERS:
        return managed
    left, count = dict(managed), len(updaters)
    first: dict[str, Identity] = {}
    for entry in sorted(updaters, key=lambda each: (each.time, each.identity)):
        if count <= MOST_UPDATERS:
            break
        version = entry.api_version
        if version not in first:
            first[version] = entry.identity
            continue
        _pour(left, entry, first[version])
        count -= 1
    return left


def _pour(managed: Managed, entry: Entry, first: Identity) -> None:
    """Put what an old entry has into the bucket of its version, which starts as the first one seen."""
    bucket = Entry(OLD_UPDATES, UPDATE, entry.api_version, {})
    before = managed.get(bucket.identity) or managed.pop(first)
    del managed[entry.identity]
    fields = sets.union(entry.fields, before.fields)
    managed[bucket.identity] = replace(bucket, fields=fields, time=entry.time)


def same_but_times(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> bool:
    """Whether two lists of encoded entries differ at most in their times."""
    return [_timeless(each) for each in old] == [_timeless(each) for each in new]


def _timeless(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "time"}
