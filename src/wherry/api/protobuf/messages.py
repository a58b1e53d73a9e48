"""Messages as JSON would have said them.

Go writes every field that is no pointer, empty or not, and JSON leaves most of these out when they are empty. The message
does not tell which is which. So empty strings and zeros are left out, except those that mean something by being there:
`POINTERS`, the optional scalars of the Go types (in a status, which no client of ours creates, they are plain numbers).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from wherry.api.protobuf.wire import ProtobufError, fields, signed, varint
from wherry.base.times import rfc3339, rfc3339_micro

_MAX_DEPTH = 100

POINTERS = frozenset(
    """
    activeDeadlineSeconds allocateLoadBalancerNodePorts allowPrivilegeEscalation attachRequired automountServiceAccountToken
    backoffLimit backoffLimitPerIndex blockOwnerDeletion completions controller currentReplicas defaultMode
    deletionGracePeriodSeconds enableServiceLinks expirationSeconds failedJobsHistoryLimit fsGroup fsGroupChangePolicy
    gracePeriodSeconds hostUsers immutable ingressClassName limit maxFailedIndexes maxReplicas maxSkewSeconds minDomains
    minReplicas mode optional orphanDependents parallelism partition podInfoOnMount priority privileged procMount
    progressDeadlineSeconds readOnlyRootFilesystem replicas requiresRepublish revisionHistoryLimit runAsGroup
    runAsNonRoot runAsUser seLinuxMount serving setHostnameAsFQDN shareProcessNamespace stabilizationWindowSeconds
    startingDeadlineSeconds storageCapacity storageClassName successfulJobsHistoryLimit suspend terminating
    terminationGracePeriodSeconds tolerationSeconds ttlSecondsAfterFinished volumeAttributesClassName
    """.split()  # noqa: SIM905 - a table of words reads better than a list of strings
)


class _Field(NamedTuple):
    name: str
    shape: str
    """Empty for one, `*` repeated, `%` map, `~` inlined."""
    type: str


def decode(message: str, data: bytes, depth: int = 0) -> Any:
    """A message by its name (`core.v1.Pod`) as a JSON value. Unknown fields are left out. Raises `ProtobufError`."""
    if depth > _MAX_DEPTH:
        raise ProtobufError("messages are nested too deeply")
    if special := _SPECIAL.get(message):
        return special(data)
    known = _fields_of(message)
    pointers: frozenset[str] = frozenset() if message.endswith("Status") else POINTERS
    result: dict[str, Any] = {}
    for number, raw in fields(data):
        field = known.get(number)
        if field is not None:
            _put(result, field, raw, depth, pointers)
    return result


def _put(result: dict[str, Any], field: _Field, raw: int | bytes, depth: int, pointers: frozenset[str]) -> None:
    if field.shape == "%":
        key, value = _entry(field.type, _bytes(raw), depth)
        result.setdefault(field.name, {})[key] = value
    elif field.shape == "*":
        values = result.setdefault(field.name, [])
        values.extend(_repeated(field.type, raw, depth))
    elif field.shape == "~":
        result.update(decode(field.type, _bytes(raw), depth + 1))
    else:
        value = _value(field.type, raw, depth)
        if value is not None and (value not in ("", 0) or field.name in pointers):
            result[field.name] = value


def _value(kind: str, raw: int | bytes, depth: int) -> Any:
    scalar = _SCALARS.get(kind)
    return scalar(raw) if scalar else decode(kind, _bytes(raw), depth + 1)


def _repeated(kind: str, raw: int | bytes, depth: int) -> list[Any]:
    """One element, or several numbers packed together."""
    if kind in ("i", "b") and isinstance(raw, bytes):
        numbers, position = [], 0
        while position < len(raw):
            number, position = varint(raw, position)
            numbers.append(_SCALARS[kind](number))
        return numbers
    return [_value(kind, raw, depth)]


def _entry(kind: str, data: bytes, depth: int) -> tuple[str, Any]:
    key, value = "", _EMPTY.get(kind)
    for number, raw in fields(data):
        if number == 1:
            key = _text(raw)
        elif number == 2:
            value = _value(kind, raw, depth)
    return key, {} if value is None else value


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise ProtobufError("a number stands where a message should be")
    return raw


def _text(raw: int | bytes) -> str:
    try:
        return _bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("a string is not valid UTF-8") from error


def _integer(raw: int | bytes) -> int:
    if isinstance(raw, bytes):
        raise ProtobufError("a message stands where a number should be")
    return signed(raw)


def _double(raw: int | bytes) -> float:
    data = _bytes(raw)
    if len(data) != 8:
        raise ProtobufError("a double has 8 bytes")
    return float(struct.unpack("<d", data)[0])


_SCALARS: dict[str, Callable[[int | bytes], Any]] = {
    "s": _text,
    "i": _integer,
    "b": lambda raw: bool(_integer(raw)),
    "B": lambda raw: base64.b64encode(_bytes(raw)).decode(),
    "d": _double,
}
_EMPTY: dict[str, Any] = {"s": "", "i": 0, "b": False, "B": ""}


def _numbers(data: bytes) -> dict[int, int | bytes]:
    return dict(fields(data))


def _moment(write: Callable[[float], str]) -> Callable[[bytes], str | None]:
    def convert(data: bytes) -> str | None:
        found = _numbers(data)
        if not found:
            return None
        try:
            return write(_integer(found.get(1, 0)) + _integer(found.get(2, 0)) / 1e9)
        except (OverflowError, ValueError) as error:
            raise ProtobufError("a time is out of range") from error

    return convert


def _quantity(data: bytes) -> str:
    return _text(_numbers(data).get(1, b""))


def _int_or_string(data: bytes) -> int | str:
    found = _numbers(data)
    return _text(found.get(3, b"")) if found.get(1) else _integer(found.get(2, 0))


def _raw_json(data: bytes) -> Any:
    import json

    raw = _bytes(_numbers(data).get(1, b""))
    try:
        return json.loads(raw) if raw else None
    except ValueError as error:
        raise ProtobufError("embedded JSON is malformed") from error


def _items(data: bytes) -> list[str]:
    return [_text(raw) for number, raw in fields(data) if number == 1]


_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    "meta.v1.Time": _moment(rfc3339),
    "meta.v1.MicroTime": _moment(rfc3339_micro),
    "resource.Quantity": _quantity,
    "intstr.IntOrString": _int_or_string,
    "meta.v1.FieldsV1": _raw_json,
    "runtime.RawExtension": _raw_json,
    "authentication.v1.ExtraValue": _items,
    "authorization.v1.ExtraValue": _items,
    "certificates.v1.ExtraValue": _items,
}


@cache
def _table() -> dict[str, str]:
    """Message name to the rest of its line."""
    text = resources.files(__package__).joinpath("messages.txt").read_text()
    lines = (line.partition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: rest for name, _, rest in lines}


def known(message: str) -> bool:
    return message in _table()


@cache
def _fields_of(message: str) -> dict[int, _Field]:
    package = message.rpartition(".")[0]
    result = {}
    for word in _table()[message].split():
        name, _, rest = word.partition("=")
        number, _, kind = rest.partition(":")
        shape = kind[0] if kind[0] in "*%~" else ""
        kind = kind.removeprefix(shape)
        scalar_or_full = kind in _SCALARS or "." in kind
        result[int(number)] = _Field(name, shape, kind if scalar_or_full else f"{package}.{kind}")
    return result
