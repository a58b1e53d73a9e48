"""Services in real namespaces, by nftables: from pods of both nodes, from the nodes and from the host."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from wherry.api.pod_network import PodAttachment
from wherry.base import netns
from wherry.network.nodes.host import HostNetwork
from wherry.network.nodes.node import NodeNetwork
from wherry.network.nodes.plan import NetworkPlan, NodePlan
from wherry.network.services.dataplane import Services
from wherry.network.services.model import Endpoint, ServicePort
from wherry.network.services.nftables.dataplane import NftablesDataplane
from wherry.testing.dataplane_contract import CHECKS, Check

pytestmark = pytest.mark.root

PLAN = NetworkPlan(
    cluster="svctest",
    index=28,
    node_cidr="10.228.0.0/24",
    host_address="10.228.0.1",
    pod_cidr="10.216.0.0/16",
    service_cidr="10.124.0.0/16",
    dns_address="10.124.0.10",
    nodes=tuple(
        NodePlan(name=f"n{i}", number=i, address=f"10.228.0.{i + 1}", pod_cidr=f"10.216.{i}.0/24") for i in (1, 2)
    ),
)
VIP = "10.124.0.80"


@dataclass
class Lab:
    """Two nodes with two pods each; every pod answers on port 80 with its own name and who called."""

    nodes: list[NodeNetwork]
    planes: list[NftablesDataplane]
    pods: dict[str, PodAttachment]

    def endpoints(self, node: int, *names: str) -> tuple[Endpoint, ...]:
        """As that node sees them."""
        return tuple(
            Endpoint(address=self.pods[name].addresses[0], port=80, local=name.startswith(f"n{node}"), pod=name)
            for name in names
        )

    async def serve(self, port: ServicePort, *names: str) -> None:
        for number, plane in enumerate(self.planes, 1):
            endpoints = self.endpoints(number, *names)
            seen = replace(
                port,
                cluster_endpoints=endpoints,
                local_endpoints=tuple(e for e in endpoints if e.local),
                has_endpoints=bool(endpoints),
            )
            await plane.apply({seen.service: (seen,)}, None)

    async def call(self, address: str, port: int = 80, *, pod: str = "", node: int = 0, protocol: str = "TCP") -> str:
        """`name caller`, as asked from a pod, a node, or (without both) the host."""
        if pod:
            namespace = Path(self.pods[pod].namespace_path or "")
        elif node:
            namespace = self.nodes[node - 1].namespace
        else:
            namespace = Path("/proc/self/ns/net")
        kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
        calling = netns.socket_in(namespace, kind=kind)
        loop = asyncio.get_running_loop()
        with contextlib.closing(calling):
            async with asyncio.timeout(1):
                await loop.sock_connect(calling, (address, port))
                if protocol == "UDP":
                    await loop.sock_sendall(calling, b"?")
                return (await loop.sock_recv(calling, 100)).decode()

    async def who(self, address: str, port: int = 80, *, calls: int = 1, pod: str = "", node: int = 0) -> Counter[str]:
        answers = [await self.call(address, port, pod=pod, node=node) for _ in range(calls)]
        return Counter(answer.split()[0] for answer in answers)


async def answer(name: str, listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        peer, address = await loop.sock_accept(listening)
        with contextlib.closing(peer):
            await loop.sock_sendall(peer, f"{name} {address[0]}".encode())


def dataplane_of(network: NodeNetwork) -> NftablesDataplane:
    return NftablesDataplane(
        namespace=lambda: network.namespace,
        node_addresses=network.node_addresses,
        pod_cidr=PLAN.pod_cidr,
        service_cidr=PLAN.service_cidr,
    )


async def answer_datagrams(name: str, bound: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        _, address = await loop.sock_recvfrom(bound, 100)
        await loop.sock_sendto(bound, f"{name} {address[0]}".encode(), address)


class ContractLab:
    """The first node's dataplane, called from the host."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._names: dict[str, str] = {}
        self._near, self._far = ["n1a", "n1b", "n2b"], ["n2a"]
        self.dataplane = lab.planes[0]
        self.service_ips = (VIP, "10.124.0.81")
        self.node_address = PLAN.nodes[0].address

    async def backend(self, name: str, *, local: bool = True) -> Endpoint:
        pod = (self._near if local else self._far).pop(0)
        self._names[pod] = name
        return Endpoint(address=self._lab.pods[pod].addresses[0], port=80, local=local, pod=pod)

    async def call(self, address: str, port: int, protocol: str = "TCP") -> str:
        answer = await self._lab.call(address, port, protocol=protocol)
        return self._names[answer.split()[0]]


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    host = HostNetwork(PLAN, state=tmp_path)
    sockets: list[socket.socket] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        await host.open()
        nodes = [NodeNetwork(PLAN, node, state=tmp_path / node.name) for node in PLAN.nodes]
        pods = {}
        for network, node in zip(nodes, PLAN.nodes, strict=True):
            await network.open()
            for letter in "ab":
                name = f"{node.name}{letter}"
                pods[name] = await network.attach(pod_uid=name, name=name, namespace="default")
                listening = netns.socket_in(pods[name].namespace_path or "")
                listening.bind(("0.0.0.0", 80))
                listening.listen()
                sockets.append(listening)
                tasks.append(asyncio.ensure_future(answer(name, listening)))
                datagrams = netns.socket_in(pods[name].namespace_path or "", kind=socket.SOCK_DGRAM)
                datagrams.bind(("0.0.0.0", 80))
                sockets.append(datagrams)
                tasks.append(asyncio.ensure_future(answer_datagrams(name, datagrams)))
        planes = [dataplane_of(network) for network in nodes]
        for plane in planes:
            await plane.apply({})
        yield Lab(nodes, planes, pods)
    finally:
        for task in tasks:
            task.cancel()
        for listening in sockets:
            listening.close()
        await host.remove()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(lab: Lab, check: Check) -> None:
    await check(ContractLab(lab))


