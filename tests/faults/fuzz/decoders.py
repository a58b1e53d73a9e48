"""Everything that reads bytes or text of others: what it is fed with, and how it may refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from wherry.api.errors import StatusError
from wherry.api.protobuf import envelope
from wherry.api.protobuf.wire import ProtobufError
from wherry.api.schema.patching import patch_schema
from wherry.apiserver import bodies
from wherry.machinery import (
    field_selectors,
    go_duration,
    go_regex,
    gotime,
    jsonpatch,
    jsonpath,
    mergepatch,
    quantity,
    selectors,
    strategic,
)
from wherry.machinery.cel.kubernetes import kubernetes
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import DYN
from wherry.machinery.fieldsets import managers
from wherry.machinery.yaml import reader
from wherry.wire.errors import PeerClosed, ProtocolError
from wherry.wire.memory import pipe
from wherry.wire.messages import Peer, Request
from wherry.wire.request_parser import Rejected, RequestParser, UpgradeSeen
from wherry.wire.response_parser import ResponseParser
from wherry.wire.server_options import ServerOptions
from wherry.wire.spdy import FrameReader, FrameWriter, SynStream, decode_header_block
from wherry.wire.websocket import WebSocket

POD: Any = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "labels": {"a": "b"}, "finalizers": ["x/y"]},
    "spec": {
        "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": "1"}}}],
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoder:
    """`run` must end, and raise nothing but `refusals`."""

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refusals: tuple[type[Exception], ...] = ()


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _body(media_type: str) -> Callable[[bytes], object]:
    def run(data: bytes) -> object:
        return bodies.parse(Request.make("POST", "/", headers={"content-type": media_type}, body=data), "Pod")

    return run


def _jsonpath(data: bytes) -> None:
    jsonpath.compile_template(_text(data)).render(POD)


def _json_patch(data: bytes) -> None:
    if (patch := _json(data)) is not None:
        jsonpatch.apply(POD, jsonpatch.check(patch))


def _merge_patch(data: bytes) -> None:
    patch = _json(data)
    changed = mergepatch.apply(POD, patch)
    if isinstance(changed, dict):
        mergepatch.create(POD, changed)


def _strategic(data: bytes) -> None:
    schema = patch_schema("v1", "Pod")
    assert schema is not None
    if isinstance(patch := _json(data), dict):
        strategic.apply(POD, patch, schema)
        strategic.combine(patch, patch, schema)


def _managed_fields(data: bytes) -> None:
    if isinstance(found := _json(data), list):
        managers.encode(managers.decode(found, trusted=False))


_ENVIRONMENT = kubernetes({"self": DYN, "x": DYN})


def _cel(data: bytes) -> None:
    _ENVIRONMENT.compile(_text(data))


def _regex(data: bytes) -> None:
    go_regex.compile_go(_text(data)[:200]).search("aaaaaaaaaaaaaaaaab" * 5)


class _Sink:
    def on_request(self, request: Request, keep_alive: bool, http10: bool) -> None: ...

    def on_expect_continue(self) -> None: ...


def _request(data: bytes) -> None:
    parser = RequestParser(_Sink(), Peer("", 0), ServerOptions(body_limit=1000, head_limit=1000))
    for start in range(0, len(data), 50):
        parser.feed(data[start : start + 50])


def _response(data: bytes) -> None:
    parser = ResponseParser()
    for start in range(0, len(data), 50):
        parser.feed(data[start : start + 50])


def _spdy(data: bytes) -> None:
    reader_ = FrameReader()
    for start in range(0, len(data), 50):
        list(reader_.feed(data[start : start + 50]))


def _websocket(data: bytes) -> None:
    async def converse() -> None:
        one, other = pipe()
        server = WebSocket(other, client=False, message_limit=500)
        await one.write(data)
        one.close()
        while await server.receive() is not None:
            pass

    asyncio.run(asyncio.wait_for(converse(), 10))


_SPDY = FrameWriter()
_OPENED = _SPDY.encode(SynStream(1, {"streamtype": "error", "port": "80"})) if hasattr(_SPDY, "encode") else b""
_FIELDS = b'[{"manager":"a","operation":"Apply","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:containers":{"k:{\\"name\\":\\"c\\"}":{".":{},"f:image":{}},"v:\\"x\\"":{},"i:0":{}}}}}]'
_REQUEST = (
    b"POST /api/v1/pods?limit=5 HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)
_CHUNKED = b"PATCH /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n"
_UPGRADE = b"GET /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
_PROTOBUF = bytes.fromhex("6b3873000a090a02763112 03506f64 12120a0d0a0161120022002a003200380042 00".replace(" ", ""))

DECODERS: dict[str, Decoder] = {
    "json": Decoder(_body("application/json"), (orjson.dumps(POD), b'{"a":[1,2.5,"x\\n",null,true]}'), (StatusError,)),
    "yaml": Decoder(
        _body("application/yaml"),
        (b"a: &x [1, 2.5, 'q']\nb: *x\nc: |\n  text\nd: {e: ~, f: !!str 1}\n? g\n: h\n", b"2026-01-01: 0x1F\nyes: 1_000\n<<: {a: 1}\n", orjson.dumps(POD)),
        (StatusError,),
    ),
    "yaml documents": Decoder(lambda data: list(reader.documents(data)), (b"a: 1\n---\nb: [2]\n...\n--- !!map\nc: d\n",), (reader.YamlError,)),
    "protobuf": Decoder(envelope.decode, (_PROTOBUF, b"k8s\0\n\x0b\n\x02v1\x12\x05Event\x12\x04\n\x02\n\0"), (ProtobufError,)),
    "quantity": Decoder(lambda data: quantity.canonical(_text(data)), (b"1", b"-1.5Gi", b"100m", b"1e3", b"1E", b".5n", b"9223372036854775807Ei"), (quantity.QuantityError,)),
    "label selector": Decoder(lambda data: selectors.parse(_text(data)).matches({"a": "b"}), (b"a=b,c!=d,e in (f, g),!h,i>1", b"x notin (), y"), (ValueError,)),
    "field selector": Decoder(lambda data: field_selectors.parse_fields(_text(data)), (b"metadata.name=a,status.phase!=b", b"a=\\,\\=b"), (ValueError,)),
    "jsonpath": Decoder(_jsonpath, (b"{.metadata.name}", b'{range .spec.containers[*]}{.name}{"\\n"}{end}', b"{.spec.containers[?(@.name=='c')].ports[0:-1:2]}", b"{..name}{['a','b']}{@}{$}"), (ValueError,)),
    "json patch": Decoder(_json_patch, (b'[{"op":"test","path":"/metadata/name","value":"a"},{"op":"add","path":"/spec/containers/-","value":{}}]', b'[{"op":"move","from":"/spec","path":"/x"},{"op":"copy","from":"/x","path":"/y"},{"op":"remove","path":"/metadata/labels/a"},{"op":"replace","path":"","value":1}]'), (jsonpatch.JsonPatchError,)),
    "merge patch": Decoder(_merge_patch, (b'{"spec":{"containers":null,"x":{"y":[1]}},"metadata":[]}',)),
    "strategic patch": Decoder(_strategic, (b'{"spec":{"containers":[{"name":"c","$patch":"delete"},{"$patch":"replace"}],"$setElementOrder/containers":[{"name":"c"}]}}', b'{"metadata":{"$deleteFromPrimitiveList/finalizers":["x/y"],"labels":{"$retainKeys":["a"]}},"spec":{"tolerations":[{"key":"k"}]}}'), (ValueError,)),
    "managed fields": Decoder(_managed_fields, (_FIELDS,), (ValueError,)),
    "cel": Decoder(_cel, (b"self.all(i, i.name.startsWith('a') && size(i.b) > 1 ? true : x[0] == {'a': 1.5})", b"quantity('1').isLessThan(quantity('2')) || x.?a.orValue([]).exists(y, y in [b'\\x00', r'\\d'])", b"duration('1h') + timestamp('2026-01-01T00:00:00Z') == x.matches('^a+$')"), (CompileError,)),
    "regular expression": Decoder(_regex, (b"^(a|b)*[^c-f]{2,5}?\\d+$", b"(?i:x)(?P<n>y)\\b.\\x{41}[[:alpha:]]"), (ValueError,)),
    "duration": Decoder(lambda data: go_duration.parse_duration(_text(data)), (b"1h2m3.5s", b"-1.5us", b"100ms"), (go_duration.DurationError,)),
    "time": Decoder(lambda data: gotime.normal_micro_time(_text(data)), (b"2026-01-01T00:00:00.123456Z", b"2026-02-29T23:59:60+01:00"), (gotime.TimeError,)),
    "http request": Decoder(_request, (_REQUEST, _CHUNKED, _UPGRADE, _REQUEST + _CHUNKED), (Rejected, UpgradeSeen)),
    "http response": Decoder(_response, (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 101 X\r\nUpgrade: y\r\nConnection: Upgrade\r\n\r\nz", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), (ProtocolError,)),
    "spdy": Decoder(_spdy, (_OPENED, b"\x80\x03\0\x06\0\0\0\4\0\0\0\1\0\0\0\1\1\0\0\2hi", b"\x80\3\0\4\0\0\0\x0c\0\0\0\1\0\0\0\4\0\0\0\5"), (ProtocolError,)),
    "spdy headers": Decoder(decode_header_block, (b"\0\0\0\1\0\0\0\1a\0\0\0\1b",), (ProtocolError,)),
    "websocket": Decoder(_websocket, (b"\x81\x82abcd\0\0\x88\x80abcd", b"\x02\x83abcdxyz\x80\x81abcde\x89\x80abcd", b"\x82\xfe\0\x80abcd" + b"q" * 128), (ProtocolError, PeerClosed)),
}  # fmt: skip
