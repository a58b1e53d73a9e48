"""What happens to dependents, as upstream's conformance titles ask it."""

from __future__ import annotations

import pytest

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, workload

DEPLOYMENTS, SETS, CONTROLLERS = "deployments.apps", "replicasets.apps", "replicationcontrollers"


async def start(cluster_of: ClusterFactory) -> Cluster:
    return await cluster_of("deployment", "replicaset", "replicationcontroller", "garbagecollector")


def controller(name: str, replicas: int = 2) -> Object:
    body = workload(name, replicas)
    body["spec"]["selector"] = {"app": name}
    return body


async def test_a_deployments_set_goes_with_it_or_stays(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    for name in ("goes", "stays"):
        await cluster.client.create(DEPLOYMENTS, workload(name, 2))
    await cluster.settle(3)
    await cluster.client.delete(DEPLOYMENTS, "goes", namespace="default", propagation_policy="Background")
    await cluster.client.delete(DEPLOYMENTS, "stays", namespace="default", propagation_policy="Orphan")
    await cluster.settle(10)
    (left,) = await cluster.all(SETS)
    assert left["metadata"]["name"].startswith("stays-")
    assert not left["metadata"].get("ownerReferences")
    assert len(await cluster.pods()) == 2


async def test_a_controllers_pods_go_with_it_or_stay(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    for name in ("goes", "stays"):
        await cluster.client.create(CONTROLLERS, controller(name))
    await cluster.settle(3)
    await cluster.client.delete(CONTROLLERS, "goes", namespace="default", propagation_policy="Background")
    await cluster.client.delete(CONTROLLERS, "stays", namespace="default", propagation_policy="Orphan")
    await cluster.settle(60)
    pods = await cluster.pods()
    assert [pod["metadata"]["labels"]["app"] for pod in pods] == ["stays"] * 2
    assert not any(pod["metadata"].get("ownerReferences") for pod in pods)


async def test_in_the_foreground_the_owner_goes_last(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.create(CONTROLLERS, controller("web", 5))
    await cluster.settle(3)
    cluster.kubelet.removes = lambda pod: False
    await cluster.client.delete(CONTROLLERS, "web", namespace="default", propagation_policy="Foreground")
    await cluster.settle(10)
    found = await cluster.get(CONTROLLERS, "web")
    assert found["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert all(pod["metadata"].get("deletionTimestamp") for pod in await cluster.pods())
    cluster.kubelet.removes = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(5)
    assert (await cluster.all(CONTROLLERS), await cluster.pods()) == ([], [])


async def test_a_second_owner_keeps_what_the_first_waits_for(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.create(CONTROLLERS, controller("dies", 4))
    stays = await cluster.client.create(CONTROLLERS, controller("stays", 0))
    await cluster.settle(3)
    second = {"apiVersion": "v1", "kind": "ReplicationController", "name": "stays", "uid": stays["metadata"]["uid"]}
    kept = [pod["metadata"]["name"] for pod in (await cluster.pods())[:2]]
    for name in kept:
        (first,) = (await cluster.get("pods", name))["metadata"]["ownerReferences"]
        await cluster.patch("pods", name, {"metadata": {"ownerReferences": [first, second]}})
    await cluster.client.delete(CONTROLLERS, "dies", namespace="default", propagation_policy="Foreground")
    await cluster.settle(10)
    assert [rc["metadata"]["name"] for rc in await cluster.all(CONTROLLERS)] == ["stays"]
    left = await cluster.pods()
    assert sorted(pod["metadata"]["name"] for pod in left) == sorted(kept)
    assert [[r["name"] for r in pod["metadata"]["ownerReferences"]] for pod in left] == [["stays"], ["stays"]]


@pytest.mark.parametrize("first", ["pod1", "pod2", "pod3"])
async def test_a_circle_of_owners_goes(cluster_of: ClusterFactory, first: str) -> None:
    cluster = await start(cluster_of)
    uids = {}
    for name in ("pod1", "pod2", "pod3"):
        spec = {"nodeName": "node-1", "containers": [{"name": "main", "image": "x"}]}
        made = await cluster.client.create("pods", {"metadata": {"name": name, "namespace": "default"}, "spec": spec})
        uids[name] = made["metadata"]["uid"]
    for name, owner in (("pod1", "pod3"), ("pod2", "pod1"), ("pod3", "pod2")):
        reference = {"apiVersion": "v1", "kind": "Pod", "name": owner, "uid": uids[owner]}
        reference |= {"controller": True, "blockOwnerDeletion": True}
        await cluster.patch("pods", name, {"metadata": {"ownerReferences": [reference]}})
    await cluster.settle(2)
    await cluster.client.delete("pods", first, namespace="default", propagation_policy="Foreground")
    await cluster.settle(30)
    assert await cluster.pods() == []