def service(**options: object) -> ServicePort:
    basis = ServicePort(service=("default", "web"), name="http", protocol="TCP", port=80, cluster_ips=(VIP,))
    return replace(basis, **options)  # type: ignore[arg-type]


async def test_a_cluster_ip_answers_everywhere_and_spreads_evenly(lab: Lab) -> None:
    await lab.serve(service(), "n1a", "n2a")
    for place in ({"pod": "n1b"}, {"pod": "n2b"}, {"node": 1}, {"node": 2}, {}):
        answers = await lab.who(VIP, calls=40, **place)  # type: ignore[arg-type]
        assert set(answers) == {"n1a", "n2a"}
        assert min(answers.values()) >= 7


async def test_pods_keep_their_address_and_others_are_masqueraded(lab: Lab) -> None:
    await lab.serve(service(), "n2a")
    assert await lab.call(VIP, pod="n1b") == f"n2a {lab.pods['n1b'].addresses[0]}"
    assert await lab.call(VIP) == "n2a 10.228.0.2"


async def test_a_pod_reaches_itself_through_its_service(lab: Lab) -> None:
    await lab.serve(service(), "n1a")
    assert await lab.call(VIP, pod="n1a") == "n1a 10.216.1.1"


async def test_a_node_port_answers_on_every_node(lab: Lab) -> None:
    await lab.serve(service(node_port=30080), "n2a")
    for address in ("10.228.0.2", "10.228.0.3"):
        for place in ({}, {"pod": "n1b"}, {"node": 1}, {"node": 2}):
            assert set(await lab.who(address, 30080, **place)) == {"n2a"}  # type: ignore[arg-type]


