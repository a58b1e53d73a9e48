"""What the client sent, as an object: JSON, YAML or protobuf, within limits, of the right kind.

Source: k8s.io/apiserver/pkg/endpoints/handlers/rest.go, create.go and negotiation/errors.go.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from wherry.api.errors import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from wherry.api.protobuf import envelope
from wherry.api.protobuf.wire import ProtobufError
from wherry.api.schema.definitions import name_of
from wherry.api.types import Object
from wherry.apiserver.negotiation import ACCEPTED, JSON
from wherry.machinery.go_json import go_json_error
from wherry.wire.messages import Request

LIMIT_BYTES = 3 * 1024 * 1024
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})
_SURROGATES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""A pair of them, or an escaped backslash (both in the group), or one alone."""
_GO_TYPE_META = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)


def media_type(request: Request) -> str:
    """The content type without parameters, in lower case; JSON where none is given."""
    return (request.headers.get("content-type") or JSON).partition(";")[0].strip().lower()


def check_size(body: bytes) -> None:
    """Raises `RequestEntityTooLarge` with upstream's words."""
    if len(body) > LIMIT_BYTES:
        raise RequestEntityTooLarge(f"Request entity too large: limit is {LIMIT_BYTES}")


def unsupported(accepted: str = ACCEPTED) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    )


def parse(request: Request, kind: str) -> Object:
    """The body as a dict. Raises `BadRequest` (of which `kind` says what was expected), 413 and 415."""
    body = request.body
    check_size(body)
    media = media_type(request)
    if media == JSON:
        value = parse_json(body, kind)
    elif media in YAML_TYPES:
        value = parse_yaml(body, kind)
    elif media == envelope.MEDIA_TYPE:
        value = parse_protobuf(body, kind)
    else:
        raise unsupported()
    if value is None:
        return {}  # Go reads null into a struct by leaving it as it is
    if not isinstance(value, dict):
        why = f"json: cannot unmarshal {json_type(value)} into Go value of type {_GO_TYPE_META}"
        raise unrecognized(kind, f"couldn't get version/kind; json parse error: {why}", body)
    return value


def parse_json(body: bytes, kind: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if (readable := _as_go_reads(body)) != body:
            return parse_json(readable, kind)
        why = go_json_error(body, str(error))
        raise unrecognized(kind, f"couldn't get version/kind; json parse error: {why}", body) from error


def _as_go_reads(body: bytes) -> bytes:
    """Bytes that are no UTF-8, and halves of surrogate pairs, are the replacement character, as in Go's decoder."""
    text = body.decode("utf-8", "replace").encode()
    return _SURROGATES.sub(lambda found: found[1] or b"\\ufffd", text)


def parse_yaml(body: bytes, kind: str) -> Any:
    from wherry.machinery.yaml.reader import YamlError, load

    try:
        return load(body)
    except YamlError as error:
        why = f"couldn't get version/kind; json parse error: error converting YAML to JSON: yaml: {error}"
        raise unrecognized(kind, why, body) from error


def duplicates_in_yaml(body: bytes) -> list[str]:
    """What Go's strict reader says of keys that stand twice: one problem with a line for each. The body was parsed before."""
    from wherry.machinery.yaml.duplicates import duplicate_keys

    found = duplicate_keys(body)
    return ["\n  ".join(["yaml: unmarshal errors:", *found])] if found else []


def parse_protobuf(body: bytes, kind: str) -> Object:
    try:
        return envelope.decode(body)
    except ProtobufError as error:
        raise unrecognized(kind, str(error), body) from error


def unrecognized(kind: str, why: str, body: bytes) -> BadRequest:
    return BadRequest(f"the object provided is unrecognized (must be of type {kind}): {why} ({summary(body)})")


def summary(body: bytes, limit: int = 30) -> str:
    """The first bytes for an error message, in hexadecimal unless they look like JSON."""
    if not body:
        return "<empty>"
    start = body[:limit]
    shown = start.decode("utf-8", "replace") if start[:1] == b"{" else start.hex()
    return shown + (" ..." if len(body) > limit else "")


def json_type(value: Any) -> str:
    """The JSON type as Go's decoder names it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    names = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return names.get(type(value), type(value).__name__)


def check_kind(obj: Object, api_version: str, kind: str) -> None:
    """The body must be of the kind that the path is for; what it leaves out is filled in. Raises `BadRequest`."""
    for field in ("apiVersion", "kind"):
        if not isinstance(obj.get(field) or "", str):
            why = f"json: cannot unmarshal {json_type(obj[field])} into Go struct field .{field} of type string"
            raise unrecognized(kind, f"couldn't get version/kind; json parse error: {why}", orjson.dumps(obj))
    given_kind, given_version = obj.get("kind") or kind, obj.get("apiVersion") or api_version
    if given_kind != kind or given_version != api_version:
        raise _wrong_kind(given_version, given_kind, api_version, kind)
    obj["kind"], obj["apiVersion"] = kind, api_version


def _wrong_kind(given_version: str, given_kind: str, api_version: str, kind: str) -> BadRequest:
    short = given_version.rpartition("/")[2]
    subject = f'{given_kind} in version "{short}" cannot be handled as a {kind}'
    if name_of(given_version, given_kind) is None:
        scheme = "pkg/api/legacyscheme/scheme.go:30"
        return BadRequest(
            f'{subject}: no kind "{given_kind}" is registered for version "{given_version}" in scheme "{scheme}"'
        )
    if given_kind != kind:
        package = (api_version.rpartition("/")[0] or "core").partition(".")[0]
        return BadRequest(f"{subject}: converting ({short}.{given_kind}) to ({package}.{kind}): unknown conversion")
    return BadRequest(
        f"the API version in the data ({given_version}) does not match the expected API version ({api_version})"
    )
