"""What a mutating webhook makes of the object: its patch applied at the version it saw, then defaults again.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go (callAttrMutatingHook).
"""

from __future__ import annotations

from typing import Any

import orjson

from wherry.api.errors import BadRequest, InternalError
from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.kinds import decode_object, set_defaults
from wherry.apiserver.updating import keep_metadata
from wherry.apiserver.webhooks.invocation import Match
from wherry.apiserver.webhooks.seen import back, in_version
from wherry.machinery import jsonpatch


async def apply_patch(attributes: Attributes, webhook: str, found: Match, patch: Any) -> bool:
    """Change the object of the write in place; gives whether that made a difference. Raises `StatusError`."""
    obj = attributes.obj
    if obj is None:
        raise _internal(
            f'admission webhook "{webhook}" attempted to modify the object, which is not supported for this operation'
        )
    before = await in_version(obj, found.served) or {}
    try:
        after = jsonpatch.apply(before, jsonpatch.check(patch))
    except jsonpatch.JsonPatchError as error:
        raise _internal(str(error)) from error
    if not isinstance(after, dict):
        raise _internal("the patch leaves no object")
    if after == before:
        return False
    # One's own all through: applying a patch shares what it does not change.
    await take_over(attributes, orjson.loads(orjson.dumps(after)), found)
    return True


async def take_over(attributes: Attributes, after: Object, found: Match) -> None:
    """Put a changed object, at the version of the match, in place of the one of the write. Raises `StatusError`."""
    obj = attributes.obj
    if obj is None:
        return
    kind, api_version = obj.get("kind") or "", obj.get("apiVersion") or ""
    try:
        decode_object(
            attributes.call,
            after,
            api_version=after.get("apiVersion") or "",
            kind=kind,
            raw=None,
            field_validation="Ignore",
        )
    except BadRequest as error:
        raise _internal(error.message) from error
    before = obj.get("metadata") or {}
    namespace, managed = before.get("namespace"), before.get("managedFields")
    changed = await back(after, found.served, api_version)
    obj.clear()
    obj.update(changed)
    _settle(attributes, obj, namespace)
    # Who owns what was worked out before. Whoever says otherwise is checked once everybody was asked.
    if managed is not None and obj["metadata"].get("managedFields") == managed:
        obj["metadata"]["managedFields"] = managed


def _settle(attributes: Attributes, obj: Object, namespace: str | None) -> None:
    """What nobody outside may decide, and the defaults."""
    if not isinstance(obj.get("metadata"), dict):
        obj["metadata"] = {}
    if obj["metadata"].get("namespace") != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    served, old = attributes.served, attributes.old
    if obj.get("kind") != served.kind:
        return
    if old is not None and attributes.operation == "UPDATE":
        keep_metadata(obj, old)
    set_defaults(served.stored if served.conversion is not None else served.resource, obj)


def _internal(why: str) -> InternalError:
    return InternalError(f"Internal error occurred: {why}")
