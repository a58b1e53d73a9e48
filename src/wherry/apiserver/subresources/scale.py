"""`scale`: the replicas of a workload as an `autoscaling/v1` Scale.

Source: pkg/registry/apps/deployment/storage/storage.go (ScaleREST).
"""

from __future__ import annotations

import orjson

from wherry.api.errors import BadRequest, Cause, invalid, not_found
from wherry.api.types import Object
from wherry.apiserver.admit import admit_both
from wherry.apiserver.answers import converted, object_reply, wanted
from wherry.apiserver.bodies import check_kind
from wherry.apiserver.body_object import check_name, read, settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.kinds import decode_object, strategy_of, validate_update
from wherry.apiserver.objects import decoded
from wherry.apiserver.options import WriteOptions, write_options
from wherry.apiserver.ownership.scale import KIND, VERSION, scale_entries, set_entries, tracked
from wherry.apiserver.patching import Patch, apply
from wherry.apiserver.updating import check_revision
from wherry.apiserver.verbs.patch import patch_options, read_patch
from wherry.apiserver.writes import Change, change
from wherry.store.port import Entry
from wherry.wire.messages import Reply


def get(call: Call) -> Answer:
    info = call.info
    entry = call.parts.store.get(info.key)
    if entry is None:
        raise not_found(info.group, info.plural, info.name)
    return _reply(call, entry)


async def _reply(call: Call, entry: Entry) -> Reply:
    (found,) = await converted(call.served, (entry,))
    return object_reply(call, strategy_of(call.served).scale_get(decoded(found)))


def update(call: Call) -> Answer:
    wanted(call)
    options = write_options(call, "UpdateOptions")
    given = read(call, api_version=VERSION, kind=KIND, field_validation=options.field_validation)
    check_name(call, given)
    settle_namespace(call, given)

    async def compute(old: Object) -> Object:
        scale, before = orjson.loads(orjson.dumps(given)), strategy_of(call.served).scale_get(old)
        entries = tracked(call, before, scale, scale_entries(call.served, old))
        return await _scaled(call, options, old, scale, entries)

    return _write(call, options, compute)


def patch(call: Call) -> Answer:
    wanted(call)
    options = patch_options(call)
    content = read_patch(call, options)

    async def compute(old: Object) -> Object:
        before, entries = strategy_of(call.served).scale_get(old), scale_entries(call.served, old)
        if isinstance(content, Patch):
            scale = apply(call.served, content, before)
        else:
            scale, entries = content.to(before, entries)
        scale = _checked(call, scale, options)
        if isinstance(content, Patch):
            entries = tracked(call, before, scale, entries)
        return await _scaled(call, options, old, scale, entries)

    return _write(call, options, compute)


def _checked(call: Call, scale: Object, options: WriteOptions) -> Object:
    """A Scale of the caller's own. Raises `BadRequest`."""
    check_kind(scale, VERSION, KIND)
    scale = orjson.loads(orjson.dumps(scale))
    decode_object(call, scale, api_version=VERSION, kind=KIND, raw=None, field_validation=options.field_validation)
    if (scale.get("metadata") or {}).get("name") != call.info.name:
        raise BadRequest("the name of the object does not match the name on the URL")
    return scale


def _write(call: Call, options: WriteOptions, compute: Change) -> Answer:
    async def write() -> Reply:
        served, info = call.served, call.info
        entry = await change(call, served, info.key, info.name, compute, dry_run=options.dry_run)
        return await _reply(call, entry)

    return write()


async def _scaled(call: Call, options: WriteOptions, old: Object, scale: Object, entries: list[Object]) -> Object:
    """The workload with the replicas and (as `entries`) the managed fields of the Scale, which is the caller's own.

    Raises `Conflict`, `Invalid`.
    """
    served = call.served
    check_revision(served, scale, old)
    before = strategy_of(served).scale_get(old)
    await admit_both(call, served, "UPDATE", scale, before, subresource="scale", dry_run=options.dry_run)
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid("autoscaling", KIND, call.info.name, [Cause("FieldValueInvalid", message, "spec.replicas")])
    new: Object = orjson.loads(orjson.dumps(old))
    strategy = strategy_of(served)
    strategy.scale_apply(new, replicas)
    set_entries(new, served, old, entries)
    strategy.prepare_update(new, old)
    if served.resource.custom is not None:
        validate_update(served.resource, new, old)
    return new


HANDLERS = {"get": get, "update": update, "patch": patch}
