"""SPDY/3.1 frames (draft-mbelshe-httpbis-spdy-00 with 3.1's session window) without I/O: bytes to frames and back.

`FrameReader.feed` takes bytes however they are cut and gives the whole frames in them; `FrameWriter` turns frames into
bytes. Both keep the state of header compression, so each serves one direction of one connection, and every frame must
pass through them in order. What frames mean for streams is decided in `spdy_session`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from wherry.wire.errors import ProtocolError
from wherry.wire.spdy_dictionary import dictionary

VERSION = 3
FIN = 0x01
UNIDIRECTIONAL = 0x02
MAX_DATA = (1 << 24) - 1
_HEADER_BLOCK_LIMIT = 1 << 20
_ID = 0x7FFFFFFF

HeaderBlock = Mapping[str, str]
"""Lower-case names; of repeated headers the values are joined with a NUL, as on the wire."""


class Status(IntEnum):
    """Why a stream was reset."""

    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    UNSUPPORTED_VERSION = 4
    CANCEL = 5
    INTERNAL_ERROR = 6
    FLOW_CONTROL_ERROR = 7
    STREAM_IN_USE = 8
    STREAM_ALREADY_CLOSED = 9
    FRAME_TOO_LARGE = 11


@dataclass(frozen=True, slots=True)
class SynStream:
    stream: int
    headers: HeaderBlock = field(default_factory=dict)
    fin: bool = False
    unidirectional: bool = False
    associated: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class SynReply:
    stream: int
    headers: HeaderBlock = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class RstStream:
    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class Settings:
    values: Mapping[int, int]
    """By identifier; 4 is the most concurrent streams, 7 the initial window of a stream."""


@dataclass(frozen=True, slots=True)
class Ping:
    id: int


@dataclass(frozen=True, slots=True)
class GoAway:
    last_good_stream: int
    status: int = 0


@dataclass(frozen=True, slots=True)
class HeadersFrame:
    stream: int
    headers: HeaderBlock
    fin: bool = False


@dataclass(frozen=True, slots=True)
class WindowUpdate:
    stream: int
    """0 is the whole session."""
    delta: int


@dataclass(frozen=True, slots=True)
class Data:
    stream: int
    data: bytes
    fin: bool = False


Frame = SynStream | SynReply | RstStream | Settings | Ping | GoAway | HeadersFrame | WindowUpdate | Data

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9


def encode_header_block(headers: HeaderBlock) -> bytes:
    """Uncompressed."""
    parts = [struct.pack("!I", len(headers))]
    for name, value in headers.items():
        for text in (name.lower().encode(), value.encode()):
            parts += (struct.pack("!I", len(text)), text)
    return b"".join(parts)


def decode_header_block(block: bytes) -> dict[str, str]:
    """Raises `ProtocolError`."""
    texts: list[str] = []
    (count,) = _unpack("!I", block, 0)
    position = 4
    for _ in range(2 * count):
        (size,) = _unpack("!I", block, position)
        position += 4
        if position + size > len(block):
            raise ProtocolError("SPDY: a header block is cut short")
        texts.append(block[position : position + size].decode("utf-8", "replace"))
        position += size
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _unpack(layout: str, data: bytes, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, offset)
    except struct.error:
        raise ProtocolError("SPDY: a frame is cut short") from None


class FrameWriter:
    """Frames to bytes. Not for several connections: the compression has a memory."""

    def __init__(self) -> None:
        self._compress = zlib.compressobj(zdict=dictionary())

    def encode(self, frame: Frame) -> bytes:
        """The bytes must be sent, in the order of the calls: those behind depend on them."""
        match frame:
            case Data(stream, data, fin):
                return struct.pack("!II", stream & _ID, (FIN if fin else 0) << 24 | len(data)) + data
            case SynStream():
                flags = (FIN if frame.fin else 0) | (UNIDIRECTIONAL if frame.unidirectional else 0)
                fixed = struct.pack("!IIBB", frame.stream, frame.associated, frame.priority << 5, 0)
                return _control(_SYN_STREAM, fixed + self._block(frame.headers), flags)
            case SynReply(stream, headers, fin):
                return _control(_SYN_REPLY, struct.pack("!I", stream) + self._block(headers), FIN if fin else 0)
            case HeadersFrame(stream, headers, fin):
                return _control(_HEADERS, struct.pack("!I", stream) + self._block(headers), FIN if fin else 0)
            case RstStream(stream, status):
                return _control(_RST_STREAM, struct.pack("!II", stream, status))
            case Settings(values):
                entries = b"".join(struct.pack("!II", key, value) for key, value in values.items())
                return _control(_SETTINGS, struct.pack("!I", len(values)) + entries)
            case Ping(identifier):
                return _control(_PING, struct.pack("!I", identifier))
            case GoAway(last, status):
                return _control(_GOAWAY, struct.pack("!II", last, status))
            case WindowUpdate(stream, delta):
                return _control(_WINDOW_UPDATE, struct.pack("!II", stream, delta))

    def _block(self, headers: HeaderBlock) -> bytes:
        return self._compress.compress(encode_header_block(headers)) + self._compress.flush(zlib.Z_SYNC_FLUSH)


def _control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack("!HHI", 0x8000 | VERSION, kind, flags << 24 | len(payload)) + payload


class FrameReader:
    """Bytes to frames. After `ProtocolError` the connection cannot be understood any further."""

    def __init__(self) -> None:
        self._decompress = zlib.decompressobj(zdict=dictionary())
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Iterate to the end before the next call. Raises `ProtocolError`; control frames nobody knows are skipped."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 8:
            first, second = struct.unpack_from("!II", buffer)
            flags, size = second >> 24, second & 0xFFFFFF
            if len(buffer) < 8 + size:
                return
            payload = bytes(memoryview(buffer)[8 : 8 + size])
            del buffer[: 8 + size]
            if not first & 0x80000000:
                yield Data(first & _ID, payload, bool(flags & FIN))
            elif (frame := self._control(first, flags, payload)) is not None:
                yield frame

    def _control(self, first: int, flags: int, payload: bytes) -> Frame | None:
        version, kind = first >> 16 & 0x7FFF, first & 0xFFFF
        if version != VERSION:
            raise ProtocolError(f"SPDY: version {version} is not spoken here")
        fin = bool(flags & FIN)
        numbers = _unpack("!" + "I" * (min(len(payload), 8) // 4), payload, 0)
        match kind, numbers:
            case (1, (stream, associated)):
                (priority,) = _unpack("!B", payload, 8)
                headers = self._headers(payload[10:])
                return SynStream(
                    stream & _ID, headers, fin, bool(flags & UNIDIRECTIONAL), associated & _ID, priority >> 5
                )
            case (2, (stream, *_)):
                return SynReply(stream & _ID, self._headers(payload[4:]), fin)
            case (8, (stream, *_)):
                return HeadersFrame(stream & _ID, self._headers(payload[4:]), fin)
            case (3, (stream, status)):
                return RstStream(stream & _ID, status)
            case (4, (count, *_)):
                pairs = _unpack(f"!{2 * count}I", payload, 4) if count * 8 <= len(payload) else _unpack("!Q", b"", 0)
                return Settings({key & 0xFFFFFF: value for key, value in zip(pairs[::2], pairs[1::2], strict=True)})
            case (6, (identifier, *_)):
                return Ping(identifier)
            case (7, (last, status)):
                return GoAway(last & _ID, status)
            case (9, (stream, delta)):
                return WindowUpdate(stream & _ID, delta & _ID)
        if kind in (1, 2, 3, 4, 6, 7, 8, 9):
            raise ProtocolError("SPDY: a frame is cut short")
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._decompress.decompress(block, _HEADER_BLOCK_LIMIT)
        except zlib.error as error:
            raise ProtocolError(f"SPDY: headers cannot be decompressed: {error}") from error
        if self._decompress.unconsumed_tail:
            raise ProtocolError("SPDY: a header block is too large")
        return decode_header_block(plain)
