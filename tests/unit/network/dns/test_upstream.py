"""Names outside of the cluster, against a name server in the test's own process."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.network.dns import records
from wherry.network.dns.messages import (
    HEADER,
    Answer,
    Code,
    Query,
    raw_records,
    read_name,
    read_query,
    write_answer,
    write_query,
)
from wherry.network.dns.objects import service_records
from wherry.network.dns.records import Record, Type
from wherry.network.dns.resolver import Resolver
from wherry.network.dns.server import DnsListener
from wherry.network.dns.upstream import Upstream, name_servers
from wherry.network.dns.zone import Records


class World:
    """Knows example.com (300 s) and nothing else; counts the questions."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.records = [Record("example.com", Type.A, socket.inet_aton("93.184.216.34"), ttl=300)]

    def respond(self, data: bytes, *, tcp: bool = False) -> bytes:
        query = read_query(data)
        self.questions.append(query.name)
        return write_answer(query, self._answer(query), limit=None if tcp else 512)

    def _answer(self, query: Query) -> Answer:
        if query.key == "example.com":
            return Answer(records=self.records if query.type == Type.A else (), authoritative=False)
        return Answer(code=Code.NXDOMAIN, authority=[records.start_of_authority("com", 1)])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def world(clock: FakeClock) -> AsyncIterator[tuple[World, Resolver]]:
    world = World()
    listener = DnsListener(world, clock=clock)
    await listener.open("127.0.0.1", 0)
    names = Records()
    out = {
        "metadata": {"name": "out", "namespace": "ns"},
        "spec": {"type": "ExternalName", "externalName": "example.com"},
    }
    names.replace("out", service_records(out, [], "cluster.local"))
    upstream = Upstream(clock=clock, servers=[("127.0.0.1", listener.port)])
    resolver = Resolver(names=names, zone="cluster.local", upstream=upstream, clock=clock)
    try:
        yield world, resolver
    finally:
        await resolver.close()
        await listener.close()


async def ask(resolver: Resolver, name: str, type_: int = Type.A, *, tcp: bool = False) -> bytes:
    reply = resolver.respond(write_query(77, name, type_), tcp=tcp)
    assert reply is not None
    return reply if isinstance(reply, bytes) else await reply


def answers(data: bytes) -> list[tuple[int, bytes, int]]:
    count = HEADER.unpack_from(data)[3]
    return [(r.type, r.data, r.ttl) for r in raw_records(data, read_name(data, HEADER.size)[1] + 4, count)]


async def test_the_answer_is_passed_on_under_the_clients_id_and_spelling(world: tuple[World, Resolver]) -> None:
    data = await ask(world[1], "Example.com")
    assert data[:2] == struct.pack("!H", 77)
    assert read_name(data, HEADER.size)[0] == "Example.com"
    assert answers(data) == [(Type.A, socket.inet_aton("93.184.216.34"), 300)]


async def test_answers_are_kept_for_thirty_seconds_and_grow_old(
    world: tuple[World, Resolver], clock: FakeClock
) -> None:
    await ask(world[1], "example.com")
    await clock.advance(20)
    assert answers(await ask(world[1], "EXAMPLE.com"))[0][2] == 280
    assert len(world[0].questions) == 1
    await clock.advance(11)
    await ask(world[1], "example.com")
    assert len(world[0].questions) == 2


async def test_that_a_name_does_not_exist_is_kept_too(world: tuple[World, Resolver]) -> None:
    for _ in range(2):
        assert (await ask(world[1], "nothing.com"))[3] & 15 == Code.NXDOMAIN
    assert world[0].questions == ["nothing.com"]


async def test_equal_questions_that_come_together_are_asked_once(world: tuple[World, Resolver]) -> None:
    found = await asyncio.gather(*(ask(world[1], "example.com") for _ in range(5)))
    assert len(world[0].questions) == 1
    assert all(len(answers(data)) == 1 for data in found)


async def test_an_external_name_brings_its_addresses(world: tuple[World, Resolver]) -> None:
    data = await ask(world[1], "out.ns.svc.cluster.local")
    assert [(type_, ttl) for type_, _, ttl in answers(data)] == [(Type.CNAME, 30), (Type.A, 30)]


async def test_what_is_too_long_for_udp_comes_by_tcp(world: tuple[World, Resolver]) -> None:
    world[0].records = [Record("example.com", Type.A, bytes([10, 0, 0, n]), ttl=300) for n in range(100)]
    assert (await ask(world[1], "example.com"))[2] & 2
    assert len(answers(await ask(world[1], "example.com", tcp=True))) == 100
    short = await ask(world[1], "example.com")
    assert short[2] & 2
    assert answers(short) == []


async def test_a_server_that_is_silent_is_given_up(clock: FakeClock) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        upstream = Upstream(clock=clock, servers=[silent.getsockname()])
        resolver = Resolver(names=Records(), zone="cluster.local", upstream=upstream, clock=clock)
        asking = asyncio.ensure_future(ask(resolver, "example.com"))
        await clock.settle()
        while not asking.done():
            await clock.advance(1)
        data = asking.result()
    assert data[3] & 15 == Code.SERVFAIL
    assert b"no answer within 2 s" in data


def test_name_servers_are_read_from_resolv_conf(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.0.2\nnameserver\nnameserver  ::1 \n")
    assert name_servers(file) == ["10.0.0.2", "::1"]
    assert name_servers(tmp_path / "none") == []


async def test_our_own_address_is_never_asked(tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 10.96.0.10\n")
    upstream = Upstream(clock=clock, resolv_conf=file, own=["10.96.0.10"])
    resolver = Resolver(names=Records(), zone="cluster.local", upstream=upstream, clock=clock)
    assert b"this machine has no name servers" in await ask(resolver, "example.com")
