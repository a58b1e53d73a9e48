import pytest

from wherry.api.pod_network import NetworkFailure
from wherry.network.pretend import PretendNetwork


async def attach(network: PretendNetwork, uid: str) -> str:
    return (await network.attach(pod_uid=uid, name=uid, namespace="default")).addresses[0]


async def test_each_pod_has_its_own_address_until_the_range_is_used_up() -> None:
    network = PretendNetwork(node_address="127.0.0.1", pod_cidr="10.1.2.0/29")
    given = [await attach(network, f"pod-{n}") for n in range(6)]
    assert given == [f"10.1.2.{n}" for n in range(1, 7)]
    assert await attach(network, "pod-0") == "10.1.2.1"
    with pytest.raises(NetworkFailure, match=r"all addresses of 10\.1\.2\.0/29 are in use"):
        await attach(network, "one more")
    await network.detach("pod-3")
    assert await attach(network, "one more") == "10.1.2.4"


async def test_nothing_listens() -> None:
    network = PretendNetwork(node_address="127.0.0.1", pod_cidr="10.1.2.0/29")
    with pytest.raises(ConnectionRefusedError):
        await network.connect(await attach(network, "pod"), 80)
