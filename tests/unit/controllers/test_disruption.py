"""Disruption budgets and evictions against the real API server."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.errors import TooManyRequests
from wherry.controllers.disruption import budget
from wherry.testing.controllers import Cluster, ClusterFactory, template, workload

PDB = "poddisruptionbudgets.policy"


async def start(cluster_of: ClusterFactory, replicas: int = 4, **spec: Any) -> Cluster:
    cluster = await cluster_of("disruption", "deployment", "replicaset")
    await cluster.client.create("deployments.apps", workload("web", replicas))
    await cluster.settle(2)
    body = {
        "metadata": {"name": "keep", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }
    await cluster.client.create(PDB, body)
    await cluster.settle(1)
    return cluster


async def counts(cluster: Cluster) -> tuple[int, int, int, int]:
    status = (await cluster.get(PDB, "keep"))["status"]
    return status["currentHealthy"], status["desiredHealthy"], status["expectedPods"], status["disruptionsAllowed"]


async def evict(cluster: Cluster, name: str) -> None:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
    await cluster.client.create("pods", body, namespace="default", name=name, subresource="eviction")


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"minAvailable": 3}, (4, 3, 4, 1)),
        ({"minAvailable": "50%"}, (4, 2, 4, 2)),
        ({"maxUnavailable": 1}, (4, 3, 4, 1)),
        ({"maxUnavailable": "30%"}, (4, 2, 4, 2)),
        ({"minAvailable": 9}, (4, 9, 4, 0)),
    ],
)
async def test_what_is_allowed(cluster_of: ClusterFactory, spec: dict[str, Any], found: tuple[int, ...]) -> None:
    cluster = await start(cluster_of, **spec)
    assert await counts(cluster) == found
    (condition,) = (await cluster.get(PDB, "keep"))["status"]["conditions"]
    assert condition["reason"] == ("SufficientPods" if found[3] else "InsufficientPods")


async def test_evictions_take_from_the_budget_until_pods_are_back(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, minAvailable=3)
    cluster.kubelet.ready = lambda pod: False
    first, second, *_ = await cluster.pods()
    await evict(cluster, first["metadata"]["name"])
    await cluster.settle(1)
    assert await counts(cluster) == (3, 3, 4, 0)
    with pytest.raises(TooManyRequests):
        await evict(cluster, second["metadata"]["name"])
    cluster.kubelet.ready = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(1)
    assert await counts(cluster) == (4, 3, 4, 1)


async def test_a_deployments_size_counts_once_over_its_sets(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, maxUnavailable=1)
    cluster.kubelet.ready = lambda pod: pod["spec"]["containers"][0]["image"] == "app:1"
    containers = [{"name": "main", "image": "slow"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    await cluster.patch("deployments.apps", "web", patch, type="strategic")
    await cluster.settle(5)
    assert len(await cluster.all("replicasets.apps")) == 2
    assert await counts(cluster) == (3, 3, 4, 0)


async def test_unmanaged_pods_are_warned_of(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=0, maxUnavailable=1)
    pod = template({"app": "web"})
    pod["metadata"].update(name="alone", namespace="default")
    await cluster.client.create("pods", pod)
    await cluster.settle(1)
    assert "UnmanagedPods" in [reason for reason, _ in await cluster.events("keep")]
    assert (await counts(cluster))[3] == 0


def test_an_eviction_that_does_not_happen_is_forgotten_after_two_minutes() -> None:
    pod = {"metadata": {"name": "p"}}
    noted = {"status": {"disruptedPods": {"p": "1970-01-01T00:00:00Z", "gone": "1970-01-01T00:00:00Z"}}}
    assert budget.disrupted(noted, [pod], 100) == ({"p": "1970-01-01T00:00:00Z"}, [])
    assert budget.disrupted(noted, [pod], 130) == ({}, [pod])


async def test_aggregated_roles_follow_their_parts(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("clusterrole-aggregation")
    roles = "clusterroles.rbac.authorization.k8s.io"
    rule = {"apiGroups": ["x.io"], "resources": ["widgets"], "verbs": ["get"]}
    whole = {
        "metadata": {"name": "whole"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"part": "yes"}}]},
        "rules": [],
    }
    await cluster.client.create(roles, whole)
    await cluster.client.create(roles, {"metadata": {"name": "part", "labels": {"part": "yes"}}, "rules": [rule]})
    await cluster.settle()
    assert (await cluster.client.get(roles, "whole"))["rules"] == [rule]
    await cluster.client.delete(roles, "part")
    await cluster.settle()
    assert not (await cluster.client.get(roles, "whole"))["rules"]
