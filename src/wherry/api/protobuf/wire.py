"""The protobuf encoding: a message as pairs of field number and raw value.

Source: protobuf.dev "Encoding". Groups, which Kubernetes does not use, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

_MAX_VARINT_BITS = 70


class ProtobufError(ValueError):
    """The bytes are not the message that they should be."""


def varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at a position, and the position behind it. Raises `ProtobufError`."""
    result = shift = 0
    while shift < _MAX_VARINT_BITS:
        try:
            byte = data[position]
        except IndexError:
            raise ProtobufError("unexpected end of data") from None
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
    raise ProtobufError("a number has more than 64 bits")


def signed(number: int) -> int:
    """A varint as the two's complement integer of 64 bits that it stands for."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Every field in order: its number, and an integer (varint) or bytes (all else). Raises `ProtobufError`."""
    position, end = 0, len(data)
    while position < end:
        tag, position = varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = varint(data, position)
            yield number, value
            continue
        if kind == 2:
            length, position = varint(data, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ProtobufError(f"wire type {kind} is not used")
        if number == 0 or position + length > end:
            raise ProtobufError("unexpected end of data")
        yield number, data[position : position + length]
        position += length
