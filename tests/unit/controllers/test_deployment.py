"""Deployments against the real API server."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, workload

DEPLOYMENTS, SETS = "deployments.apps", "replicasets.apps"


async def start(cluster_of: ClusterFactory, **spec: Any) -> Cluster:
    cluster = await cluster_of("deployment", "replicaset", "garbagecollector")
    await cluster.client.create(DEPLOYMENTS, workload("web", **spec))
    await cluster.settle(2)
    return cluster


async def set_image(cluster: Cluster, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
    await cluster.patch(DEPLOYMENTS, "web", patch, type="strategic")


def image_of(pod_or_set: Object) -> str:
    spec = pod_or_set["spec"]
    return spec.get("template", pod_or_set)["spec"]["containers"][0]["image"]


def condition(deployment: Object, type_: str) -> Object:
    return next(c for c in deployment["status"]["conditions"] if c["type"] == type_)


async def sets(cluster: Cluster) -> dict[str, Object]:
    return {image_of(rs): rs for rs in await cluster.all(SETS)}


async def test_makes_one_replica_set_and_its_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    (rs,) = await cluster.all(SETS)
    hash_ = rs["metadata"]["labels"]["pod-template-hash"]
    assert rs["metadata"]["name"] == f"web-{hash_}"
    assert rs["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hash_}
    assert rs["metadata"]["annotations"] == {
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    deployment = await cluster.get(DEPLOYMENTS, "web")
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    status = deployment["status"]
    assert {name: status[name] for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")} == {
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
    }
    assert condition(deployment, "Available")["reason"] == "MinimumReplicasAvailable"
    progressing = condition(deployment, "Progressing")
    assert progressing["reason"] == "NewReplicaSetAvailable"
    assert progressing["message"] == f'ReplicaSet "web-{hash_}" has successfully progressed.'
    assert await cluster.events("web") == [("ScalingReplicaSet", f"Scaled up replica set web-{hash_} from 0 to 3")]


async def test_rolls_within_surge_and_unavailable(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=4)
    seen: list[tuple[int, int]] = []

    def look(pod: Object) -> None:
        alive = [p for p in informer.items() if not p["metadata"].get("deletionTimestamp")]
        ready = [p for p in alive if p["status"].get("conditions", [{}])[0].get("status") == "True"]
        seen.append((len(alive), len(ready)))

    informer = cluster.kubelet.pods
    informer.add_handler(look, lambda old, new: look(new), look)
    await set_image(cluster, "app:2")
    await cluster.settle(5)
    assert [image_of(pod) for pod in await cluster.pods()] == ["app:2"] * 4
    assert max(alive for alive, _ in seen) <= 5, "maxSurge 25% of 4 is 1"
    assert min(ready for _, ready in seen) >= 3, "maxUnavailable 25% of 4 is 1"
    found = await sets(cluster)
    assert found["app:1"]["spec"]["replicas"] == 0
    assert found["app:2"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert (await cluster.get(DEPLOYMENTS, "web"))["metadata"]["annotations"][
        "deployment.kubernetes.io/revision"
    ] == "2"


async def test_a_rollout_that_is_not_ready_stops_and_times_out(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=4, progressDeadlineSeconds=60)
    cluster.kubelet.ready = lambda pod: image_of(pod) != "bad"
    await set_image(cluster, "bad")
    await cluster.settle(10)
    images = sorted(image_of(pod) for pod in await cluster.pods())
    assert images == ["app:1"] * 3 + ["bad"] * 2
    await cluster.settle(60)
    deployment = await cluster.get(DEPLOYMENTS, "web")
    progressing = condition(deployment, "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert condition(deployment, "Available")["status"] == "True"
    await set_image(cluster, "app:1")
    await cluster.settle(5)
    assert sorted(image_of(pod) for pod in await cluster.pods()) == ["app:1"] * 4
    found = await sets(cluster)
    assert found["app:1"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert found["app:1"]["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    assert condition(await cluster.get(DEPLOYMENTS, "web"), "Progressing")["reason"] == "NewReplicaSetAvailable"


async def test_recreate_waits_for_the_last_old_pod(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, strategy={"type": "Recreate"})
    cluster.kubelet.removes = lambda pod: False
    await set_image(cluster, "app:2")
    await cluster.settle(5)
    pods = await cluster.pods()
    assert [image_of(pod) for pod in pods] == ["app:1"] * 3
    assert all(pod["metadata"].get("deletionTimestamp") for pod in pods)
    cluster.kubelet.removes = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(5)
    assert [image_of(pod) for pod in await cluster.pods()] == ["app:2"] * 3


async def test_paused_deployments_scale_but_do_not_roll(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.patch(DEPLOYMENTS, "web", {"spec": {"paused": True}})
    await set_image(cluster, "app:2")
    await cluster.settle(2)
    assert list(await sets(cluster)) == ["app:1"]
    assert condition(await cluster.get(DEPLOYMENTS, "web"), "Progressing")["reason"] == "DeploymentPaused"
    await cluster.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 5}})
    await cluster.settle(2)
    assert [image_of(pod) for pod in await cluster.pods()] == ["app:1"] * 5
    await cluster.patch(DEPLOYMENTS, "web", {"spec": {"paused": False}})
    await cluster.settle(5)
    assert [image_of(pod) for pod in await cluster.pods()] == ["app:2"] * 5


async def test_scaling_in_the_middle_of_a_rollout_is_shared(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=10)
    cluster.kubelet.ready = lambda pod: image_of(pod) != "slow"
    await set_image(cluster, "slow")
    await cluster.settle(5)
    before = {image: rs["spec"]["replicas"] for image, rs in (await sets(cluster)).items()}
    assert before == {"app:1": 8, "slow": 5}
    await cluster.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 20}})
    await cluster.settle(5)
    after = {image: rs["spec"]["replicas"] for image, rs in (await sets(cluster)).items()}
    assert sum(after.values()) == 25
    assert after == {"app:1": 15, "slow": 10}


async def test_old_sets_beyond_the_history_limit_go(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, revisionHistoryLimit=1)
    for i in range(2, 6):
        await set_image(cluster, f"app:{i}")
        await cluster.settle(5)
    assert sorted(await sets(cluster)) == ["app:4", "app:5"]


async def test_a_taken_name_is_a_collision(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    (rs,) = await cluster.all(SETS)
    name = rs["metadata"]["name"]
    await cluster.client.delete(DEPLOYMENTS, "web", namespace="default")
    await cluster.settle(5)
    assert await cluster.all(SETS) == []
    squatter = workload("squatter", 0) | {"metadata": {"name": name, "namespace": "default"}}
    await cluster.client.create(SETS, squatter)
    await cluster.client.create(DEPLOYMENTS, workload("web"))
    await cluster.settle(5)
    deployment = await cluster.get(DEPLOYMENTS, "web")
    assert deployment["status"]["collisionCount"] == 1
    assert deployment["status"]["availableReplicas"] == 3
    assert name not in [r["metadata"]["name"] for r in await cluster.all(SETS) if r["spec"]["replicas"]]


async def test_orphaned_sets_are_adopted(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.delete(DEPLOYMENTS, "web", namespace="default", propagation_policy="Orphan")
    await cluster.settle(5)
    (before,) = await cluster.all(SETS)
    assert not before["metadata"].get("ownerReferences")
    pods = {pod["metadata"]["uid"] for pod in await cluster.pods()}
    await cluster.client.create(DEPLOYMENTS, workload("web"))
    await cluster.settle(5)
    (after,) = await cluster.all(SETS)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    assert {pod["metadata"]["uid"] for pod in await cluster.pods()} == pods


async def test_a_settled_deployment_writes_nothing(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.faults.seen.clear()
    await cluster.settle(3600)
    assert cluster.faults.seen == []
