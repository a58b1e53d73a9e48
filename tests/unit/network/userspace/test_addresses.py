import asyncio
from pathlib import Path

import pytest

from wherry.api.pod_network import NetworkFailure
from wherry.network.userspace.addresses import LoopbackNetwork, has_loopback_range
from wherry.network.userspace.targets import port_map_of


async def opened(state: Path, *, shared: bool | None = None, cidr: str = "127.244.9.0/24") -> LoopbackNetwork:
    network = LoopbackNetwork(pod_cidr=cidr, state=state, shared=shared)
    await network.open()
    return network


async def test_each_pod_has_an_address_of_its_own(tmp_path: Path) -> None:
    network = await opened(tmp_path, shared=False)
    one = await network.attach(pod_uid="a", name="a", namespace="default", ports=[80])
    two = await network.attach(pod_uid="b", name="b", namespace="default", ports=[80])
    assert (one.addresses, two.addresses) == (("127.244.9.1",), ("127.244.9.2",))
    assert one.port_map == {}
    assert one.namespace_path is None
    assert await network.attach(pod_uid="a", name="a", namespace="default") == one


async def test_a_new_agent_finds_the_pods_again(tmp_path: Path) -> None:
    network = await opened(tmp_path, shared=True)
    pod = await network.attach(pod_uid="a", name="a", namespace="default", ports=[80, 443])
    again = await opened(tmp_path, shared=True)
    assert again.attached() == {"a": pod}
    await again.detach("a")
    assert (await opened(tmp_path, shared=True)).attached() == {}


async def test_where_pods_share_an_address_each_port_has_another_one(tmp_path: Path) -> None:
    network = await opened(tmp_path, shared=True)
    one = await network.attach(pod_uid="a", name="a", namespace="default", ports=[80, 81])
    two = await network.attach(pod_uid="b", name="b", namespace="default", ports=[80])
    assert one.addresses == two.addresses == ("127.0.0.1",)
    assert set(one.port_map) == {80, 81}
    assert len({*one.port_map.values(), *two.port_map.values()}) == 3


async def test_a_full_range_is_said(tmp_path: Path) -> None:
    network = await opened(tmp_path, shared=False, cidr="127.244.9.0/30")
    for n in range(2):
        await network.attach(pod_uid=str(n), name="p", namespace="default")
    with pytest.raises(NetworkFailure, match=r"pod default/p: all 2 pod addresses of 127\.244\.9\.0/30 are in use"):
        await network.attach(pod_uid="2", name="p", namespace="default")


@pytest.mark.skipif(not has_loopback_range(), reason="this system has 127.0.0.1 only")
async def test_a_pods_loopback_is_its_own_address(tmp_path: Path) -> None:
    network = await opened(tmp_path, shared=False)
    pod = await network.attach(pod_uid="a", name="a", namespace="default")

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, pod.addresses[0], 0)
    port = server.sockets[0].getsockname()[1]
    try:
        for address, uid in ((pod.addresses[0], None), ("127.0.0.1", "a")):
            stream = await network.connect(address, port, pod_uid=uid)
            assert await stream.read() == b"hello"
            stream.close()
        with pytest.raises(ConnectionRefusedError):
            await network.connect("127.0.0.1", port)
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [('{"80": 31000}', {80: 31000}), ("", {}), ("nonsense", {}), ("[]", {}), ('{"a": 1}', {}), ('{"80": null}', {})],
)
def test_port_maps_are_read_from_the_pod(annotation: str, expected: dict[int, int]) -> None:
    assert port_map_of({"metadata": {"annotations": {"wherry.dev/port-map": annotation}}}) == expected
    assert port_map_of(None) == {}