async def test_external_policy_local_keeps_the_caller_and_stays_on_the_node(lab: Lab) -> None:
    await lab.serve(service(node_port=30080, external_local=True), "n2a")
    assert await lab.call("10.228.0.3", 30080) == "n2a 10.228.0.1"
    with pytest.raises(TimeoutError):
        await lab.call("10.228.0.2", 30080)
    assert await lab.who("10.228.0.2", 30080, pod="n1b") == {"n2a": 1}


async def test_without_endpoints_connections_are_refused(lab: Lab) -> None:
    await lab.serve(service(node_port=30080))
    for place in ({"pod": "n1b"}, {"node": 1}, {}):
        with pytest.raises(ConnectionRefusedError):
            await lab.call(VIP, **place)  # type: ignore[arg-type]
    with pytest.raises(ConnectionRefusedError):
        await lab.call("10.228.0.2", 30080)


async def test_ports_and_addresses_that_no_service_has_are_not_sent_into_the_world(lab: Lab) -> None:
    await lab.serve(service(), "n1a")
    with pytest.raises(ConnectionRefusedError):
        await lab.call(VIP, 81, pod="n1b")
    with pytest.raises(TimeoutError):
        await lab.call("10.124.7.7", pod="n1b")


async def test_affinity_holds_over_changes_until_the_endpoint_is_gone(lab: Lab) -> None:
    port = service(affinity_seconds=100)

    async def apply(*names: str) -> None:
        endpoints = lab.endpoints(1, *names)
        services: Services = {port.service: (replace(port, cluster_endpoints=endpoints, has_endpoints=True),)}
        await lab.planes[0].apply(services, [port.service])

    await apply("n1a", "n2a")
    (first,) = await lab.who(VIP, calls=8, pod="n1b")
    await apply("n1a", "n2a", "n2b")
    assert set(await lab.who(VIP, calls=8, pod="n1b")) == {first}
    await apply(*({"n1a", "n2a"} - {first}))
    assert first not in await lab.who(VIP, calls=8, pod="n1b")


async def test_changes_replace_and_remove(lab: Lab) -> None:
    plane, port = lab.planes[0], service(node_port=30080)
    for names in (["n1a"], ["n2a", "n2b"], [], ["n1b"]):
        endpoints = lab.endpoints(1, *names)
        now = replace(port, cluster_endpoints=endpoints, has_endpoints=bool(endpoints))
        await plane.apply({port.service: (now,)}, [port.service])
        if names:
            assert set(await lab.who(VIP, calls=12, pod="n1a")) == set(names)
        else:
            with pytest.raises(ConnectionRefusedError):
                await lab.call(VIP, pod="n1a")
    await plane.apply({}, [port.service])
    with pytest.raises(TimeoutError):
        await lab.call(VIP, pod="n1a")


async def test_a_udp_client_that_goes_on_follows_the_endpoints(lab: Lab) -> None:
    port = service(protocol="UDP", node_port=30080)
    loop = asyncio.get_running_loop()
    for address, number in ((VIP, 80), (PLAN.nodes[0].address, 30080)):
        with contextlib.closing(
            netns.socket_in(lab.pods["n1b"].namespace_path or "", kind=socket.SOCK_DGRAM)
        ) as asking:
            await loop.sock_connect(asking, (address, number))
            for name in ("n1a", "n2a", "n1a"):
                await lab.serve(port, name)
                await loop.sock_sendall(asking, b"?")
                async with asyncio.timeout(1):
                    assert (await loop.sock_recv(asking, 100)).decode().split()[0] == name


async def test_a_load_balancer_address_honours_its_source_ranges(lab: Lab) -> None:
    vip = "10.124.99.1"
    inside = lab.pods["n1b"].addresses[0]
    port = service(load_balancer_ips=(vip,), source_ranges=(f"{inside}/32",))
    await lab.serve(port, "n2a")
    assert await lab.who(vip, pod="n1b") == {"n2a": 1}
    with pytest.raises(TimeoutError):
        await lab.call(vip, pod="n1a")
