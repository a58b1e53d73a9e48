"""Real namespaces, real packets: pods of two nodes, the nodes and the host reach each other, and nothing stays behind."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from wherry.api.pod_network import NetworkFailure, PodAttachment
from wherry.base import netns
from wherry.network.nodes.host import HostNetwork
from wherry.network.nodes.node import NodeNetwork
from wherry.network.nodes.plan import NetworkPlan, NodePlan

pytestmark = pytest.mark.root

PLAN = NetworkPlan(
    cluster="nettest",
    index=29,
    node_cidr="10.229.0.0/24",
    host_address="10.229.0.1",
    pod_cidr="10.215.0.0/16",
    service_cidr="10.125.0.0/16",
    dns_address="10.125.0.10",
    nodes=tuple(
        NodePlan(name=f"n{i}", number=i, address=f"10.229.0.{i + 1}", pod_cidr=f"10.215.{i}.0/24") for i in (1, 2)
    ),
)


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[NodeNetwork]]:
    host = HostNetwork(PLAN, state=tmp_path)
    try:
        await host.open()
        networks = [NodeNetwork(PLAN, node, state=tmp_path / node.name) for node in PLAN.nodes]
        for network in networks:
            await network.open()
        yield networks
    finally:
        await host.remove()


@contextlib.contextmanager
def echo(pod: PodAttachment) -> Iterator[None]:
    """Answers each connection to port 80 of the pod with who called."""
    listening = netns.socket_in(pod.namespace_path or "")
    listening.bind(("0.0.0.0", 80))
    listening.listen()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        while True:
            peer, address = await loop.sock_accept(listening)
            await loop.sock_sendall(peer, address[0].encode())
            peer.close()

    task = asyncio.ensure_future(serve())
    try:
        yield
    finally:
        task.cancel()
        listening.close()


async def caller_seen_by(network: NodeNetwork, pod: PodAttachment, *, inside: PodAttachment | None = None) -> str:
    stream = await network.connect(pod.addresses[0], 80, pod_uid=inside.pod_uid if inside else None)
    try:
        return (await stream.read()).decode()
    finally:
        stream.close()


async def test_pods_reach_each_other_across_nodes_with_their_own_addresses(nodes: list[NodeNetwork]) -> None:
    one = await nodes[0].attach(pod_uid="one", name="one", namespace="default")
    same = await nodes[0].attach(pod_uid="same", name="same", namespace="default")
    far = await nodes[1].attach(pod_uid="far", name="far", namespace="default")
    for target in (one, same, far):
        with echo(target):
            assert await caller_seen_by(nodes[0], target, inside=one) == one.addresses[0]


async def test_the_node_and_the_host_reach_a_pod(nodes: list[NodeNetwork]) -> None:
    pod = await nodes[1].attach(pod_uid="pod", name="pod", namespace="default")
    with echo(pod):
        assert await caller_seen_by(nodes[1], pod) == "10.215.2.1"
        reader, writer = await asyncio.open_connection(pod.addresses[0], 80)
        assert await reader.read() == b"10.229.0.1"
        writer.close()
        await writer.wait_closed()


async def test_a_new_agent_finds_its_pods_and_takes_no_address_twice(nodes: list[NodeNetwork], tmp_path: Path) -> None:
    pod = await nodes[0].attach(pod_uid="pod", name="pod", namespace="default")
    again = NodeNetwork(PLAN, PLAN.nodes[0], state=tmp_path / "n1")
    await again.open()
    assert again.attached() == {"pod": pod}
    assert (await again.attach(pod_uid="pod", name="pod", namespace="default")) == pod
    assert (await again.attach(pod_uid="next", name="next", namespace="default")).addresses != pod.addresses


async def test_a_pod_whose_namespace_vanished_is_forgotten(nodes: list[NodeNetwork], tmp_path: Path) -> None:
    await nodes[0].attach(pod_uid="pod", name="pod", namespace="default")
    netns.delete(PLAN.pod_namespace("pod"))
    again = NodeNetwork(PLAN, PLAN.nodes[0], state=tmp_path / "n1")
    await again.open()
    assert again.attached() == {}
    assert (await again.attach(pod_uid="pod", name="pod", namespace="default")).addresses


async def test_many_namespaces_need_one_mount_each(nodes: list[NodeNetwork]) -> None:
    def mounts() -> int:
        with open("/proc/self/mountinfo") as lines:
            return sum(" /run/netns" in line for line in lines)

    before = mounts()
    for n in range(5):
        await nodes[0].attach(pod_uid=f"pod-{n}", name="pod", namespace="default")
    # A shared directory shows each mount once more where it is bound onto itself.
    assert mounts() - before <= 10


async def test_two_clusters_cannot_share_one_network(nodes: list[NodeNetwork], tmp_path: Path) -> None:
    other = HostNetwork(PLAN, state=tmp_path / "of another")
    with pytest.raises(NetworkFailure, match="in use by cluster 'nettest' of another state directory"):
        await other.open()
    await other.remove()
    assert netns.names(PLAN.prefix)


async def test_nothing_stays_behind(nodes: list[NodeNetwork], tmp_path: Path) -> None:
    await nodes[0].attach(pod_uid="pod", name="pod", namespace="default")
    await HostNetwork(PLAN, state=tmp_path).remove()
    assert netns.names(PLAN.prefix) == []
    assert not [name for _, name in socket.if_nameindex() if name.startswith(PLAN.bridge)]
