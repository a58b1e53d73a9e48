"""DNS messages: queries read, answers written. Pure.

Reading never trusts a length or a pointer: anything that does not fit raises `Malformed`.
Source: RFC 1035, section 4; RFC 6891 (EDNS).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from wherry.network.dns.records import Malformed, Record, Type, Writer

HEADER = struct.Struct("!HHHHHH")
_MAX_LABELS = 128

PLAIN_UDP_SIZE = 512
UDP_SIZE = 1232
"""The largest answer by UDP that passes every network without fragments (DNS flag day 2020)."""

_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSE, _CAN_RECURSE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
_DNSSEC_OK = 0x8000


class Code(IntEnum):
    """Response codes."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question as it came. `name` keeps the case in which it was asked; `udp_size` is what the client can take."""

    id: int
    name: str
    type: int
    class_: int
    recurse: bool = True
    edns: bool = False
    version: int = 0
    dnssec: bool = False
    udp_size: int = PLAIN_UDP_SIZE

    @property
    def key(self) -> str:
        """The name for looking it up."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to say to a query."""

    code: Code = Code.NOERROR
    authoritative: bool = True
    records: Sequence[Record] = ()
    authority: Sequence[Record] = ()
    additional: Sequence[Record] = ()
    explanation: str = ""
    """Goes to clients that speak EDNS (RFC 8914), for people who look with dig."""


def read_query(data: bytes) -> Query:
    """Raises `Malformed` for what is no query, `Unanswerable` for one that gets only a code."""
    if len(data) < HEADER.size:
        raise Malformed("too short")
    id_, flags, questions, _, _, additional = HEADER.unpack_from(data)
    if flags & _RESPONSE:
        raise Malformed("a response")
    if (flags >> 11) & 0xF:
        raise Unanswerable(id_, flags, Code.NOTIMP)
    if questions != 1:
        raise Unanswerable(id_, flags, Code.FORMERR)
    try:
        name, position = read_name(data, HEADER.size)
        type_, class_ = struct.unpack_from("!HH", data, position)
        edns = _find_edns(data, position + 4, additional)
    except (Malformed, struct.error) as error:
        raise Unanswerable(id_, flags, Code.FORMERR) from error
    recurse = bool(flags & _RECURSE)
    if edns is None:
        return Query(id=id_, name=name, type=type_, class_=class_, recurse=recurse)
    size, extended = edns
    return Query(
        id=id_,
        name=name,
        type=type_,
        class_=class_,
        recurse=recurse,
        edns=True,
        version=(extended >> 16) & 0xFF,
        dnssec=bool(extended & _DNSSEC_OK),
        udp_size=max(size, PLAIN_UDP_SIZE),
    )


class Unanswerable(Exception):
    """A query that can be told a code and nothing else."""

    def __init__(self, id_: int, flags: int, code: Code) -> None:
        super().__init__(code.name)
        self.response = HEADER.pack(id_, _RESPONSE | (flags & 0x7900) | code, 0, 0, 0, 0)


def write_answer(query: Query, answer: Answer, *, limit: int | None = None) -> bytes:
    """The response's bytes. What does not fit into `limit` is left out and marked, so that the client asks by TCP."""
    whole = _write(query, answer)
    if limit is None or len(whole) <= limit:
        return whole
    # Additional records are only an offer: leaving them out is not a truncation.
    fitting = replace(answer, additional=())
    written = _write(query, fitting)
    while len(written) > limit and (fitting.records or fitting.authority):
        fitting = replace(fitting, records=fitting.records[: len(fitting.records) // 2], authority=())
        written = _write(query, fitting, truncated=True)
    return written


def udp_limit(query: Query) -> int:
    return min(query.udp_size, UDP_SIZE) if query.edns else PLAIN_UDP_SIZE


def _write(query: Query, answer: Answer, *, truncated: bool = False) -> bytes:
    flags = _RESPONSE | _CAN_RECURSE | (answer.code & 0xF)
    flags |= _AUTHORITATIVE if answer.authoritative else 0
    flags |= _TRUNCATED if truncated else 0
    flags |= _RECURSE if query.recurse else 0
    writer = Writer()
    additional = len(answer.additional) + (1 if query.edns else 0)
    writer.data += HEADER.pack(query.id, flags, 1, len(answer.records), len(answer.authority), additional)
    writer.name(query.name)
    writer.data += struct.pack("!HH", query.type, query.class_)
    writer.records(answer.records)
    writer.records(answer.authority)
    writer.records(answer.additional)
    if query.edns:
        _write_edns(writer, query, answer)
    return bytes(writer.data)


def _write_edns(writer: Writer, query: Query, answer: Answer) -> None:
    option = b""
    if answer.explanation:
        note = struct.pack("!H", 0) + answer.explanation.encode()
        option = struct.pack("!HH", 15, len(note)) + note
    extended = ((answer.code >> 4) << 24) | (_DNSSEC_OK if query.dnssec else 0)
    writer.data += b"\0" + struct.pack("!HHIH", Type.OPT, UDP_SIZE, extended, len(option)) + option


def read_name(data: bytes, position: int) -> tuple[str, int]:
    """The name at a position, and where what follows it begins."""
    labels: list[str] = []
    end = -1
    limit = position
    while True:
        length = _byte(data, position)
        if length == 0:
            return ".".join(labels), position + 1 if end < 0 else end
        if length >= 0xC0:
            if end < 0:
                end = position + 2
            position = ((length & 0x3F) << 8) | _byte(data, position + 1)
            # Pointers lead backwards only, so that there is no way round in a circle.
            if position >= limit:
                raise Malformed("a pointer that does not lead backwards")
            limit = position
            continue
        label = data[position + 1 : position + 1 + length]
        if length > 63 or len(label) < length or len(labels) == _MAX_LABELS:
            raise Malformed("a label that is too long")
        if b"." in label:
            raise Malformed("a dot within a label")
        labels.append(label.decode("latin-1"))
        position += 1 + length


def _byte(data: bytes, position: int) -> int:
    if position >= len(data):
        raise Malformed("ends too early")
    return data[position]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Where a record of somebody else's message stands: its type, its TTL and the TTL's place."""

    type: int
    class_: int
    ttl: int
    ttl_position: int
    data: bytes


def raw_records(data: bytes, position: int, count: int) -> Iterator[RawRecord]:
    """Walk over records without understanding them. Raises `Malformed`."""
    for _ in range(count):
        _, position = read_name(data, position)
        try:
            type_, class_, ttl, length = struct.unpack_from("!HHIH", data, position)
        except struct.error as error:
            raise Malformed("ends too early") from error
        body = data[position + 10 : position + 10 + length]
        if len(body) < length:
            raise Malformed("ends too early")
        yield RawRecord(type_, class_, ttl, position + 4, body)
        position += 10 + length


def _find_edns(data: bytes, position: int, count: int) -> tuple[int, int] | None:
    """The client's UDP size and extended flags."""
    for record in raw_records(data, position, count):
        if record.type == Type.OPT:
            return record.class_, record.ttl
    return None


def write_query(id_: int, name: str, type_: int, *, dnssec: bool = False) -> bytes:
    """A question to somebody else."""
    writer = Writer()
    writer.data += HEADER.pack(id_, _RECURSE, 1, 0, 0, 1)
    writer.name(name)
    writer.data += struct.pack("!HH", type_, 1)
    writer.data += b"\0" + struct.pack("!HHIH", Type.OPT, UDP_SIZE, _DNSSEC_OK if dnssec else 0, 0)
    return bytes(writer.data)


def is_truncated(response: bytes) -> bool:
    return bool(response[2] & (_TRUNCATED >> 8))
