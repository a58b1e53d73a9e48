"""The userspace dataplane on real loopback addresses, against the contract of all dataplanes."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import uvloop

from wherry.base.clock import RealClock
from wherry.network.services.model import Endpoint, ServicePort
from wherry.network.userspace.dataplane import Spot, UserspaceDataplane
from wherry.testing.dataplane import FakeDataplane
from wherry.testing.dataplane_contract import CHECKS, Check

NET = f"127.{128 + os.getpid() % 64}.{os.getpid() // 64 % 250}"
"""Loopback addresses of this process's own: clusters and other runs of these tests listen at theirs."""
NODE = f"{NET}.1"


class Answering(asyncio.DatagramProtocol):
    def __init__(self, name: str) -> None:
        self.name = name

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(self.name.encode(), addr)


@dataclass
class LoopbackLab:
    dataplane: UserspaceDataplane
    service_ips: tuple[str, str] = (f"{NET}.10", f"{NET}.11")
    node_address: str = NODE
    closing: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    made: int = 0

    async def backend(self, name: str, *, local: bool = True) -> Endpoint:
        self.made += 1
        address = f"{NET}.{100 + self.made}"

        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(name.encode())
            writer.close()

        server = await asyncio.start_server(say, address, 0)
        self.closing.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: Answering(name), local_addr=(address, port))
        self.closing.callback(transport.close)
        return Endpoint(address=address, port=port, local=local)

    async def call(self, address: str, port: int, protocol: str = "TCP") -> str:
        loop = asyncio.get_running_loop()
        kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
        with contextlib.closing(socket.socket(type=kind)) as calling:
            calling.setblocking(False)
            async with asyncio.timeout(5):
                await loop.sock_connect(calling, (address, port))
                if protocol == "UDP":
                    await loop.sock_sendall(calling, b"?")
                return (await loop.sock_recv(calling, 100)).decode()


class PretendLab:
    def __init__(self) -> None:
        self.dataplane = FakeDataplane([NODE])
        self.service_ips = ("10.96.0.10", "10.96.0.11")
        self.node_address = NODE

    async def backend(self, name: str, *, local: bool = True) -> Endpoint:
        return Endpoint(address="10.0.0.1", port=1, local=local, pod=name)

    async def call(self, address: str, port: int, protocol: str = "TCP") -> str:
        return self.dataplane.resolve(address, port, protocol).pod


@contextlib.asynccontextmanager
async def open_lab() -> AsyncIterator[LoopbackLab]:
    lab = LoopbackLab(UserspaceDataplane(clock=RealClock(), node_addresses=[NODE]))
    try:
        yield lab
    finally:
        await lab.dataplane.close()
        await lab.closing.aclose()


@pytest.fixture
async def lab() -> AsyncIterator[LoopbackLab]:
    async with open_lab() as lab:
        yield lab


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(lab: LoopbackLab, check: Check) -> None:
    await check(lab)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract_of_the_fake(check: Check) -> None:
    await check(PretendLab())


def web(lab: LoopbackLab, *endpoints: Endpoint, port: int = 8080) -> ServicePort:
    return ServicePort(
        service=("default", "web"),
        name="",
        protocol="TCP",
        port=port,
        cluster_ips=(lab.service_ips[0],),
        cluster_endpoints=endpoints,
        has_endpoints=bool(endpoints),
    )


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Gives everything back once the client has ended."""
    data = await reader.read()
    writer.write(data)
    await writer.drain()
    writer.close()


async def carry_much(lab: LoopbackLab) -> None:
    server = await asyncio.start_server(echo, f"{NET}.98", 0, limit=1 << 22)
    lab.closing.callback(server.close)
    endpoint = Endpoint(address=f"{NET}.98", port=server.sockets[0].getsockname()[1])
    await lab.dataplane.apply({("default", "web"): (web(lab, endpoint),)})
    reader, writer = await asyncio.open_connection(lab.service_ips[0], 8080)
    data = bytes(range(256)) * 8192
    writer.write(data)
    writer.write_eof()
    async with asyncio.timeout(10):
        assert await reader.read() == data
    writer.close()
    await writer.wait_closed()


async def test_much_data_and_half_closes_are_carried(lab: LoopbackLab) -> None:
    await carry_much(lab)


def test_the_same_on_the_event_loop_of_production() -> None:
    async def body() -> None:
        for check in (*CHECKS, carry_much):
            async with open_lab() as lab:
                await check(lab)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(body())


async def test_an_endpoint_that_does_not_answer_is_passed_over(lab: LoopbackLab) -> None:
    alive = await lab.backend("alive")
    with socket.socket() as unused:
        unused.bind((f"{NET}.99", 0))
        dead = Endpoint(address=f"{NET}.99", port=unused.getsockname()[1])
        await lab.dataplane.apply({("default", "web"): (web(lab, dead, alive),)})
        assert [await lab.call(lab.service_ips[0], 8080) for _ in range(4)] == ["alive"] * 4
        await lab.dataplane.apply({("default", "web"): (web(lab, dead),)})
        with pytest.raises(ConnectionError):
            await lab.call(lab.service_ips[0], 8080)


async def test_what_cannot_be_bound_is_told_once(lab: LoopbackLab, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = await lab.backend("one")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((lab.service_ips[0], 8080))
        other.listen()
        for _ in range(3):
            await lab.dataplane.apply({("default", "web"): (web(lab, endpoint),)})
        assert list(lab.dataplane.refused) == [Spot("TCP", lab.service_ips[0], 8080)]
    assert [r.getMessage() for r in caplog.records] == ["a Service cannot be served at one of its addresses"]
    assert caplog.records[0].fields["reason"] == "something else on this machine listens there"  # type: ignore[attr-defined]
    await lab.dataplane.apply({("default", "web"): (web(lab, endpoint),)})
    assert await lab.call(lab.service_ips[0], 8080) == "one"


async def test_pods_that_share_an_address_are_told_apart_by_their_ports(lab: LoopbackLab) -> None:
    one, two = await lab.backend("one"), await lab.backend("two")
    maps = {"pod-one": {80: one.port}, "pod-two": {80: two.port}}
    plane = UserspaceDataplane(
        clock=RealClock(), node_addresses=[NODE], port_map=lambda namespace, pod: maps[pod] if namespace else {}
    )
    shared = [
        Endpoint(address=one.address, port=80, pod="pod-one"),
        Endpoint(address=two.address, port=80, pod="pod-two"),
    ]
    try:
        await plane.apply({("default", "web"): (web(lab, *shared),)})
        assert {await lab.call(lab.service_ips[0], 8080) for _ in range(2)} == {"one", "two"}
    finally:
        await plane.close()
