"""Services of type LoadBalancer get addresses from the pool, and give them back."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.controllers.context import Config
from wherry.testing.controllers import Cluster, ClusterFactory

POOL = Config(load_balancer_pool="10.9.0.0/30")  # two addresses
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


def service(name: str, **spec: Any) -> Object:
    ports = [{"port": 80, "protocol": "TCP"}]
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": ports, **spec},
    }


async def start(cluster_of: ClusterFactory, config: Config = POOL) -> Cluster:
    return await cluster_of("service", config=config)


async def make(cluster: Cluster, name: str, **spec: Any) -> Object:
    await cluster.client.create("services", service(name, **spec))
    await cluster.settle(1)
    return await cluster.get("services", name)


def ips(found: Object) -> list[str]:
    return [each["ip"] for each in found["status"]["loadBalancer"].get("ingress", ())]


async def test_an_address_a_finalizer_and_two_events(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    found = await make(cluster, "web")
    assert found["status"]["loadBalancer"] == {"ingress": [{"ip": "10.9.0.1", "ipMode": "VIP"}]}
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert await cluster.events("web") == [
        ("EnsuringLoadBalancer", "Ensuring load balancer"),
        ("EnsuredLoadBalancer", "Ensured load balancer"),
    ]
    assert found["spec"]["ports"][0]["nodePort"]


async def test_the_address_that_is_asked_for(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    assert ips(await make(cluster, "a", loadBalancerIP="10.9.0.2")) == ["10.9.0.2"]
    assert ips(await make(cluster, "b", loadBalancerIP="10.9.0.2")) == []
    text = "Error syncing load balancer: failed to ensure load balancer: 10.9.0.2 is in use by default/a"
    assert ("SyncLoadBalancerFailed", text) in await cluster.events("b")
    await make(cluster, "c", loadBalancerIP="1.2.3.4")
    text = "Error syncing load balancer: failed to ensure load balancer: 1.2.3.4 is not in the pool 10.9.0.0/30"
    assert ("SyncLoadBalancerFailed", text) in await cluster.events("c")
    await cluster.patch("services", "a", {"spec": {"loadBalancerIP": "10.9.0.1"}})
    await cluster.settle(2)
    assert ips(await cluster.get("services", "a")) == ["10.9.0.1"]
    assert ips(await cluster.get("services", "b")) == ["10.9.0.2"]


async def test_when_the_pool_is_used_up_the_next_one_waits(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    assert [ips(await make(cluster, name)) for name in "abc"] == [["10.9.0.1"], ["10.9.0.2"], []]
    text = "Error syncing load balancer: failed to ensure load balancer: the pool 10.9.0.0/30 is used up"
    assert ("SyncLoadBalancerFailed", text) in await cluster.events("c")
    await cluster.client.delete("services", "a", namespace="default")
    await cluster.settle(2)
    assert not await cluster.exists("services", "a")
    assert ips(await cluster.get("services", "c")) == ["10.9.0.1"]
    assert ("DeletedLoadBalancer", "Deleted load balancer") in await cluster.events("a")


async def test_another_type_gives_it_back(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await make(cluster, "web")
    await cluster.patch("services", "web", {"spec": {"type": "ClusterIP"}})
    await cluster.settle(2)
    found = await cluster.get("services", "web")
    assert "finalizers" not in found["metadata"]
    assert found["status"]["loadBalancer"] == {}
    assert ips(await make(cluster, "next")) == ["10.9.0.1"]


async def test_classes_say_whose_it_is(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    other = await make(cluster, "other", loadBalancerClass="example.com/lb")
    assert (ips(other), "finalizers" in other["metadata"]) == ([], False)
    assert ips(await make(cluster, "ours", loadBalancerClass="wherry.dev/pool")) == ["10.9.0.1"]


async def test_a_restart_changes_nothing(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    for name in "ab":
        await make(cluster, name)
    before = [await cluster.get("services", name) for name in "ab"]
    await cluster.restart()
    await cluster.settle(2)
    assert [await cluster.get("services", name) for name in "ab"] == before
    assert len(await cluster.events("a")) == 2


async def test_without_a_pool_others_care(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, Config())
    found = await make(cluster, "web")
    assert (ips(found), "finalizers" in found["metadata"]) == ([], False)


async def test_no_node_ports_where_none_are_wanted(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    found = await make(cluster, "web", allocateLoadBalancerNodePorts=False)
    assert ips(found) == ["10.9.0.1"]
    assert "nodePort" not in found["spec"]["ports"][0]
