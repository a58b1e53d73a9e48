"""What the writing subresources share: a narrow change of the parent object, by PUT or PATCH of an object of its kind."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object
from wherry.apiserver.admit import admit
from wherry.apiserver.answers import wanted
from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.kinds import set_defaults, validate_update
from wherry.apiserver.options import write_options
from wherry.apiserver.ownership.tracking import FIELD
from wherry.apiserver.updating import check_revision, keep_metadata, own
from wherry.apiserver.verbs.patch import patch_options, patched, read_patch, reply_with
from wherry.apiserver.verbs.update import body_reader

Narrow = Callable[[Call, Object, Object], None]
"""`(call, new, old)`: make `new` differ from `old` only where the subresource may. Raises what is wrong."""


def updater(narrow: Narrow) -> Stage:
    """A handler of PUT."""

    def handle(call: Call) -> Answer:
        wanted(call)
        options = write_options(call, "UpdateOptions")
        body = body_reader(call, options)
        waiting = [body()]

        async def compute(old: Object) -> Object:
            new = waiting.pop() if waiting else body()
            return await narrowed(call, narrow, new, old, dry_run=options.dry_run)

        return reply_with(call, compute, options)

    return handle


def patcher(narrow: Narrow) -> Stage:
    """A handler of PATCH."""

    def handle(call: Call) -> Answer:
        wanted(call)
        options = patch_options(call)
        patch = read_patch(call, options)

        async def compute(old: Object) -> Object:
            new, managed = patched(call, patch, options, old)
            return await narrowed(call, narrow, new, old, dry_run=options.dry_run, managed=managed)

        return reply_with(call, compute, options)

    return handle


async def narrowed(
    call: Call,
    narrow: Narrow,
    new: Object,
    old: Object,
    *,
    dry_run: bool,
    managed: list[Object] | None = None,
) -> Object:
    """Check what the client knew of the object, then let the subresource restrict the change."""
    served = call.served
    check_revision(served, new, old)
    sent = keep_metadata(new, old)
    set_defaults(served.resource, new)
    subresource = call.info.subresource
    own(call, served, new, old, sent, managed, subresource=subresource)
    entries = new["metadata"].get(FIELD)
    await admit(call, served, "UPDATE", new, old, subresource=subresource, dry_run=dry_run)
    narrow(call, new, old)
    if entries is not None:
        new["metadata"][FIELD] = entries
    validate_update(served.resource, new, old, subresource=subresource)
    await admit(call, served, "UPDATE", new, old, subresource=subresource, dry_run=dry_run, validating=True)
    return new


def only(new: Object, old: Object, *path: str) -> None:
    """Make `new` equal to `old` except for its own resourceVersion and the field at `path`."""
    value: object = new
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    metadata = dict(old["metadata"])
    new.clear()
    new.update(old)
    new["metadata"] = metadata
    holder = new
    for name in path[:-1]:
        holder[name] = dict(holder.get(name) or {})
        holder = holder[name]
    if value is None:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
