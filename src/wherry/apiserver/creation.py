"""How an object comes to be: metadata, defaults, admission, strategy, validation, and then the store.

Source: k8s.io/apiserver/pkg/registry/rest/create.go, pkg/storage/names/generate.go, KEP-4420 (retries of generateName).
"""

from __future__ import annotations

import random

from wherry.api import warnings
from wherry.api.errors import AlreadyExists, BadRequest
from wherry.api.types import Object
from wherry.apiserver.admit import admit
from wherry.apiserver.call import Call
from wherry.apiserver.kinds import set_defaults, strategy_of, validate_create
from wherry.apiserver.objects import drop_empty, new_uid, stamp
from wherry.apiserver.ownership.tracking import FIELD, check_admitted, track_create
from wherry.apiserver.quotas.charges import charge_of_create, charged
from wherry.apiserver.registry import Served
from wherry.apiserver.writes import insert, taken, timed, unsaved
from wherry.store.port import Entry

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
_LONGEST_BASE = 63 - _SUFFIX
_NAME_TRIES = 8
_SET_BY_SERVER = ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


def generated_name(base: str) -> str:
    """The base, cut to leave room, and five letters that spell no words."""
    return base[:_LONGEST_BASE] + "".join(random.choices(_ALPHABET, k=_SUFFIX))


async def create(
    call: Call, served: Served, obj: Object, *, dry_run: bool, managed: list[Object] | None = None
) -> Entry:
    """Store `obj` (the caller's own, in the served version) as a new object. Raises `StatusError`.

    `managed`: its managed fields, where an apply has worked them out.
    """
    obj = await _admitted(call, served, obj, managed, dry_run=dry_run)
    base = _settle_metadata(call, obj)
    await _check(call, served, obj, dry_run=dry_run)
    charge = charge_of_create(call, served, obj)
    if charge is None:
        return await _store_named(call, served, obj, base, dry_run=dry_run)
    async with charged(call, served, charge, dry_run=dry_run):
        return await _store_named(call, served, obj, base, dry_run=dry_run)


async def _store_named(call: Call, served: Served, obj: Object, base: str, *, dry_run: bool) -> Entry:
    """Where the name was generated from a `base`, try others if it is taken."""
    for _ in range(_NAME_TRIES - 1 if base else 0):
        try:
            return await _store(call, served, obj, dry_run=dry_run)
        except AlreadyExists:
            obj["metadata"]["name"] = generated_name(base)
    return await _store(call, served, obj, dry_run=dry_run)


async def _admitted(call: Call, served: Served, obj: Object, managed: list[Object] | None, *, dry_run: bool) -> Object:
    """The object in the stored version, with defaults and what admission made of it."""
    rules = served.resource
    if served.conversion is not None:
        obj, rules = served.conversion.to_stored(obj), served.stored
    set_defaults(rules, obj)
    drop_empty(obj["metadata"])
    if managed is None:
        track_create(call, served, obj)
    elif managed:
        obj["metadata"][FIELD] = managed
    name, owned = obj["metadata"].get("name") or "", obj["metadata"].get(FIELD)
    await admit(call, served, "CREATE", obj, None, name=name, dry_run=dry_run)
    check_admitted(call, obj, owned)
    return obj


def _settle_metadata(call: Call, obj: Object) -> str:
    """Fill in what only the server may say. Gives the base of the name where that was generated."""
    metadata: Object = obj["metadata"]
    for field in _SET_BY_SERVER:
        metadata.pop(field, None)
    if metadata.pop("resourceVersion", "") not in ("", "0", None):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    base = "" if metadata.get("name") else metadata.get("generateName") or ""
    if base:
        metadata["name"] = generated_name(base)
    metadata["uid"] = new_uid()
    metadata["creationTimestamp"] = stamp(call.parts.clock.now())
    return base


async def _check(call: Call, served: Served, obj: Object, *, dry_run: bool) -> None:
    rules = served.stored if served.conversion is not None else served.resource
    strategy_of(served).prepare_create(obj)
    validate_create(rules, obj, loopback=call.parts.config.loopback_endpoints)
    for warning in warnings.on_create(rules, obj):
        call.warn(warning)
    name = obj["metadata"].get("name") or ""
    await admit(call, served, "CREATE", obj, None, name=name, dry_run=dry_run, validating=True)


async def _as_stored(served: Served, obj: Object) -> Object:
    later = served.conversion.later if served.conversion is not None else None
    return obj if later is None else await later.to_stored(obj)


async def _store(call: Call, served: Served, obj: Object, *, dry_run: bool) -> Entry:
    metadata = obj["metadata"]
    key = served.key(metadata.get("namespace", ""), metadata["name"])
    allocator = call.parts.allocators.get(served.qualified)
    if allocator is not None:
        allocator.allocate(key, obj, None, dry_run=dry_run)
    if not dry_run:
        try:
            entry = await timed(
                call, "create", served, insert(call.parts.store, served, key, await _as_stored(served, obj))
            )
        except BaseException:
            if allocator is not None:
                allocator.give_back(key)
            raise
        if allocator is not None:
            await allocator.settled(key)
        return entry
    if (current := call.parts.store.get(key)) is not None:
        raise taken(served, metadata["name"], current)
    return unsaved(key, obj)
