"""The object that a client sent for a resource: parsed, of the right kind, in the right namespace, checked by its schema."""

from __future__ import annotations

from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.apiserver.bodies import YAML_TYPES, check_kind, duplicates_in_yaml, media_type, parse
from wherry.apiserver.call import Call
from wherry.apiserver.kinds import decode_object
from wherry.apiserver.negotiation import JSON


def read(call: Call, *, api_version: str, kind: str, field_validation: str) -> Object:
    """The body as an object of the caller's own, in the served version. Raises `BadRequest`, 413, 415."""
    obj = parse(call.request, kind)
    check_kind(obj, api_version, kind)
    media, body = media_type(call.request), call.request.body
    decode_object(
        call,
        obj,
        api_version=api_version,
        kind=kind,
        raw=body if media == JSON else None,
        field_validation=field_validation,
        text_problems=duplicates_in_yaml(body) if media in YAML_TYPES and field_validation != "Ignore" else (),
    )
    if not isinstance(obj.get("metadata"), dict):
        obj["metadata"] = {}
    return obj


def settle_namespace(call: Call, obj: Object) -> None:
    """Take over the request's namespace. Raises `BadRequest` where the object names another one."""
    metadata, namespace = obj["metadata"], call.info.namespace if call.served.namespaced else ""
    given = metadata.get("namespace") or ""
    if not namespace:
        metadata.pop("namespace", None)
    elif not given:
        metadata["namespace"] = namespace
    elif given != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def check_name(call: Call, obj: Object) -> None:
    """The object must be the one that the path names. Raises `BadRequest`."""
    metadata, info = obj["metadata"], call.info
    name, namespace = metadata.get("name") or "", metadata.get("namespace") or ""
    if not name:
        raise BadRequest(f"the name of the object ({info.name} based on URL) was undeterminable: name must be provided")
    if name != info.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({info.name})")
    if namespace and info.namespace and call.served.namespaced and namespace != info.namespace:
        raise BadRequest(
            f"the namespace of the object ({namespace}) does not match the namespace on the request ({info.namespace})"
        )
