"""ReplicaSets and ReplicationControllers: adoption, release, scaling, quotas, and their whole lives."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, template, workload

KINDS = {"replicasets.apps": "replicaset", "replicationcontrollers": "replicationcontroller"}
both = pytest.mark.parametrize("resource", sorted(KINDS))


def body(resource: str, replicas: int = 1, **more: Any) -> Object:
    made = workload("web", replicas, **more)
    made["metadata"]["labels"] = {"app": "web"}
    if resource == "replicationcontrollers":
        made["spec"]["selector"] = {"app": "web"}
    return made


async def start(cluster_of: ClusterFactory, resource: str, *more: str) -> Cluster:
    return await cluster_of(KINDS[resource], "garbagecollector", *more)


@both
async def test_every_replica_runs_and_is_replaced(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await start(cluster_of, resource)
    await cluster.client.create(resource, body(resource, 2))
    await cluster.settle(1)
    first, second = await cluster.pods()
    assert first["metadata"]["name"].startswith("web-")
    assert first["metadata"]["ownerReferences"][0]["controller"]
    await cluster.client.delete("pods", first["metadata"]["name"], namespace="default")
    await cluster.settle(1)
    names = {pod["metadata"]["name"] for pod in await cluster.pods()}
    assert len(names) == 2
    assert second["metadata"]["name"] in names
    status = (await cluster.get(resource, "web"))["status"]
    assert (status["readyReplicas"], status["availableReplicas"], status["observedGeneration"]) == (2, 2, 1)


@both
async def test_orphans_that_match_are_adopted(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await start(cluster_of, resource)
    orphan = template({"app": "web"})
    orphan["metadata"].update(name="orphan", namespace="default")
    await cluster.client.create("pods", orphan)
    await cluster.client.create(resource, body(resource))
    await cluster.settle(1)
    (pod,) = await cluster.pods()
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (pod["metadata"]["name"], owner["name"], owner["controller"]) == ("orphan", "web", True)


@both
async def test_pods_that_match_no_more_are_released(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await start(cluster_of, resource)
    await cluster.client.create(resource, body(resource))
    await cluster.settle(1)
    (pod,) = await cluster.pods()
    name = pod["metadata"]["name"]
    await cluster.patch("pods", name, {"metadata": {"labels": {"app": "not-matching"}}})
    await cluster.settle(1)
    assert not (await cluster.get("pods", name))["metadata"].get("ownerReferences")
    (other,) = await cluster.pods(label_selector="app=web")
    assert other["metadata"]["ownerReferences"][0]["name"] == "web"


@both
async def test_an_exceeded_quota_is_a_condition_until_it_is_not(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await start(cluster_of, resource, "resourcequota")
    quota = {"metadata": {"name": "few", "namespace": "default"}, "spec": {"hard": {"pods": "2"}}}
    await cluster.client.create("resourcequotas", quota)
    await cluster.settle(1)
    await cluster.client.create(resource, body(resource, 3))
    await cluster.settle(2)
    (condition,) = (await cluster.get(resource, "web"))["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("ReplicaFailure", "True", "FailedCreate")
    assert "exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2" in condition["message"]
    await cluster.patch(resource, "web", {"spec": {"replicas": 2}})
    await cluster.settle(2)
    assert not (await cluster.get(resource, "web"))["status"].get("conditions")


@both
async def test_the_whole_life_of_a_set(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await start(cluster_of, resource)
    await cluster.client.create(resource, body(resource, minReadySeconds=0))
    await cluster.settle(1)
    await cluster.patch(resource, "web", {"spec": {"replicas": 2}}, subresource="scale")
    await cluster.settle(1)
    assert (await cluster.get(resource, "web"))["status"]["readyReplicas"] == 2
    containers = [{"name": "main", "image": "app:2"}]
    patch = {
        "metadata": {"labels": {"test": "patched"}},
        "spec": {"replicas": 3, "template": {"spec": {"containers": containers}}},
    }
    patched = await cluster.patch(resource, "web", patch, type="strategic")
    assert patched["metadata"]["labels"] == {"app": "web", "test": "patched"}
    await cluster.settle(1)
    images = sorted(pod["spec"]["containers"][0]["image"] for pod in await cluster.pods())
    assert images == ["app:1", "app:1", "app:2"], "a new template is for new pods only"
    whole = await cluster.get(resource, "web")
    await cluster.client.update(resource, {**whole, "spec": {**whole["spec"], "replicas": 1}})
    await cluster.settle(1)
    assert (await cluster.get(resource, "web"))["status"]["replicas"] == 1
    await cluster.client.delete(resource, "web", namespace="default", propagation_policy="Background")
    await cluster.settle(10)
    assert await cluster.pods() == []
