import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.network.dns.component import DnsServer
from wherry.network.dns.messages import HEADER, raw_records, read_name, write_query
from wherry.network.dns.records import Type
from wherry.testing.apiserver import client_of, in_process_server


@asynccontextmanager
async def dns_server(**options: object) -> AsyncIterator[tuple[DnsServer, Client, FakeClock]]:
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        client = client_of(server, clock=clock)
        informers = SharedInformers(client)
        dns = DnsServer(
            informers=informers,
            client=client,
            clock=clock,
            cluster_ip="10.96.0.10",
            address="127.0.0.1",
            **{"resolv_conf": None, "port": 0, **options},  # type: ignore[arg-type]
        )
        tasks = [asyncio.ensure_future(informers.run()), asyncio.ensure_future(dns.run())]
        try:
            await dns.serving.wait()
            yield dns, client, clock
        finally:
            await cancel_and_wait(*tasks)


async def ask(dns: DnsServer, name: str, type_: int = Type.A, *, tcp: bool = False) -> tuple[int, list[bytes]]:
    """The response's code, and its records' data."""
    query = write_query(random.getrandbits(16), name, type_)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        if tcp:
            reader, writer = await asyncio.open_connection("127.0.0.1", dns.port)
            writer.write(struct.pack("!H", len(query)) + query)
            response = await reader.readexactly(*struct.unpack("!H", await reader.readexactly(2)))
            writer.close()
            await writer.wait_closed()
        else:
            with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as asking:
                asking.setblocking(False)
                asking.connect(("127.0.0.1", dns.port))
                await loop.sock_sendall(asking, query)
                response = await loop.sock_recv(asking, 2000)
    assert response[:2] == query[:2]
    _, flags, _, answers, _, _ = HEADER.unpack_from(response)
    _, position = read_name(response, HEADER.size)
    return flags & 15, [record.data for record in raw_records(response, position + 4, answers)]


def service(name: str, **spec: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": [{"port": 80, "name": "http"}], **spec},
    }


@pytest.mark.parametrize("tcp", [False, True])
async def test_names_follow_the_services(tcp: bool) -> None:
    async with dns_server() as (dns, client, clock):
        name = "web.default.svc.cluster.local"
        assert await ask(dns, name, tcp=tcp) == (3, [])
        await client.create("services", service("web", clusterIP="10.96.0.77"))
        await clock.settle()
        assert await ask(dns, name, tcp=tcp) == (0, [socket.inet_aton("10.96.0.77")])
        await client.delete("services", "web", namespace="default")
        await clock.settle()
        assert await ask(dns, name, tcp=tcp) == (3, [])


async def test_headless_names_follow_the_slices() -> None:
    async with dns_server() as (dns, client, clock):
        await client.create("services", service("db", clusterIP="None"))
        made = await client.create(
            "endpointslices.discovery.k8s.io",
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": "db-1",
                    "namespace": "default",
                    "labels": {"kubernetes.io/service-name": "db", "service.kubernetes.io/headless": ""},
                },
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.1"], "hostname": "db-0"}, {"addresses": ["10.0.0.2"]}],
                "ports": [{"name": "http", "port": 80}],
            },
        )
        await clock.settle()
        code, found = await ask(dns, "db.default.svc.cluster.local")
        assert (code, set(found)) == (0, {socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")})
        assert await ask(dns, "db-0.db.default.svc.cluster.local") == (0, [socket.inet_aton("10.0.0.1")])
        await client.update("endpointslices.discovery.k8s.io", {**made, "endpoints": []})
        await clock.settle()
        assert await ask(dns, "db-0.db.default.svc.cluster.local") == (3, [])


async def test_without_name_servers_other_names_fail_at_once() -> None:
    async with dns_server() as (dns, _, _):
        assert await ask(dns, "example.com") == (2, [])


async def test_pods_have_names_where_their_namespace_exists() -> None:
    async with dns_server() as (dns, _, _):
        assert await ask(dns, "10-1-2-3.default.pod.cluster.local") == (0, [socket.inet_aton("10.1.2.3")])
        assert await ask(dns, "10-1-2-3.nowhere.pod.cluster.local") == (3, [])
        assert await ask(dns, "default.svc.cluster.local") == (0, [])


async def test_a_closed_server_can_be_opened_again_at_once() -> None:
    async with dns_server() as (dns, _, _):
        port = dns.port
    async with dns_server(port=port) as (dns, _, _):
        assert dns.port == port
