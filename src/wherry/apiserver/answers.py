"""Objects and lists as answers, in the form that the client asked for.

The plain form costs nothing: the stored bytes are the answer. The others (Table, PartialObjectMetadata, YAML, another
version) are made from the decoded object.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import orjson

from wherry.api.errors import BadRequest, StatusError
from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.negotiation import YAML, Format, not_acceptable
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import Served
from wherry.apiserver.transforms import partial, table
from wherry.apiserver.versions import ExpiredToken
from wherry.store.port import Entry
from wherry.wire.messages import Headers, Reply, Response, StreamResponse

NO_CACHE = ("Cache-Control", "no-cache, private")
HEADERS = (NO_CACHE,)
_WARNINGS_LETTERS, _WARNING_LETTERS = 4096, 256
"""Of all warnings together, and of each one where that would be too much."""
_GZIP_FROM_BYTES = 128 * 1024


def wanted(call: Call) -> Format:
    """The form the client accepts. Raises `NotAcceptable`."""
    if call.accepted is None:
        raise not_acceptable()
    return call.accepted


def headers_of(call: Call) -> Sequence[tuple[str, str]]:
    return _with_warnings(call.warnings) if call.warnings else HEADERS


def _with_warnings(warnings: Sequence[str]) -> Sequence[tuple[str, str]]:
    return (NO_CACHE, *(("Warning", f'299 - "{_quoted(text)}"') for text in shortened(warnings)))


def shortened(warnings: Sequence[str]) -> list[str]:
    """What fits into the headers: all of it, or the beginning of each, and of many only the first.

    Source: k8s.io/apiserver/pkg/endpoints/filters/warning.go.
    """
    if sum(map(len, warnings)) <= _WARNINGS_LETTERS:
        return list(warnings)
    kept: list[str] = []
    written = 0
    for text in warnings:
        if written >= _WARNINGS_LETTERS:
            break
        kept.append(text[:_WARNING_LETTERS])
        written += len(kept[-1])
    return kept


def _quoted(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).replace("\\", "\\\\").replace('"', '\\"')


async def converted(served: Served, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries with their objects in the served version, where somebody outside has to be asked for that."""
    later = served.conversion.later if served.conversion is not None else None
    return entries if later is None else await later.entries(entries)


async def written_reply(call: Call, entry: Entry, status: int = 200) -> Response:
    """One object that was just written."""
    return entry_reply(call, (await converted(call.served, (entry,)))[0], status)


def served_form(served: Served, entry: Entry) -> Object:
    """The object in the version that was asked for, shared: not to be changed."""
    obj = decoded(entry)
    return served.conversion.from_stored(obj) if served.conversion else obj


def served_bytes(served: Served, entry: Entry) -> bytes:
    if served.conversion is None:
        return entry.value
    stored = decoded(entry)
    obj = served.conversion.from_stored(stored)
    return entry.value if obj is stored else orjson.dumps(obj)


def entry_reply(call: Call, entry: Entry, status: int = 200) -> Response:
    """One stored object."""
    form = wanted(call)
    served = call.served
    if form.plain and "pretty" not in call.query:
        return Response(status, served_bytes(served, entry), headers=headers_of(call))
    return object_reply(call, served_form(served, entry), status)


def object_reply(call: Call, obj: Object, status: int = 200, *, transform: bool = True) -> Response:
    """One object that is not (or not in this form) in the store. Without `transform` Tables are not made of it."""
    form = wanted(call)
    if transform and form.transform:
        obj = _transformed(call, form, obj)
    return data_reply(call, obj, status)


def data_reply(call: Call, obj: Object, status: int = 200) -> Response:
    """Any data in the media type that was asked for."""
    form = wanted(call)
    if form.media == YAML:
        from wherry.machinery.yaml.writer import dump

        return Response(status, dump(obj).encode(), YAML, headers_of(call))
    if "pretty" in call.query and call.parameter("pretty") not in ("", "0", "false"):
        return Response(status, orjson.dumps(obj, option=orjson.OPT_INDENT_2) + b"\n", headers=headers_of(call))
    return Response(status, orjson.dumps(obj), headers=headers_of(call))


