"""A message as the JSON object that it stands for: numbers from `fields`, types from the schema.

What always holds: nothing is guessed; a message or a field that is not known fails the whole body.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson

from wherry.api.schema.definitions import name_of, structure
from wherry.api.types import Object
from wherry.apiserver.protobuf.fields import FIELDS, numbered
from wherry.apiserver.protobuf.wire import WireError, fields, signed
from wherry.base.times import rfc3339, rfc3339_micro

MAGIC = b"k8s\x00"
_PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.")
_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
Value = int | bytes | float


class Unlisted(ValueError):
    """A message or field whose number is not in the table."""


def decode(body: bytes) -> Object:
    """The object in an envelope. Raises `WireError`, `Unlisted`."""
    if not body.startswith(MAGIC):
        raise WireError("the body has no Kubernetes envelope")
    api_version = kind = ""
    raw = b""
    for number, value in fields(body[len(MAGIC) :]):
        if number == 1 and isinstance(value, bytes):
            for inner, text in fields(value):
                if inner == 1:
                    api_version = _text(text)
                elif inner == 2:
                    kind = _text(text)
        elif number == 2 and isinstance(value, bytes):
            raw = value
    name = _DELETE_OPTIONS if kind == "DeleteOptions" else name_of(api_version, kind)
    if name is None:
        raise Unlisted(f"{api_version} {kind}")
    return {"apiVersion": api_version, "kind": kind, **message(name, raw)}


def message(definition: str, data: bytes) -> Object:
    """A message of a definition, by its full name."""
    return _message(_short(definition), structure()[definition].get("properties") or {}, data)


def _short(definition: str) -> str:
    for prefix in _PREFIXES:
        if definition.startswith(prefix):
            return definition.removeprefix(prefix)
    return definition


@cache
def _numbers(short: str) -> Mapping[int, str]:
    line = FIELDS.get(short)
    if line is None:
        raise Unlisted(short)
    return numbered(line)


def _message(short: str, properties: Mapping[str, Any], data: bytes) -> Object:
    found: Object = {}
    numbers = _numbers(short)
    for number, value in fields(data):
        word = numbers.get(number)
        if word is None:
            raise Unlisted(f"{short}, field {number}")
        if word.startswith("~"):
            found.update(_message(word[1:], properties, _bytes(value)))
            continue
        name, kept = word.rstrip("*"), word.endswith("*")
        _take(found, name, properties[name], value, kept)
    return found


def _take(found: Object, name: str, schema: Mapping[str, Any], value: Value, kept: bool) -> None:
    """Put one field into the object. Zeros of fields that are always sent mean that they are not set."""
    kind = schema.get("type")
    if kind == "array":
        found.setdefault(name, []).append(_scalar(schema["items"], value))
    elif kind == "object" and "additionalProperties" in schema:
        key, item = _entry(schema["additionalProperties"], _bytes(value))
        found.setdefault(name, {})[key] = item
    else:
        decoded = _scalar(schema, value)
        if kept or (decoded is not None and decoded not in ("", 0, False)):
            found[name] = decoded


def _entry(schema: Mapping[str, Any], data: bytes) -> tuple[str, Any]:
    key, item = "", None
    for number, value in fields(data):
        if number == 1:
            key = _text(value)
        elif schema.get("type") == "array":
            # A list in a map is a message of its own, with the items as field 1.
            item = [_scalar(schema["items"], each) for _, each in fields(_bytes(value))]
        else:
            item = _scalar(schema, value)
    return key, item


def _scalar(schema: Mapping[str, Any], value: Value) -> Any:
    reference = schema.get("$ref")
    if reference:
        definition = reference.removeprefix("#/definitions/")
        special = _SPECIAL.get(definition.rpartition(".")[2])
        return special(_bytes(value)) if special else message(definition, _bytes(value))
    kind = schema.get("type")
    if kind == "string":
        return b64encode(_bytes(value)).decode() if schema.get("format") == "byte" else _text(value)
    if kind == "boolean":
        return bool(value)
    if kind == "integer":
        if not isinstance(value, int):
            raise WireError("a number was expected")
        return signed(value)
    if kind == "number":
        return value
    return message_of_any(_bytes(value))


def message_of_any(data: bytes) -> Any:
    """Raw JSON inside a message."""
    for number, value in fields(data):
        if number == 1:
            return orjson.loads(_bytes(value))
    return None


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise WireError("bytes were expected")
    return value


def _text(value: Value) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise WireError("a text is no UTF-8") from error


def _time(data: bytes) -> str | None:
    values = dict(fields(data))
    seconds = values.get(1)
    return rfc3339(signed(seconds)) if isinstance(seconds, int) and values else None


def _micro_time(data: bytes) -> str | None:
    values = dict(fields(data))
    seconds, nanos = values.get(1, 0), values.get(2, 0)
    if not values or not isinstance(seconds, int) or not isinstance(nanos, int):
        return None
    return rfc3339_micro(signed(seconds) + nanos / 1e9)


def _quantity(data: bytes) -> str:
    return next((_text(value) for number, value in fields(data) if number == 1), "0")


def _int_or_string(data: bytes) -> int | str:
    values = dict(fields(data))
    number = values.get(2, 0)
    if values.get(1):
        return _text(values.get(3, b""))
    return signed(number) if isinstance(number, int) else 0


_SPECIAL: Mapping[str, Callable[[bytes], Any]] = {
    "Time": _time,
    "MicroTime": _micro_time,
    "Quantity": _quantity,
    "IntOrString": _int_or_string,
    "RawExtension": message_of_any,
    "FieldsV1": message_of_any,
}
