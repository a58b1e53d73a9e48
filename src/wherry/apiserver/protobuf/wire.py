"""The wire format of protocol buffers: a message as its fields, in order. Pure.

Source: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are no message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where the next thing begins. Raises `WireError`."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireError("the message ends within a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, int | bytes | float]]:
    """Each field's number and value: an unsigned number, bytes, or a float. Raises `WireError`."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = varint(data, at)
            yield number, value
        elif kind == _BYTES:
            length, at = varint(data, at)
            if at + length > len(data):
                raise WireError("the message ends within a field")
            yield number, data[at : at + length]
            at += length
        elif kind in (_FIXED64, _FIXED32):
            size, form = (8, "<d") if kind == _FIXED64 else (4, "<f")
            if at + size > len(data):
                raise WireError("the message ends within a field")
            yield number, float(struct.unpack_from(form, data, at)[0])
            at += size
        else:
            raise WireError(f"unknown wire type {kind}")


def signed(value: int) -> int:
    """A varint as the two's complement number that it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value
