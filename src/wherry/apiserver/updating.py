"""How an object changes: revision and identity checked, metadata kept, defaults, admission, strategy, validation.

Source: k8s.io/apiserver/pkg/registry/rest/update.go and registry/generic/registry/store.go (Update).
"""

from __future__ import annotations

from typing import Any

from wherry.api import warnings
from wherry.api.errors import Cause, conflict, invalid
from wherry.api.types import Object
from wherry.apiserver.admit import admit
from wherry.apiserver.call import Call
from wherry.apiserver.kinds import set_defaults, strategy_of, validate_update
from wherry.apiserver.objects import drop_empty
from wherry.apiserver.ownership.tracking import FIELD, check_admitted, track_update
from wherry.apiserver.registry import Served

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def check_revision(served: Served, new: Object, old: Object) -> None:
    """The client's revision and uid, where it gave them, must be those of the stored object. Raises `Conflict`."""
    metadata, stored = new["metadata"], old["metadata"]
    name = stored["name"]
    version = metadata.get("resourceVersion")
    if version and version != "0" and version != stored["resourceVersion"]:
        raise conflict(served.group, served.plural, name, MODIFIED)
    uid = metadata.get("uid")
    if uid and uid != stored["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored['uid']}"
        raise conflict(served.group, served.plural, name, why)


def check_conditional(served: Served, new: Object) -> None:
    """Some kinds are only updated by those who say which revision they saw. Raises `Invalid`."""
    if strategy_of(served).unconditional_update or new["metadata"].get("resourceVersion"):
        return
    cause = Cause(
        "FieldValueInvalid", "Invalid value: 0x0: must be specified for an update", "metadata.resourceVersion"
    )
    raise invalid(served.group, served.kind, new["metadata"].get("name", ""), [cause])


def keep_metadata(new: Object, old: Object) -> Any:
    """What no client may change comes from the stored object. Gives the managed fields that were sent."""
    metadata, stored = new["metadata"], old["metadata"]
    for field in _KEPT:
        if field in stored:
            metadata[field] = stored[field]
        else:
            metadata.pop(field, None)
    metadata.pop("selfLink", None)
    drop_empty(metadata)
    metadata["resourceVersion"] = stored["resourceVersion"]
    return metadata.pop(FIELD, None)


async def updated(
    call: Call,
    served: Served,
    new: Object,
    old: Object,
    *,
    status: bool = False,
    dry_run: bool,
    managed: list[Object] | None = None,
) -> Object:
    """The object to store in place of `old`. `new` is the caller's own, in the stored version; it is changed in place.

    With `status` only the status (and what goes with it) is taken over. `managed`: the managed fields, where an apply
    has worked them out. Raises `Conflict`, `Invalid`, `Forbidden`.
    """
    rules = served.stored if served.conversion else served.resource
    check_revision(served, new, old)
    sent = keep_metadata(new, old)
    set_defaults(rules, new)
    subresource = "status" if status else ""
    own(call, served, new, old, sent, managed, subresource=subresource)
    owned = new["metadata"].get(FIELD)
    await admit(call, served, "UPDATE", new, old, subresource=subresource, dry_run=dry_run)
    check_admitted(call, new, owned)
    strategy = strategy_of(served)
    if status:
        entries = new["metadata"].get(FIELD)
        strategy.prepare_status_update(new, old)
        if entries is not None:
            new["metadata"][FIELD] = entries
        found = [*validate_update(rules, new, old, subresource="status")]
    else:
        strategy.prepare_update(new, old)
        found = [*validate_update(rules, new, old, loopback=call.parts.config.loopback_endpoints)]
        found += warnings.on_update(rules, new, old)
    for warning in found:
        call.warn(warning)
    await admit(call, served, "UPDATE", new, old, subresource=subresource, dry_run=dry_run, validating=True)
    if not status and (allocator := call.parts.allocators.get(served.qualified)) is not None:
        allocator.allocate(call.info.key, new, old, dry_run=dry_run)
    return new


def own(
    call: Call,
    served: Served,
    new: Object,
    old: Object,
    sent: Any,
    managed: list[Object] | None,
    *,
    subresource: str,
) -> None:
    """Set the managed fields of `new`: those that an apply worked out, or what the difference to `old` makes of them."""
    if managed is None:
        track_update(call, served, new, old, sent, subresource=subresource)
    elif managed:
        new["metadata"][FIELD] = managed
