"""Patch: JSON patch, merge patch and strategic merge patch on the newest state.

A patch that does not name a resourceVersion is applied again to whatever is there when it could not be written.
Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

import orjson

from wherry.api.errors import BadRequest, UnsupportedMediaType
from wherry.api.types import Object
from wherry.apiserver.answers import wanted, written_reply
from wherry.apiserver.bodies import check_kind, check_size, media_type
from wherry.apiserver.body_object import settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.kinds import decode_object
from wherry.apiserver.options import WriteOptions, write_options
from wherry.apiserver.patching import PATCHES, STRATEGIC_PATCH, Patch, apply
from wherry.apiserver.updating import updated
from wherry.apiserver.writes import Change, change
from wherry.wire.messages import Reply


def handle(call: Call) -> Answer:
    return _patch(call, status=False)


def handle_status(call: Call) -> Answer:
    """The same for the status subresource."""
    return _patch(call, status=True)


def read_patch(call: Call) -> Patch:
    """The patch in the body. Raises `UnsupportedMediaType`, `BadRequest`, 413."""
    kind = media_type(call.request)
    if kind not in PATCHES or (kind == STRATEGIC_PATCH and call.served.resource.custom is not None):
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(each for each in PATCHES if each != kind)
        )
    check_size(call.request.body)
    patch = Patch(kind, call.request.body)
    patch.content()
    return patch


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
    _check_name(call, new)
    settle_namespace(call, new)
    return new


def _check_name(call: Call, new: Object) -> None:
    name = new["metadata"].get("name")
    if name != call.info.name:
        raise BadRequest(f"the name of the object ({name or ''}) does not match the name on the URL ({call.info.name})")


def _patch(call: Call, *, status: bool) -> Answer:
    wanted(call)
    options = write_options(call, "PatchOptions")
    patch = read_patch(call)
    served = call.served

    async def compute(old: Object) -> Object:
        new = patched_object(call, patch, options, old)
        if served.conversion:
            new = served.conversion.to_stored(new)
        return await updated(call, served, new, old, status=status, dry_run=options.dry_run)

    return reply_with(call, compute, options)


def reply_with(call: Call, compute: Change, options: WriteOptions) -> Answer:
    """Change the named object and answer with what is stored then."""

    async def write() -> Reply:
        info = call.info
        entry = await change(call, call.served, info.key, info.name, compute, dry_run=options.dry_run)
        return await written_reply(call, entry)

    return write()