def _transformed(call: Call, form: Format, obj: Object) -> Object:
    if form.transform == "Table":
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return table(call, form, [obj], metadata)
    if form.transform == "PartialObjectMetadataList":
        raise BadRequest(
            f"you requested PartialObjectMetadataList, but the requested object is not a list ({obj['kind']})"
        )
    return partial(obj, form.version)


def list_reply(call: Call, entries: Sequence[Entry], metadata: Object) -> Response:
    """A page of objects."""
    form = wanted(call)
    served = call.served
    if form.transform or form.media == YAML or "pretty" in call.query:
        return data_reply(call, _list_object(call, form, entries, metadata))
    head = (
        b'{"kind":"%b","apiVersion":"%b","metadata":'
        % (served.resource.list_kind.encode(), served.api_version.encode())
        + orjson.dumps(metadata)
        + b',"items":['
    )
    if not entries:
        return compressed(call, head + b"]}")
    if served.conversion is None:
        values = [entry.value for entry in entries]
    else:
        values = [served_bytes(served, entry) for entry in entries]
    start, cut = served.item_head, len(served.item_head)
    items = [value[cut:] if value.startswith(start) else _rest_of(served, value) for value in values]
    return compressed(call, head + b"{" + b",{".join(items) + b"]}")


def _rest_of(served: Served, value: bytes) -> bytes:
    """An item without its opening brace, where the kind does not stand first: written by an older version, or converted."""
    obj = orjson.loads(value)
    return orjson.dumps(obj if served.resource.custom else without_kind(obj))[1:]


def without_kind(obj: Object) -> Object:
    """As an item of a list that says what its items are; shares what is inside."""
    return {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}


def _list_object(call: Call, form: Format, entries: Sequence[Entry], metadata: Object) -> Object:
    served = call.served
    objects = [served_form(served, entry) for entry in entries]
    if form.transform == "Table":
        return table(call, form, objects, metadata)
    if form.transform == "PartialObjectMetadata":
        raise BadRequest(f"you requested PartialObjectMetadata, but the requested object is a list ({served.kind}List)")
    if form.transform:
        version = f"meta.k8s.io/{form.version}"
        items = [partial(obj, form.version) for obj in objects]
        return {"kind": form.transform, "apiVersion": version, "metadata": metadata, "items": items}
    return {
        "kind": served.resource.list_kind,
        "apiVersion": served.api_version,
        "metadata": metadata,
        "items": objects if served.resource.custom else [without_kind(obj) for obj in objects],
    }


def compressed(call: Call, body: bytes, content_type: str = "application/json") -> Response:
    """Big answers are compressed where the client can take it."""
    if len(body) < _GZIP_FROM_BYTES or "gzip" not in call.request.headers.get("accept-encoding", ""):
        return Response(200, body, content_type, headers_of(call))
    headers = (*headers_of(call), ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
    return Response(200, gzip.compress(body, compresslevel=1), content_type, headers)


def with_headers(reply: Reply, headers: Headers) -> Reply:
    """The reply with more headers; one that takes the connection over stays as it is."""
    if type(reply) is Response:
        return Response(reply.status, reply.body, reply.content_type, (*reply.headers, *headers))
    if type(reply) is StreamResponse:
        return StreamResponse(reply.produce, reply.status, reply.content_type, (*reply.headers, *headers))
    return reply


def success(*, name: str = "", group: str = "", kind: str = "", uid: str = "") -> Object:
    """A `Status` that says all went well, with what it was about."""
    details = {"name": name, "group": group, "kind": kind, "uid": uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {field: value for field, value in details.items() if value},
    }


def error_reply(error: StatusError, warnings: Sequence[str] = ()) -> Response:
    """A failure as its `Status`, with what the client was warned of on the way."""
    headers: Sequence[tuple[str, str]] = _with_warnings(warnings) if warnings else HEADERS
    if error.retry_after_seconds:
        headers = (*headers, ("Retry-After", str(error.retry_after_seconds)))
    status = error.to_status()
    if isinstance(error, ExpiredToken):
        status["metadata"] = {"continue": error.continue_}
    return Response(error.status_code, orjson.dumps(status), headers=headers)
