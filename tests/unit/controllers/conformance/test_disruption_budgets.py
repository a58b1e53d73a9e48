"""PodDisruptionBudgets, as upstream's conformance titles drive them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from wherry.api.errors import TooManyRequests
from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, workload

PDB, SETS = "poddisruptionbudgets.policy", "replicasets.apps"


async def start(cluster_of: ClusterFactory, replicas: int, **spec: Any) -> Cluster:
    cluster = await cluster_of("disruption", "replicaset")
    await cluster.client.create(SETS, workload("web", replicas))
    await cluster.settle(2)
    selector = {"matchLabels": {"app": "web"}}
    body = {"metadata": {"name": "keep", "namespace": "default"}, "spec": {"selector": selector, **spec}}
    await cluster.client.create(PDB, body)
    await cluster.settle(1)
    return cluster


async def status(cluster: Cluster) -> Object:
    found: Object = (await cluster.get(PDB, "keep"))["status"]
    return found


async def evict(cluster: Cluster, name: str) -> None:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
    await cluster.client.create("pods", body, namespace="default", name=name, subresource="eviction")


async def test_an_eviction_waits_until_the_budget_allows_it(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, 3, minAvailable=3)
    pod, *_ = await cluster.pods()
    name = pod["metadata"]["name"]
    with pytest.raises(TooManyRequests, match="Cannot evict pod as it would violate the pod's disruption budget"):
        await evict(cluster, name)
    await cluster.patch(PDB, "keep", {"spec": {"minAvailable": 2}})
    await cluster.settle(1)
    await evict(cluster, name)
    await cluster.settle(1)
    with pytest.raises(TooManyRequests):
        await cluster.patch(PDB, "keep", {"spec": {"minAvailable": None, "maxUnavailable": 0}})
        await cluster.settle(1)
        await evict(cluster, (await cluster.pods())[0]["metadata"]["name"])
    await cluster.client.delete(PDB, "keep", namespace="default")
    await evict(cluster, (await cluster.pods())[0]["metadata"]["name"])


async def test_the_status_follows_the_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, 1, minAvailable=1)
    assert (await status(cluster))["disruptionsAllowed"] == 0
    await cluster.patch(SETS, "web", {"spec": {"replicas": 2}})
    await cluster.settle(2)
    found = await status(cluster)
    assert (found["disruptionsAllowed"], found["currentHealthy"], found["observedGeneration"]) == (1, 2, 1)
    (condition,) = found["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "DisruptionAllowed",
        "True",
        "SufficientPods",
    )


@pytest.mark.parametrize(("policy", "goes"), [("IfHealthyBudget", False), ("AlwaysAllow", True)])
async def test_pods_that_are_not_ready_may_always_go_where_the_policy_says_so(
    cluster_of: ClusterFactory, policy: str, goes: bool
) -> None:
    """unhealthyPodEvictionPolicy, KEP-3017."""
    cluster = await start(cluster_of, 2, minAvailable=2, unhealthyPodEvictionPolicy=policy)
    cluster.kubelet.ready = lambda pod: False
    cluster.kubelet.look_again()
    await cluster.settle(1)
    name = (await cluster.pods())[0]["metadata"]["name"]
    if goes:
        await evict(cluster, name)
    else:
        with pytest.raises(TooManyRequests):
            await evict(cluster, name)


async def test_sizes_come_from_the_scale_of_custom_resources(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("disruption")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"scale": scale},
    }
    names = {"plural": "fleets", "singular": "fleet", "kind": "Fleet", "listKind": "FleetList"}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
    await cluster.client.create(
        "customresourcedefinitions.apiextensions.k8s.io", {"metadata": {"name": "fleets.example.com"}, "spec": spec}
    )
    await cluster.settle(2)
    path = "/apis/example.com/v1/namespaces/default/fleets"
    fleet = b'{"apiVersion":"example.com/v1","kind":"Fleet","metadata":{"name":"f"},"spec":{"replicas":5}}'
    made = await cluster.client.raw("POST", path, body=fleet, headers={"content-type": "application/json"})
    assert made.status == 201
    uid = orjson.loads(made.body)["metadata"]["uid"]
    owner = {"apiVersion": "example.com/v1", "kind": "Fleet", "name": "f", "uid": uid, "controller": True}
    pod = {"nodeName": "node-1", "containers": [{"name": "main", "image": "x"}]}
    for i in range(3):
        metadata = {"name": f"p{i}", "namespace": "default", "labels": {"app": "web"}, "ownerReferences": [owner]}
        await cluster.client.create("pods", {"metadata": metadata, "spec": pod})
    budget = {"selector": {"matchLabels": {"app": "web"}}, "maxUnavailable": 3}
    await cluster.client.create(PDB, {"metadata": {"name": "keep", "namespace": "default"}, "spec": budget})
    await cluster.settle(2)
    found = await status(cluster)
    assert [found[n] for n in ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed")] == [
        5,
        2,
        3,
        1,
    ]
