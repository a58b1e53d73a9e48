"""Server-side apply on plain objects: merge, prune what is no longer applied, settle who owns what.

Source: sigs.k8s.io/structured-merge-diff/v6/merge (update.go), KEP-555.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.fields import fields_of, with_structs
from wherry.machinery.fieldsets.managers import Change, Convert, Entry, Identity, Keep, Managed, settle
from wherry.machinery.fieldsets.merging import merge
from wherry.machinery.fieldsets.removing import remove
from wherry.machinery.fieldsets.sets import Tree
from wherry.machinery.fieldsets.shape import Map


class Conflicts(Exception):  # upstream's name
    """Others own fields that are applied with other values."""

    def __init__(self, fields: dict[Identity, Tree]) -> None:
        super().__init__("fields are owned by others")
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Applied:
    """The object as it is then, and who owns what of it."""

    obj: Any
    managed: Managed


def apply(
    shape: Map,
    live: Any,
    config: Any,
    managed: Managed,
    actor: Entry,
    *,
    convert: Convert,
    keep: Keep,
    force: bool,
) -> Applied:
    """Apply `config` to `live` in the name of `actor` (whose `fields` are not looked at). Raises `Conflicts`, `ItemError`.

    Neither object is changed; the result shares parts with both.
    """
    merged = merge(shape, live, config)
    last = managed.get(actor.identity)
    owned = keep(fields_of(shape, config))
    now: Managed = {**managed, actor.identity: actor.owning(owned)}
    new = merged
    if last is not None and (last.api_version != actor.api_version or sets.difference(last.fields, owned)):
        new = prune(merged, now, last, convert=convert, api_version=actor.api_version)
    change = Change(shape, live, new, api_version=actor.api_version, convert=convert, keep=keep)
    left, conflicts = settle(now, change, actor.identity)
    if conflicts and not force:
        raise Conflicts(conflicts)
    if not owned:
        left.pop(actor.identity, None)
    return Applied(new, left)


def prune(merged: Any, managed: Managed, last: Entry, *, convert: Convert, api_version: str) -> Any:
    """`merged` without what this manager applied last time, does not apply now, and nobody else owns."""
    then = convert(merged, last.api_version)
    if then is None or not last.fields:
        return merged
    gone = with_structs(then.shape, last.fields)
    # Whatever somebody wrote into managed fields: an object keeps its kind.
    pruned = {**(remove(then.shape, then.obj, gone) or {}), **{key: then.obj[key] for key in ("apiVersion", "kind")}}
    pruned = _with_owned(then.obj, pruned, last.api_version, managed, convert)
    there = convert(pruned, last.api_version)
    if there is None:
        return merged
    had = with_structs(then.shape, fields_of(then.shape, then.obj))
    has = with_structs(then.shape, fields_of(there.shape, there.obj))
    lost = sets.intersection(sets.difference(had, has), gone)
    back = convert(remove(then.shape, then.obj, lost), api_version)
    return merged if back is None else back.obj


def _with_owned(merged: Any, pruned: Any, version: str, managed: Managed, convert: Convert) -> Any:
    """Put back what somebody owns: at the version that was pruned first, then at the others."""
    at: dict[str, Tree] = {version: {}}
    for entry in managed.values():
        at[entry.api_version] = sets.union(at.get(entry.api_version, {}), entry.fields)
    for api_version, owned in at.items():
        whole, left = convert(merged, api_version), convert(pruned, api_version)
        if whole is None or left is None:
            continue
        merged, shape = whole.obj, whole.shape
        had = with_structs(shape, fields_of(shape, merged))
        kept = sets.union(with_structs(shape, fields_of(shape, left.obj)), with_structs(shape, owned))
        pruned = remove(shape, merged, sets.difference(had, kept)) or {}
    return pruned
