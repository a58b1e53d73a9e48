"""Patch: JSON patch, merge patch, strategic merge patch and server-side apply on the newest state.

A patch that does not name a resourceVersion is applied again to whatever is there when it could not be written.
Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

import orjson

from wherry.api.errors import AlreadyExists, BadRequest, NotFound, UnsupportedMediaType
from wherry.api.types import Object
from wherry.apiserver.answers import wanted, written_reply
from wherry.apiserver.bodies import check_kind, check_size, media_type
from wherry.apiserver.body_object import settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.creation import create
from wherry.apiserver.kinds import decode_object
from wherry.apiserver.options import WriteOptions
from wherry.apiserver.options import patch_options as options_of
from wherry.apiserver.ownership.apply import Applier
from wherry.apiserver.ownership.request import applied_object, check_may_create, read_apply
from wherry.apiserver.patching import APPLY_PATCH, PATCHES, STRATEGIC_PATCH, Patch, apply
from wherry.apiserver.updating import updated
from wherry.apiserver.writes import Change, change
from wherry.wire.messages import Reply


def handle(call: Call) -> Answer:
    return _patch(call, status=False)


def handle_status(call: Call) -> Answer:
    """The same for the status subresource."""
    return _patch(call, status=True)


def patch_options(call: Call) -> WriteOptions:
    """Raises `Invalid`."""
    return options_of(call, apply=media_type(call.request) == APPLY_PATCH)


def read_patch(call: Call, options: WriteOptions) -> Patch | Applier:
    """What is in the body. Raises `UnsupportedMediaType`, `BadRequest`, 413."""
    kind, custom = media_type(call.request), call.served.resource.custom
    known = [each for each in PATCHES if custom is None or each != STRATEGIC_PATCH]
    if kind not in known:
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(known)}"
        )
    if kind == APPLY_PATCH:
        return read_apply(call, options)
    check_size(call.request.body)
    patch = Patch(kind, call.request.body)
    patch.content()
    return patch


def patched(
    call: Call, patch: Patch | Applier, options: WriteOptions, old: Object | None
) -> tuple[Object, list[Object] | None]:
    """The object that a patch makes of `old`, in the served version, and the managed fields that an apply makes."""
    if isinstance(patch, Patch):
        return patched_object(call, patch, options, old or {}), None
    return applied_object(call, patch, old)


def patched_object(call: Call, patch: Patch, options: WriteOptions, old: Object) -> Object:
    """The patched form of `old` in the served version, checked, an object of the caller's own."""
    served = call.served
    base: Object = orjson.loads(orjson.dumps(served.conversion.from_stored(old) if served.conversion else old))
    new = apply(served, patch, base)
    check_kind(new, served.api_version, served.kind)
    decode_object(
        call,
        new,
        api_version=served.api_version,
        kind=served.kind,
        raw=None,
        field_validation=options.field_validation,
        text_problems=patch.duplicates() if options.field_validation != "Ignore" else (),
    )
    if not isinstance(new.get("metadata"), dict):
        new["metadata"] = {}
    check_patched_name(call, new)
    settle_namespace(call, new)
    return new


def check_patched_name(call: Call, new: Object) -> None:
    name = new["metadata"].get("name")
    if name != call.info.name:
        raise BadRequest(f"the name of the object ({name or ''}) does not match the name on the URL ({call.info.name})")


def _patch(call: Call, *, status: bool) -> Answer:
    wanted(call)
    options = patch_options(call)
    patch = read_patch(call, options)
    served = call.served

    async def compute(old: Object) -> Object:
        new, managed = patched(call, patch, options, old)
        if served.conversion:
            new = served.conversion.to_stored(new)
        return await updated(call, served, new, old, status=status, dry_run=options.dry_run, managed=managed)

    if isinstance(patch, Applier) and not status:
        return _apply(call, patch, compute, options)
    return reply_with(call, compute, options)


def _apply(call: Call, applier: Applier, compute: Change, options: WriteOptions) -> Answer:
    """Apply to what is there; where there is nothing, that makes it."""

    async def write() -> Reply:
        info, served, store, dry_run = call.info, call.served, call.parts.store, options.dry_run
        while True:
            if store.get(info.key) is not None:
                try:
                    entry = await change(call, served, info.key, info.name, compute, dry_run=dry_run)
                    return await written_reply(call, entry)
                except NotFound:
                    if store.get(info.key) is not None:
                        raise
            # There is nothing, or no longer.
            await check_may_create(call)
            new, managed = applied_object(call, applier, None)
            try:
                entry = await create(call, served, new, dry_run=dry_run, managed=managed)
                return await written_reply(call, entry, 201)
            except AlreadyExists:
                if store.get(info.key) is None:
                    raise

    return write()


def reply_with(call: Call, compute: Change, options: WriteOptions) -> Answer:
    """Change the named object and answer with what is stored then."""

    async def write() -> Reply:
        info = call.info
        entry = await change(call, call.served, info.key, info.name, compute, dry_run=options.dry_run)
        return await written_reply(call, entry)

    return write()
