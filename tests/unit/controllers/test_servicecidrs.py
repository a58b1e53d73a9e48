"""ServiceCIDRs are finalized, ready, and kept while addresses depend on them."""

from __future__ import annotations

from typing import Any

from wherry.api.errors import NotFound
from wherry.testing.controllers import Cluster, ClusterFactory

CIDRS, NAME = "servicecidrs.networking.k8s.io", "servicecidrs"


async def add(cluster: Cluster, name: str, cidr: str) -> None:
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": name}}
    await cluster.client.create(CIDRS, {**body, "spec": {"cidrs": [cidr]}})


async def add_service(cluster: Cluster, name: str, address: str) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}}
    await cluster.client.create("services", {**body, "spec": {"clusterIP": address, "ports": [{"port": 80}]}})


async def found(cluster: Cluster, name: str) -> Any:
    try:
        return await cluster.client.get(CIDRS, name)
    except NotFound:
        return None


async def test_a_new_one_gets_its_finalizer_and_is_ready(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of(NAME)
    await add(cluster, "more", "10.200.0.0/24")
    await cluster.clock.advance(1)
    cidr = await found(cluster, "more")
    assert cidr["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
    condition = cidr["status"]["conditions"][0]
    assert (condition["type"], condition["status"]) == ("Ready", "True")
    assert condition["message"] == "Kubernetes Service CIDR is ready"


async def test_one_in_use_stays_until_its_addresses_are_gone(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of(NAME)
    await add(cluster, "more", "10.200.0.0/24")
    await add_service(cluster, "a", "10.200.0.5")
    await cluster.clock.advance(1)
    await cluster.client.delete(CIDRS, "more")
    await cluster.clock.advance(30)
    condition = (await found(cluster, "more"))["status"]["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("False", "Terminating")
    assert condition["message"].startswith("There are still IPAddresses referencing the ServiceCIDR")
    await cluster.client.delete("services", "a", namespace="default")
    await cluster.clock.advance(30)
    assert await found(cluster, "more") is None


async def test_an_unused_one_goes_after_ten_seconds(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of(NAME)
    await add(cluster, "more", "10.200.0.0/24")
    await cluster.clock.advance(1)
    await cluster.client.delete(CIDRS, "more")
    await cluster.clock.advance(8)
    assert await found(cluster, "more") is not None
    await cluster.clock.advance(4)
    assert await found(cluster, "more") is None


async def test_one_within_another_goes_although_it_is_used(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of(NAME)
    await add(cluster, "wide", "10.200.0.0/16")
    await add(cluster, "narrow", "10.200.0.0/24")
    await add_service(cluster, "a", "10.200.0.5")
    await cluster.clock.advance(1)
    await cluster.client.delete(CIDRS, "narrow")
    await cluster.clock.advance(12)
    assert await found(cluster, "narrow") is None
