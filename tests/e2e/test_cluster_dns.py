"""Names and Services together: the DNS server behind kube-dns, asked from pods of two nodes, from a node and from the host."""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wherry.apiserver.config import ServerConfig
from wherry.base import netns
from wherry.base.clock import RealClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.network.dns.component import DnsServer
from wherry.network.dns.messages import HEADER, raw_records, read_name, write_query
from wherry.network.nodes.host import HostNetwork
from wherry.network.nodes.node import NodeNetwork
from wherry.network.nodes.plan import NetworkPlan, NodePlan
from wherry.network.services.proxy import ServiceProxy
from wherry.testing.apiserver import client_of, in_process_server

pytestmark = pytest.mark.root

PLAN = NetworkPlan(
    cluster="dnstest",
    index=27,
    node_cidr="10.227.0.0/24",
    host_address="10.227.0.1",
    pod_cidr="10.217.0.0/16",
    service_cidr="10.123.0.0/16",
    dns_address="10.123.0.10",
    nodes=tuple(
        NodePlan(name=f"n{i}", number=i, address=f"10.227.0.{i + 1}", pod_cidr=f"10.217.{i}.0/24") for i in (1, 2)
    ),
)
HOST = Path("/proc/self/ns/net")


class Cluster:
    def __init__(self, client: Client, nodes: list[NodeNetwork]) -> None:
        self.client = client
        self.nodes = nodes

    async def places(self) -> list[Path]:
        """A pod on each node, a node, and the host."""
        pods = [await node.attach(pod_uid=f"p{i}", name="p", namespace="default") for i, node in enumerate(self.nodes)]
        return [*(Path(pod.namespace_path or "") for pod in pods), self.nodes[1].namespace, HOST]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    clock, host = RealClock(), HostNetwork(PLAN, state=tmp_path)
    tasks: list[asyncio.Task[None]] = []
    config = ServerConfig(service_cidr=PLAN.service_cidr)
    try:
        await host.open()
        nodes = [NodeNetwork(PLAN, node, state=tmp_path / node.name) for node in PLAN.nodes]
        async with in_process_server(clock=clock, config=config) as server:
            client = client_of(server, clock=clock)
            informers = SharedInformers(client)
            proxies = []
            for network, node in zip(nodes, PLAN.nodes, strict=True):
                await network.open()
                proxies.append(
                    ServiceProxy(
                        informers=informers,
                        network=network,
                        clock=clock,
                        node_name=node.name,
                        pod_cidr=PLAN.pod_cidr,
                        service_cidr=PLAN.service_cidr,
                    )
                )
            dns = DnsServer(
                informers=informers,
                client=client,
                clock=clock,
                cluster_ip=PLAN.dns_address,
                address=PLAN.host_address,
                resolv_conf=None,
            )
            tasks = [asyncio.ensure_future(part.run()) for part in (informers, dns, *proxies)]
            async with asyncio.timeout(5):
                await dns.published.wait()
                for proxy in proxies:
                    await proxy.applied.wait()
            await asyncio.sleep(0.2)
            try:
                yield Cluster(client, nodes)
            finally:
                await cancel_and_wait(*tasks)
    finally:
        await host.remove()


async def ask(place: Path, name: str, *, tcp: bool = False) -> tuple[int, list[str]]:
    query = write_query(random.getrandbits(16), name, 1)
    loop = asyncio.get_running_loop()
    asking = netns.socket_in(place, kind=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    with contextlib.closing(asking):
        async with asyncio.timeout(2):
            await loop.sock_connect(asking, (PLAN.dns_address, 53))
            await loop.sock_sendall(asking, (struct.pack("!H", len(query)) if tcp else b"") + query)
            response = await loop.sock_recv(asking, 4096)
    response = response[2:] if tcp else response
    _, position = read_name(response, HEADER.size)
    found = raw_records(response, position + 4, HEADER.unpack_from(response)[3])
    return response[3] & 15, [socket.inet_ntoa(record.data) for record in found]


@pytest.mark.parametrize("tcp", [False, True])
async def test_names_are_known_everywhere(cluster: Cluster, tcp: bool) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"clusterIP": "10.123.0.99", "ports": [{"port": 80}]},
    }
    await cluster.client.create("services", service)
    await asyncio.sleep(0.1)
    for place in await cluster.places():
        assert await ask(place, "web.default.svc.cluster.local", tcp=tcp) == (0, ["10.123.0.99"])
        assert await ask(place, "nothing.default.svc.cluster.local", tcp=tcp) == (3, [])
