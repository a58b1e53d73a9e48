"""The only way into the store for objects that clients write: create, change, remove.

What always holds: a change is computed from the newest acknowledged state and written only if that is still the state;
otherwise it is computed again. What a client said of a revision is checked inside that computation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wherry.api.errors import InsufficientStorage, StatusError, already_exists, not_found
from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.deletion import finished_by_update
from wherry.apiserver.objects import check_encodable, decoded, encoder
from wherry.apiserver.ownership.tracking import differs_only_in_times
from wherry.apiserver.quotas.charges import charge_of_change, charged
from wherry.apiserver.registry import Served
from wherry.store.port import Entry, KeyMissing, RevisionMismatch, Store, StoreFull

Change = Callable[[Object], Object | Awaitable[Object] | None]
"""From the stored object, which it must not change, to a new one, or to something to await that gives it; None where
there is nothing to write."""


def storage_full(error: StoreFull) -> InsufficientStorage:
    return InsufficientStorage(f"the store cannot take more: {error}")


async def insert(store: Store, served: Served, key: str, obj: Object) -> Entry:
    """Write a new object. Raises `AlreadyExists`, `InsufficientStorage`, `BadRequest`."""
    try:
        return await store.put(key, encoder(obj), expected=0, memo=obj)
    except RevisionMismatch as error:
        raise taken(served, obj["metadata"]["name"], error.current) from error
    except StoreFull as error:
        raise storage_full(error) from error
    except TypeError:
        check_encodable(obj)
        raise


def taken(served: Served, name: str, current: Entry | None) -> StatusError:
    """The name is taken, perhaps by an object that is on its way out."""
    error = already_exists(served.group, served.plural, name)
    if current is not None and decoded(current)["metadata"].get("deletionTimestamp"):
        error.message = f"object is being deleted: {error.message}"
    return error


async def timed(call: Call, operation: str, served: Served, write: Awaitable[Entry]) -> Entry:
    """Await a write and count how long the store took."""
    clock = call.parts.clock
    began = clock.monotonic()
    try:
        return await write
    finally:
        call.parts.metrics.stored(operation, served.qualified, clock.monotonic() - began)


async def change(call: Call, served: Served, key: str, name: str, compute: Change, *, dry_run: bool = False) -> Entry:
    """Replace an object by what `compute` makes of it; gives what is stored then.

    An object whose last finalizer this takes away is removed instead. Raises `NotFound`, `InsufficientStorage`, and what
    `compute` raises.
    """
    allocator = call.parts.allocators.get(served.qualified)
    if allocator is None:
        return await _change(call, served, key, name, compute, dry_run=dry_run)
    try:
        return await _change(call, served, key, name, compute, dry_run=dry_run)
    finally:
        # What was written has come by as a change already; whatever is still reserved was not.
        allocator.give_back(key)


async def _change(call: Call, served: Served, key: str, name: str, compute: Change, *, dry_run: bool) -> Entry:
    store = call.parts.store
    entry = store.get(key)
    while True:
        if entry is None:
            raise not_found(served.group, served.plural, name)
        old = decoded(entry)
        later = served.conversion.later if served.conversion is not None else None
        computed = compute(old if later is None else await later.from_stored(old))
        new = computed if computed is None or isinstance(computed, dict) else await computed
        if later is not None and new is not None:
            new = await later.to_stored(new)
        same = new is None or new == old or differs_only_in_times(new, old)
        if new is None or (same and (dry_run or not store.is_stale(key))):
            return entry
        charge = charge_of_change(call, served, new, old)
        try:
            if charge is None:
                return await timed(call, "update", served, _replace(store, entry, new, old, dry_run=dry_run))
            async with charged(call, served, charge, dry_run=dry_run):
                return await timed(call, "update", served, _replace(store, entry, new, old, dry_run=dry_run))
        except RevisionMismatch as error:
            entry = error.current
        except KeyMissing:
            entry = None
        except StoreFull as error:
            raise storage_full(error) from error
        except TypeError:
            check_encodable(new)
            raise


async def _replace(store: Store, entry: Entry, new: Object, old: Object, *, dry_run: bool) -> Entry:
    if dry_run:
        return unsaved(entry.key, new, entry)
    if finished_by_update(new, old):
        return await store.delete(entry.key, encoder(new), expected=entry.mod_revision, memo=new)
    return await store.put(entry.key, encoder(new), expected=entry.mod_revision, memo=new)


def unsaved(key: str, obj: Object, entry: Entry | None = None) -> Entry:
    """What a dry run answers with: an entry that is in no store."""
    import orjson

    check_encodable(obj)
    created, revision = (entry.create_revision, entry.mod_revision) if entry else (0, 0)
    return Entry(key, orjson.dumps(obj), created, revision, obj)


async def remove(call: Call, served: Served, key: str, name: str, last: Object, *, expected: int) -> Entry:
    """Take an object out; `last` is the state that watchers see go. Raises `NotFound`, `RevisionMismatch`."""
    try:
        gone = call.parts.store.delete(key, encoder(last), expected=expected, memo=last)
        return await timed(call, "delete", served, gone)
    except KeyMissing as error:
        raise not_found(served.group, served.plural, name) from error
    except StoreFull as error:
        raise storage_full(error) from error
