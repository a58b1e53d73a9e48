"""Deployments, as upstream's conformance titles drive them: with replica sets that were there before."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, workload

DEPLOYMENTS, SETS = "deployments.apps", "replicasets.apps"
REVISION = "deployment.kubernetes.io/revision"


async def start(cluster_of: ClusterFactory) -> Cluster:
    return await cluster_of("deployment", "replicaset", "garbagecollector")


def image_of(pod_or_set: Object) -> str:
    spec = pod_or_set["spec"]
    found: str = spec.get("template", pod_or_set)["spec"]["containers"][0]["image"]
    return found


async def set_image(cluster: Cluster, image: str, **spec: Any) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}, **spec}}
    await cluster.patch(DEPLOYMENTS, "web", patch, type="strategic")


async def sizes(cluster: Cluster) -> dict[str, int]:
    return {image_of(rs): rs["spec"]["replicas"] for rs in await cluster.all(SETS)}


async def older_set(cluster: Cluster, replicas: int, revision: str) -> Object:
    """A replica set whose pods the deployment `web` will select."""
    body = workload("web", replicas, "old:1")
    body["metadata"].update(name="older", labels={"app": "web"}, annotations={REVISION: revision})
    made = await cluster.client.create(SETS, body)
    await cluster.settle(2)
    return made


async def test_an_older_set_is_taken_over_and_rolled_away(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    older = await older_set(cluster, 1, "3546343826724305832")
    await cluster.client.create(DEPLOYMENTS, workload("web", 1, "new:1"))
    await cluster.settle(5)
    assert [image_of(pod) for pod in await cluster.pods()] == ["new:1"]
    found = await cluster.get(DEPLOYMENTS, "web")
    assert found["metadata"]["annotations"][REVISION] == "3546343826724305833"
    after = await cluster.get(SETS, "older")
    assert (after["metadata"]["uid"], after["spec"]["replicas"]) == (older["metadata"]["uid"], 0)
    assert after["metadata"]["ownerReferences"][0]["uid"] == found["metadata"]["uid"]


async def test_without_history_old_sets_go(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await older_set(cluster, 1, "1")
    await cluster.client.create(DEPLOYMENTS, workload("web", 1, "new:1", revisionHistoryLimit=0))
    await cluster.settle(10)
    assert await sizes(cluster) == {"new:1": 1}


async def test_a_rollout_is_overtaken_by_the_next(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.kubelet.ready = lambda pod: image_of(pod) != "broken"
    await older_set(cluster, 1, "1")
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    await cluster.client.create(DEPLOYMENTS, workload("web", 1, "broken", minReadySeconds=10, strategy=strategy))
    await cluster.settle(15)
    assert await sizes(cluster) == {"old:1": 1, "broken": 1}, "the one that works stays while the new one does not"
    await set_image(cluster, "good:1")
    await cluster.settle(5)
    found = await sizes(cluster)
    assert (found["old:1"], found["good:1"]) == (1, 1), "ready, but not for ten seconds yet"
    await cluster.settle(15)
    assert await sizes(cluster) == {"old:1": 0, "broken": 0, "good:1": 1}
    status = (await cluster.get(DEPLOYMENTS, "web"))["status"]
    assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (1, 1, 1)


async def test_sizes_are_shared_in_proportion(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
    await cluster.client.create(DEPLOYMENTS, workload("web", 10, "first", strategy=strategy))
    await cluster.settle(3)
    cluster.kubelet.ready = lambda pod: image_of(pod) == "first"
    await set_image(cluster, "webserver:404")
    await cluster.settle(5)
    assert await sizes(cluster) == {"first": 8, "webserver:404": 5}
    status = (await cluster.get(DEPLOYMENTS, "web"))["status"]
    assert (status["availableReplicas"], status["replicas"], status["unavailableReplicas"]) == (8, 13, 5)
    await cluster.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 30}})
    await cluster.settle(5)
    assert await sizes(cluster) == {"first": 20, "webserver:404": 13}


async def test_the_whole_life_of_a_deployment(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.create(DEPLOYMENTS, workload("web", 1))
    await cluster.settle(2)
    assert (await cluster.get(DEPLOYMENTS, "web"))["status"]["readyReplicas"] == 1
    await set_image(cluster, "app:2", replicas=2)
    await cluster.settle(5)
    assert [image_of(pod) for pod in await cluster.pods()] == ["app:2"] * 2
    await cluster.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 1}}, subresource="scale")
    await cluster.settle(2)
    assert len(await cluster.pods()) == 1
    patch = {"status": {"readyReplicas": 0, "availableReplicas": 0}}
    written = await cluster.patch(DEPLOYMENTS, "web", patch, subresource="status")
    assert not written["status"].get("readyReplicas")
    await cluster.settle(2)
    assert (await cluster.get(DEPLOYMENTS, "web"))["status"]["readyReplicas"] == 1, "the controller puts it right"
    await cluster.client.delete(DEPLOYMENTS, "web", namespace="default", propagation_policy="Foreground")
    await cluster.settle(10)
    assert [await cluster.all(kind) for kind in (DEPLOYMENTS, SETS, "pods")] == [[], [], []]


async def test_undo_brings_the_template_of_a_revision_back(cluster_of: ClusterFactory) -> None:
    """As `kubectl rollout undo --to-revision=1` does it: a replacement of the template by the old set's."""
    cluster = await start(cluster_of)
    await cluster.client.create(DEPLOYMENTS, workload("web", 2))
    await cluster.settle(2)
    (first,) = await cluster.all(SETS)
    await set_image(cluster, "app:2")
    await cluster.settle(5)
    template = first["spec"]["template"]
    template["metadata"]["labels"].pop("pod-template-hash")
    undo = [{"op": "replace", "path": "/spec/template", "value": template}]
    await cluster.patch(DEPLOYMENTS, "web", undo, type="json")
    await cluster.settle(5)
    after = await cluster.get(SETS, first["metadata"]["name"])
    assert after["metadata"]["annotations"][REVISION] == "3"
    assert after["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    assert [image_of(pod) for pod in await cluster.pods()] == ["app:1"] * 2
