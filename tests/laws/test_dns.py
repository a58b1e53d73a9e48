"""Whatever arrives at the DNS server's port, it answers with a message or with silence."""

import struct
from collections.abc import Coroutine

from hypothesis import example, given
from hypothesis import strategies as st

from wherry.base.fake_clock import FakeClock
from wherry.network.dns import records
from wherry.network.dns.messages import HEADER, raw_records, read_name, write_query
from wherry.network.dns.records import Malformed, Writer
from wherry.network.dns.resolver import Resolver
from wherry.network.dns.responses import read_response
from wherry.network.dns.upstream import Upstream
from wherry.network.dns.zone import Records

LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NAME = st.lists(LABEL, min_size=1, max_size=8).map(".".join)
QUERY = st.builds(write_query, st.integers(0, 0xFFFF), NAME, st.integers(0, 0xFFFF))


def resolver() -> Resolver:
    names = Records()
    names.replace("web", [records.address("web.default.svc.cluster.local", "10.0.0.1")])
    clock = FakeClock()
    return Resolver(names=names, zone="cluster.local", upstream=Upstream(clock=clock, resolv_conf=None), clock=clock)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(QUERY))
    for position, value in draw(st.lists(st.tuples(st.integers(2, len(data) - 1), st.integers(0, 255)), max_size=4)):
        data[position] = value
    return bytes(data[: draw(st.integers(0, len(data)))])


@given(st.one_of(st.binary(max_size=100), damaged()))
@example(HEADER.pack(1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1")
def test_anything_is_answered_with_a_message_or_with_silence(data: bytes) -> None:
    for tcp in (False, True):
        reply = resolver().respond(data, tcp=tcp)
        if isinstance(reply, Coroutine):
            reply.close()
        elif reply is not None:
            assert isinstance(reply, bytes)
            assert reply[:2] == data[:2]
            assert reply[2] & 0x80


@given(st.binary(max_size=200))
def test_what_others_answer_is_read_or_refused(data: bytes) -> None:
    try:
        read_response(data)
    except Malformed:
        return


@given(st.lists(NAME, min_size=1, max_size=30))
def test_names_come_back_as_they_were_written(names: list[str]) -> None:
    writer = Writer()
    positions = []
    for name in names:
        positions.append(len(writer.data))
        writer.name(name)
    data = bytes(writer.data)
    assert [read_name(data, position)[0] for position in positions] == names


@given(st.lists(NAME, min_size=1, max_size=20))
def test_records_are_found_where_the_counts_say(names: list[str]) -> None:
    writer = Writer()
    for name in names:
        writer.record(records.service(name, 80, names[0]))
    found = list(raw_records(bytes(writer.data), 0, len(names)))
    assert [struct.unpack_from("!HHH", record.data)[2] for record in found] == [80] * len(names)
