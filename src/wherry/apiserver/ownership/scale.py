"""Managed fields of the scale subresource: who owns the replicas, told of the workload and of its Scale.

Source: k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go, KEP-555 (subresources).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from wherry.api.customresources.strategy import CustomStrategy
from wherry.api.schema.shapes import shape_of
from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.kinds import strategy_of
from wherry.apiserver.objects import stamp
from wherry.apiserver.ownership.scope import Scope
from wherry.apiserver.ownership.tracking import FIELD, manager_of
from wherry.apiserver.registry import Served
from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.managers import UPDATE, Change, Entry, Managed, Versioned, decode, encode, update
from wherry.machinery.fieldsets.sets import Path

VERSION, KIND = "autoscaling/v1", "Scale"
_REPLICAS: Path = ("f:spec", "f:replicas")


@cache
def scale_scope() -> Scope:
    shape = shape_of(VERSION, KIND)
    if shape is None:
        raise TypeError("the schema has no Scale")
    return Scope(shape, VERSION, lambda tree: tree)


def convert(obj: Object, api_version: str) -> Versioned | None:
    """A Scale has one version."""
    return Versioned(scale_scope().shape, obj) if api_version == VERSION else None


def path_of(served: Served) -> Path:
    """Where the workload has its replicas."""
    strategy = strategy_of(served)
    if isinstance(strategy, CustomStrategy) and strategy.scale is not None:
        return tuple(f"f:{key}" for key in strategy.scale.spec_replicas)
    return _REPLICAS


def scale_entries(served: Served, workload: Object) -> list[Object]:
    """The managed fields of the Scale: those who own the workload's replicas."""
    path = path_of(served)
    managed = decode(workload["metadata"].get(FIELD) or (), trusted=True)
    owners = [_of_scale(entry) for entry in managed.values() if sets.has(entry.fields, path)]
    return encode({entry.identity: entry for entry in owners})


def _of_scale(entry: Entry) -> Entry:
    return replace(entry, api_version=VERSION, fields=sets.of_paths([_REPLICAS]))


def tracked(call: Call, before: Object, after: Object, entries: list[Object]) -> list[Object]:
    """The managed fields of a Scale that is updated or patched."""
    managed = decode(entries, trusted=True)
    change = Change(scale_scope().shape, before, after, api_version=VERSION, convert=convert, keep=lambda tree: tree)
    actor = Entry(manager_of(call), UPDATE, VERSION, {}, stamp(call.parts.clock.now()), "scale")
    return encode(update(managed, change, actor))


def workload_entries(served: Served, workload: Object, entries: list[Object]) -> list[Object]:
    """The managed fields of the workload after its Scale was written with these `entries`."""
    path = path_of(served)
    scaling = decode(entries, trusted=True)
    left: Managed = {}
    for identity, entry in decode(workload["metadata"].get(FIELD) or (), trusted=True).items():
        kept = entry
        if sets.has(entry.fields, path) and scaling.pop(_of_scale(entry).identity, None) is None:
            kept = replace(entry, fields=sets.difference(entry.fields, sets.of_paths([path])))
        if kept.fields:
            left[identity] = kept
    for entry in scaling.values():
        if sets.has(entry.fields, _REPLICAS):
            owner = replace(entry, api_version=served.api_version, fields=sets.of_paths([path]))
            left[owner.identity] = _joined(left.get(owner.identity), owner)
    return encode(left)


def _joined(before: Entry | None, owner: Entry) -> Entry:
    return owner if before is None else replace(before, fields=sets.union(before.fields, owner.fields))


def set_entries(new: Object, served: Served, old: Object, entries: list[Object]) -> None:
    """Give the workload `new` the managed fields that its Scale's `entries` make of those of `old`."""
    managed = workload_entries(served, old, entries)
    if managed:
        new["metadata"][FIELD] = managed
    else:
        new["metadata"].pop(FIELD, None)
