import struct

import pytest

from wherry.network.dns import records
from wherry.network.dns.messages import (
    HEADER,
    Answer,
    Code,
    Query,
    Unanswerable,
    is_truncated,
    raw_records,
    read_name,
    read_query,
    write_answer,
    write_query,
)
from wherry.network.dns.records import Malformed, Type, encode_name


def asked(name: str = "web.default.svc.cluster.local", type_: int = Type.A, **options: object) -> Query:
    return Query(id=7, name=name, type=type_, class_=1, **options)  # type: ignore[arg-type]


def test_a_query_is_read_as_it_was_asked() -> None:
    query = read_query(write_query(513, "Web.Default.svc.cluster.local", Type.AAAA, dnssec=True))
    assert (query.id, query.name, query.type) == (513, "Web.Default.svc.cluster.local", Type.AAAA)
    assert query.key == "web.default.svc.cluster.local"
    assert (query.edns, query.udp_size, query.dnssec) == (True, 1232, True)


def test_a_client_without_edns_takes_512_bytes() -> None:
    plain = HEADER.pack(1, 0x0100, 1, 0, 0, 0) + encode_name("a.b") + struct.pack("!HH", 1, 1)
    query = read_query(plain)
    assert (query.edns, query.udp_size) == (False, 512)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (HEADER.pack(9, 0x2800, 1, 0, 0, 0), Code.NOTIMP),
        (HEADER.pack(9, 0x0100, 0, 0, 0, 0), Code.FORMERR),
        (HEADER.pack(9, 0x0100, 1, 0, 0, 0), Code.FORMERR),
        (HEADER.pack(9, 0x0100, 1, 0, 0, 0) + b"\x3fabc", Code.FORMERR),
        (HEADER.pack(9, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c" + bytes(4), Code.FORMERR),
        (HEADER.pack(9, 0x0100, 1, 0, 0, 0) + b"\1.\0" + bytes(4), Code.FORMERR),
        (HEADER.pack(9, 0x0100, 1, 0, 0, 1) + b"\0" + bytes(4) + b"\0\0\x29", Code.FORMERR),
    ],
)
def test_what_cannot_be_understood_gets_a_code(data: bytes, code: Code) -> None:
    with pytest.raises(Unanswerable) as refusal:
        read_query(data)
    assert refusal.value.response[:2] == data[:2]
    assert refusal.value.response[2] & 0x80
    assert refusal.value.response[3] & 0xF == code


@pytest.mark.parametrize("data", [b"", b"\0" * 11, HEADER.pack(1, 0x8000, 1, 0, 0, 0)])
def test_responses_and_scraps_are_not_answered(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_query(data)


def test_names_are_written_once_and_pointed_to() -> None:
    name = "web.default.svc.cluster.local"
    data = write_answer(asked(), Answer(records=[records.address(name, "10.0.0.1")] * 2))
    assert data.count(b"cluster") == 1
    _, position = read_name(data, HEADER.size)
    assert [r.data for r in raw_records(data, position + 4, 2)] == [bytes([10, 0, 0, 1])] * 2


def test_the_target_of_a_service_record_is_written_out() -> None:
    record = records.service("_http._tcp.web.default.svc.cluster.local", 80, "web.default.svc.cluster.local")
    data = write_answer(asked("_http._tcp.web.default.svc.cluster.local", Type.SRV), Answer(records=[record]))
    (found,) = raw_records(data, read_name(data, HEADER.size)[1] + 4, 1)
    assert struct.unpack("!HHH", found.data[:6]) == (0, 100, 80)
    assert found.data[6:] == encode_name("web.default.svc.cluster.local")


def test_too_much_for_udp_is_cut_and_marked() -> None:
    many = [records.address("web.default.svc.cluster.local", f"10.0.{n // 250}.{n % 250}") for n in range(100)]
    data = write_answer(asked(), Answer(records=many), limit=512)
    assert len(data) <= 512
    assert is_truncated(data)
    assert 0 < HEADER.unpack_from(data)[3] < 100
    assert not is_truncated(write_answer(asked(), Answer(records=many)))


def test_offers_are_left_out_without_a_mark() -> None:
    offers = [records.address("web.default.svc.cluster.local", f"10.0.0.{n}") for n in range(100)]
    data = write_answer(asked(), Answer(records=offers[:1], additional=offers), limit=512)
    assert not is_truncated(data)
    assert HEADER.unpack_from(data)[3:] == (1, 0, 0)


def test_an_explanation_goes_to_clients_that_speak_edns_only() -> None:
    answer = Answer(code=Code.SERVFAIL, explanation="no name servers")
    assert b"no name servers" in write_answer(asked(edns=True), answer)
    assert b"no name servers" not in write_answer(asked(), answer)


def test_an_unknown_edns_version_is_refused_by_its_extended_code() -> None:
    data = write_answer(asked(edns=True, version=1), Answer(code=Code.BADVERS))
    (option,) = raw_records(data, read_name(data, HEADER.size)[1] + 4, 1)
    assert (data[3] & 0xF, option.ttl >> 24) == (0, 1)


@pytest.mark.parametrize("name", ["a" * 64, ".".join(["a" * 60] * 5), "a..b"])
def test_names_that_are_too_long_are_not_written(name: str) -> None:
    with pytest.raises(Malformed):
        encode_name(name)
