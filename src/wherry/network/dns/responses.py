"""Other servers' responses, kept as bytes: read just enough to pass them on, to keep them, and to let them grow old.

Pure. What we do not understand (DNSSEC, types of the future) reaches the client as it came.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wherry.network.dns.messages import HEADER, Code, RawRecord, is_truncated, raw_records, read_name
from wherry.network.dns.records import Malformed, Record, Type

LONGEST_TTL = 30
"""As the Corefile that kubeadm writes: a name that moves is seen to move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response and what is needed to send it again."""

    data: bytes
    code: int
    question: tuple[str, int]
    question_end: int
    answers: tuple[RawRecord, ...]
    ttl: int
    """Seconds for which it may be kept; 0: not at all."""
    ttl_positions: tuple[int, ...]


def read_response(data: bytes) -> Response:
    """Raises `Malformed`."""
    if len(data) < HEADER.size or not data[2] & 0x80:
        raise Malformed("no response")
    _, flags, questions, answers, authorities, additional = HEADER.unpack_from(data)
    if questions != 1:
        raise Malformed("no question")
    name, position = read_name(data, HEADER.size)
    if position + 4 > len(data):
        raise Malformed("ends too early")
    (type_,) = struct.unpack_from("!H", data, position)
    found = list(raw_records(data, position + 4, answers + authorities + additional))
    code = flags & 0xF
    return Response(
        data=data,
        code=code,
        question=(name.lower(), type_),
        question_end=position,
        answers=tuple(found[:answers]),
        ttl=0 if is_truncated(data) else _ttl(code, found[:answers], found[answers : answers + authorities]),
        ttl_positions=tuple(record.ttl_position for record in found if record.type != Type.OPT),
    )


def _ttl(code: int, answers: list[RawRecord], authorities: list[RawRecord]) -> int:
    if code == Code.NOERROR and answers:
        return min(LONGEST_TTL, *(record.ttl for record in answers))
    if code not in (Code.NOERROR, Code.NXDOMAIN):
        return 0
    # RFC 2308: without a start of authority a negative answer is not to be kept.
    limits = [min(r.ttl, int.from_bytes(r.data[-4:], "big")) for r in authorities if r.type == Type.SOA]
    return min(LONGEST_TTL, *limits) if limits else 0


def readdressed(response: Response, query: bytes, *, age: int = 0) -> bytes:
    """The response as the answer to `query`, which asks the same (perhaps in other letters), `age` seconds later."""
    data = bytearray(response.data)
    data[0:2] = query[0:2]
    data[HEADER.size : response.question_end] = query[HEADER.size : response.question_end]
    for position in response.ttl_positions if age else ():
        (ttl,) = struct.unpack_from("!I", data, position)
        struct.pack_into("!I", data, position, max(0, ttl - age))
    return bytes(data)


def addresses(response: Response, name: str, type_: int) -> list[Record]:
    """The records of a type at the end of the answer's chain of aliases, as records of `name`.

    Used where a Service of type ExternalName leads out of the cluster: the chain in between is left out.
    """
    return [
        Record(name, type_, record.data, ttl=min(record.ttl, LONGEST_TTL))
        for record in response.answers
        if record.type == type_ and type_ in (Type.A, Type.AAAA)
    ]
