"""The status of quotas follows the objects, with the API server charging at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wherry.api.errors import Conflict, Forbidden
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory
from wherry.testing.manifests import pod


async def make(cluster: Cluster, hard: dict[str, str], **spec: Any) -> None:
    metadata = {"name": "q", "namespace": "default"}
    await cluster.client.create("resourcequotas", {"metadata": metadata, "spec": {"hard": hard, **spec}})
    await cluster.settle()


async def status(cluster: Cluster) -> Object:
    found: Object = (await cluster.get("resourcequotas", "q"))["status"]
    return found


def named(name: str, **spec: Any) -> Object:
    made = pod(name, namespace="default")
    made["spec"].update(spec)
    return made


async def test_a_new_quota_is_counted_from_what_is_there(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    await cluster.client.create("pods", named("a"))
    await cluster.client.create("configmaps", {"metadata": {"name": "m", "namespace": "default"}})
    await make(cluster, {"pods": "5", "configmaps": "9", "count/jobs.batch": "1", "count/nothing.example": "1"})
    assert (await status(cluster)) == {
        "hard": {"configmaps": "9", "count/jobs.batch": "1", "count/nothing.example": "1", "pods": "5"},
        "used": {"configmaps": "1", "count/jobs.batch": "0", "count/nothing.example": "0", "pods": "1"},
    }


async def test_deleted_and_finished_pods_are_given_back(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    await make(cluster, {"pods": "2", "count/pods": "9"})
    for name in ("a", "b"):
        await cluster.client.create("pods", named(name))
    with pytest.raises(Forbidden, match="exceeded quota: q"):
        await cluster.client.create("pods", named("c"))
    await cluster.settle(1)
    await cluster.client.delete("pods", "a", namespace="default", grace_period_seconds=0)
    await cluster.settle(1)
    assert (await status(cluster))["used"] == {"count/pods": "1", "pods": "1"}
    await cluster.kubelet.finish(await cluster.get("pods", "b"))
    await cluster.settle(1)
    assert (await status(cluster))["used"] == {"count/pods": "1", "pods": "0"}


async def test_a_new_limit_shows_in_the_status(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    await make(cluster, {"pods": "2"})
    await cluster.client.patch("resourcequotas", "q", {"spec": {"hard": {"pods": "7"}}}, namespace="default")
    await cluster.settle(1)
    assert (await status(cluster))["hard"] == {"pods": "7"}


async def test_creating_and_deleting_at_once_keeps_the_count_right(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    await make(cluster, {"pods": "6"})

    async def churn(number: int) -> None:
        for turn in range(6):
            name = f"p{number}-{turn}"
            try:
                await cluster.client.create("pods", named(name))
            except (Forbidden, Conflict):
                await asyncio.sleep(0)
                continue
            assert len(await cluster.pods()) <= 6
            await cluster.client.delete("pods", name, namespace="default", grace_period_seconds=0)

    await asyncio.gather(*(churn(number) for number in range(8)))
    await cluster.settle(5)
    await cluster.client.create("pods", named("last"))
    await cluster.settle(5)
    assert len(await cluster.pods()) == 1
    assert (await status(cluster))["used"] == {"pods": "1"}


async def test_scoped_quotas_count_only_their_pods(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    await cluster.client.create("pods", named("forever"))
    await cluster.client.create("pods", named("brief", activeDeadlineSeconds=5))
    await make(cluster, {"pods": "5"}, scopes=["Terminating"])
    assert (await status(cluster))["used"] == {"pods": "1"}


BOATS = Resource("sea.example.com", "v1", "boats", "Boat")
DEFINITION = {
    "metadata": {"name": "boats.sea.example.com"},
    "spec": {
        "group": "sea.example.com",
        "scope": "Namespaced",
        "names": {"plural": "boats", "kind": "Boat"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


async def boat(cluster: Cluster, name: str) -> None:
    await cluster.client.create(BOATS, {"metadata": {"name": name, "namespace": "default"}})


async def test_custom_resources_are_counted_and_refused(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    await make(cluster, {"count/boats.sea.example.com": "2"})
    await cluster.client.create("customresourcedefinitions.apiextensions.k8s.io", DEFINITION)
    await cluster.settle(31)  # somebody served it from then on
    await boat(cluster, "a")
    await boat(cluster, "b")
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: count/boats\.sea\.example\.com=1, used: "):
        await boat(cluster, "c")
    await cluster.client.delete(BOATS, "a", namespace="default")
    await cluster.settle(2)
    assert (await status(cluster))["used"] == {"count/boats.sea.example.com": "1"}
    await boat(cluster, "c")


async def test_custom_resources_that_were_there_before_and_go_with_their_kind(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    await cluster.client.create("customresourcedefinitions.apiextensions.k8s.io", DEFINITION)
    await cluster.settle(1)
    await boat(cluster, "a")
    await make(cluster, {"count/boats.sea.example.com": "2"})
    await cluster.settle(1)
    assert (await status(cluster))["used"] == {"count/boats.sea.example.com": "1"}
    await cluster.client.delete("customresourcedefinitions.apiextensions.k8s.io", "boats.sea.example.com")
    await cluster.settle(60)
    assert (await status(cluster))["used"] == {"count/boats.sea.example.com": "0"}


def claim(name: str, *requests: Object) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"devices": {"requests": list(requests)}}}


async def test_devices_are_counted_by_their_class(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("resourcequota")
    claims, gpus = "resourceclaims.resource.k8s.io", "gpu.deviceclass.resource.k8s.io/devices"
    await make(cluster, {gpus: "4", f"count/{claims}": "9"})
    two = {"name": "two", "exactly": {"deviceClassName": "gpu", "count": 2}}
    either = {
        "name": "either",
        "firstAvailable": [
            {"name": "one", "deviceClassName": "gpu", "count": 1},
            {"name": "other", "deviceClassName": "tpu", "count": 3},
        ],
    }
    await cluster.client.create(claims, claim("a", two, either))
    every = {"name": "every", "exactly": {"deviceClassName": "gpu", "allocationMode": "All"}}
    for name, request in (("b", two), ("c", every)):
        with pytest.raises(Forbidden, match="exceeded quota: q"):
            await cluster.client.create(claims, claim(name, request))
    await cluster.settle(2)
    assert (await status(cluster))["used"] == {gpus: "3", f"count/{claims}": "1"}
    await cluster.client.delete(claims, "a", namespace="default")
    await cluster.settle(2)
    assert (await status(cluster))["used"] == {gpus: "0", f"count/{claims}": "0"}
