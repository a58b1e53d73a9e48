"""The end of a definition: its instances are deleted first, then it goes itself.

Source: k8s.io/apiextensions-apiserver/pkg/controller/finalizer.
"""

from __future__ import annotations

from wherry.api.customresources.naming import FINALIZER, TERMINATING, make, set_condition
from wherry.api.errors import NotFound
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.deletion import DeleteOptions
from wherry.apiserver.negotiation import PLAIN
from wherry.apiserver.objects import encoder, fresh, stamp
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import Served
from wherry.apiserver.request_info import PathInfo
from wherry.apiserver.verbs.delete import delete
from wherry.policy.user import MASTERS, User
from wherry.store.port import Entry, KeyMissing, RevisionMismatch
from wherry.wire.messages import Request

_ITSELF = User("system:apiserver", (MASTERS,))
IN_PROGRESS = make(TERMINATING, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
COMPLETED = make(TERMINATING, "False", "InstanceDeletionCompleted", "removed all instances")


def is_finalizing(definition: Object) -> bool:
    metadata = definition["metadata"]
    return bool(metadata.get("deletionTimestamp")) and FINALIZER in (metadata.get("finalizers") or ())


def instances_of(definition: Object) -> Served:
    """The instances, whatever version is served."""
    spec = definition["spec"]
    names, version = spec["names"], spec["versions"][0]["name"]
    resource = Resource(
        spec["group"], version, names["plural"], names["kind"], namespaced=spec["scope"] == "Namespaced"
    )
    return Served(resource, resource, None)


async def delete_instances(parts: Parts, definition: Object) -> int:
    """Ask every instance to go; gives how many stay for now, because something holds them."""
    served = instances_of(definition)
    for entry in parts.store.range(served.prefix).entries:
        namespace, _, name = entry.key[len(served.prefix) :].rpartition("/")
        try:
            call = _call(parts, served, namespace, name)
            # As upstream: nobody is asked, so that nobody can keep a definition from going.
            await delete(call, served, namespace, name, DeleteOptions(), admission=False)
        except NotFound:
            continue
    return parts.store.count(served.prefix)


def _call(parts: Parts, served: Served, namespace: str, name: str) -> Call:
    path = served.resource.path(namespace or None, name)
    info = PathInfo(path)
    info.resource_request, info.served = True, served
    info.group, info.version, info.plural = served.group, served.version, served.plural
    info.namespace, info.name, info.key = namespace, name, served.key(namespace, name)
    call = Call(Request.make("DELETE", path), parts, info, "delete", PLAIN)
    call.user = _ITSELF
    return call


async def note(parts: Parts, entry: Entry, condition: Object) -> Entry:
    """Write a condition. Raises `RevisionMismatch`."""
    definition = fresh(entry)
    set_condition(definition, condition, stamp(parts.clock.now()))
    return await parts.store.put(entry.key, encoder(definition), expected=entry.mod_revision, memo=definition)


async def finish(parts: Parts, entry: Entry) -> None:
    """Take the finalizer away, and with it, where no other holds it, the definition. Raises `RevisionMismatch`."""
    definition = fresh(entry)
    set_condition(definition, COMPLETED, stamp(parts.clock.now()))
    metadata = definition["metadata"]
    metadata["finalizers"] = [each for each in metadata["finalizers"] if each != FINALIZER]
    encode = encoder(definition)
    if metadata["finalizers"]:
        await parts.store.put(entry.key, encode, expected=entry.mod_revision, memo=definition)
        return
    del metadata["finalizers"]
    try:
        await parts.store.delete(entry.key, encode, expected=entry.mod_revision, memo=definition)
    except KeyMissing:
        return


async def step(parts: Parts, key: str) -> bool:
    """One round; gives whether there is nothing left to do."""
    entry = parts.store.get(key)
    if entry is None or not is_finalizing(definition := fresh(entry)):
        return True
    try:
        if not _is_in_progress(definition):
            entry = await note(parts, entry, IN_PROGRESS)
        if await delete_instances(parts, definition):
            return False
        await finish(parts, entry)
    except RevisionMismatch:
        return False
    return True


def _is_in_progress(definition: Object) -> bool:
    conditions = definition["status"].get("conditions") or ()
    return any(each.get("reason") == IN_PROGRESS["reason"] for each in conditions)
