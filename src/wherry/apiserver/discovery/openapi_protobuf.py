"""The OpenAPI v2 document in protobuf, the only form in which client-go's `OpenAPISchema` asks for it.

Older kubectl, `kubectl explain --output plaintext-openapiv2` and Argo CD read it. Numbers of fields are those of gnostic's
`openapiv2/OpenAPIv2.proto`; values of any kind (extensions, defaults, enums) are YAML in it, and JSON is YAML.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

MEDIA_TYPES = frozenset(
    {
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    }
)
CONTENT_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

Encode = Callable[[int, Any], bytes]
Table = Mapping[str, tuple[int, Encode]]


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_text(number, value) for value in values)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(int(value))


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _any(number: int, value: Any) -> bytes:
    return _bytes(number, _text(2, orjson.dumps(value).decode()))


def _anys(number: int, values: Iterable[Any]) -> bytes:
    return b"".join(_any(number, value) for value in values)


def _named(number: int, name: str, value: bytes) -> bytes:
    """An entry of a map whose values are messages."""
    return _bytes(number, _text(1, name) + _bytes(2, value))


def _message(table: Table, obj: Mapping[str, Any], extension: int) -> bytes:
    """What the table knows of an object, and its `x-` fields; all else has no place in a Swagger document."""
    out = []
    for key, value in obj.items():
        if key.startswith("x-"):
            out.append(_bytes(extension, _text(1, key) + _any(2, value)))
        elif (known := table.get(key)) is not None and value is not None:
            out.append(known[1](known[0], value))
    return b"".join(out)


def _schema(obj: Mapping[str, Any]) -> bytes:
    return _message(_SCHEMA, obj, 31)


def _properties(number: int, values: Mapping[str, Any]) -> bytes:
    return _bytes(number, b"".join(_named(1, name, _schema(value)) for name, value in values.items()))


def _additional(number: int, value: Any) -> bytes:
    return _bytes(number, _integer(2, value) if isinstance(value, bool) else _bytes(1, _schema(value)))


def _type(number: int, value: Any) -> bytes:
    return _bytes(number, _texts(1, [value] if isinstance(value, str) else value))


def _items(number: int, value: Any) -> bytes:
    return _bytes(number, _bytes(1, _schema(value)))


def _all_of(number: int, values: Iterable[Any]) -> bytes:
    return b"".join(_bytes(number, _schema(value)) for value in values)


_SCHEMA: Table = {
    "$ref": (1, _text),
    "format": (2, _text),
    "title": (3, _text),
    "description": (4, _text),
    "default": (5, _any),
    "multipleOf": (6, _double),
    "maximum": (7, _double),
    "exclusiveMaximum": (8, _integer),
    "minimum": (9, _double),
    "exclusiveMinimum": (10, _integer),
    "maxLength": (11, _integer),
    "minLength": (12, _integer),
    "pattern": (13, _text),
    "maxItems": (14, _integer),
    "minItems": (15, _integer),
    "uniqueItems": (16, _integer),
    "maxProperties": (17, _integer),
    "minProperties": (18, _integer),
    "required": (19, _texts),
    "enum": (20, _anys),
    "additionalProperties": (21, _additional),
    "type": (22, _type),
    "items": (23, _items),
    "allOf": (24, _all_of),
    "properties": (25, _properties),
    "example": (30, _any),
}
_SCHEMA_FIELD: tuple[int, Encode] = (5, lambda number, value: _bytes(number, _schema(value)))
_BODY: Table = {
    "description": (1, _text),
    "name": (2, _text),
    "in": (3, _text),
    "required": (4, _integer),
    "schema": _SCHEMA_FIELD,
}
_QUERY: Table = {
    "required": (1, _integer),
    "in": (2, _text),
    "description": (3, _text),
    "name": (4, _text),
    "type": (6, _text),
    "format": (7, _text),
}
_PATH: Table = {**_QUERY, "type": (5, _text), "format": (6, _text)}


def _parameter(obj: Mapping[str, Any]) -> bytes:
    """A `ParametersItem`: of the body, or which of the other places."""
    if obj["in"] == "body":
        return _bytes(1, _bytes(1, _message(_BODY, obj, 6)))
    if obj["in"] == "path":
        return _bytes(1, _bytes(2, _bytes(4, _message(_PATH, obj, 22))))
    return _bytes(1, _bytes(2, _bytes(3, _message(_QUERY, obj, 23))))


def _parameters(number: int, values: Iterable[Any]) -> bytes:
    return b"".join(_bytes(number, _parameter(value)) for value in values)


def _response(obj: Mapping[str, Any]) -> bytes:
    schema = _bytes(2, _bytes(1, _schema(obj["schema"]))) if "schema" in obj else b""
    return _bytes(1, _text(1, obj.get("description", "")) + schema)


def _responses(number: int, values: Mapping[str, Any]) -> bytes:
    return _bytes(number, b"".join(_named(1, code, _response(value)) for code, value in values.items()))


_OPERATION: Table = {
    "tags": (1, _texts),
    "summary": (2, _text),
    "description": (3, _text),
    "operationId": (5, _text),
    "produces": (6, _texts),
    "consumes": (7, _texts),
    "parameters": (8, _parameters),
    "responses": (9, _responses),
    "schemes": (10, _texts),
    "deprecated": (11, _integer),
}
_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def _operation(number: int, value: Mapping[str, Any]) -> bytes:
    return _bytes(number, _message(_OPERATION, value, 13))


_PATH_ITEM: Table = {
    **{method: (number, _operation) for method, number in _METHODS.items()},
    "parameters": (9, _parameters),
}
_INFO: Table = {"title": (1, _text), "version": (2, _text), "description": (3, _text)}


def encode(document: Mapping[str, Any]) -> bytes:
    """The whole document."""
    paths = b"".join(_named(2, path, _message(_PATH_ITEM, item, 10)) for path, item in document["paths"].items())
    definitions = b"".join(_named(1, name, _schema(value)) for name, value in document["definitions"].items())
    info = _message(_INFO, document["info"], 7)
    return _text(1, document["swagger"]) + _bytes(2, info) + _bytes(8, paths) + _bytes(9, definitions)
