"""ReplicaSets against the real API server."""

from __future__ import annotations

from wherry.api.errors import Forbidden, StatusError
from wherry.testing.controllers import ClusterFactory, workload

RS = "replicasets.apps"


async def test_keeps_as_many_pods_as_asked_for(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    await cluster.client.create(RS, workload("web"))
    await cluster.settle()
    pods = await cluster.pods()
    assert len(pods) == 3
    assert all(pod["metadata"]["name"].startswith("web-") for pod in pods)
    assert pods[0]["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is True
    status = (await cluster.get(RS, "web"))["status"]
    assert status == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "observedGeneration": 1,
        "terminatingReplicas": 0,
    }
    names = [pod["metadata"]["name"] for pod in pods]
    assert sorted(await cluster.events("web")) == sorted(("SuccessfulCreate", f"Created pod: {name}") for name in names)


async def test_scales_down_by_deletion_cost_and_up_again(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    await cluster.client.create(RS, workload("web"))
    await cluster.settle()
    cheap = (await cluster.pods())[1]["metadata"]["name"]
    cost = {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-5"}}}
    await cluster.patch("pods", cheap, cost)
    await cluster.patch(RS, "web", {"spec": {"replicas": 2}})
    await cluster.settle()
    assert cheap not in [pod["metadata"]["name"] for pod in await cluster.pods()]
    assert len(await cluster.pods()) == 2
    await cluster.patch(RS, "web", {"spec": {"replicas": 5}})
    await cluster.settle()
    assert len(await cluster.pods()) == 5
    assert (await cluster.get(RS, "web"))["status"]["readyReplicas"] == 5


async def test_replaces_failed_and_deleted_pods(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    await cluster.client.create(RS, workload("web", 2))
    await cluster.settle()
    first, second = await cluster.pods()
    await cluster.client.delete("pods", first["metadata"]["name"], namespace="default")
    await cluster.kubelet.finish(second, "Failed")
    await cluster.settle()
    alive = [pod for pod in await cluster.pods() if pod["status"]["phase"] == "Running"]
    assert len(alive) == 2
    assert {first["metadata"]["uid"], second["metadata"]["uid"]}.isdisjoint(p["metadata"]["uid"] for p in alive)


async def test_adopts_matching_orphans_and_releases_what_no_longer_matches(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    orphan = workload("web")["spec"]["template"] | {}
    orphan["metadata"] = {"name": "orphan", "namespace": "default", "labels": {"app": "web"}}
    await cluster.client.create("pods", orphan)
    await cluster.settle()
    await cluster.client.create(RS, workload("web", 2))
    await cluster.settle()
    assert len(await cluster.pods()) == 2
    adopted = await cluster.get("pods", "orphan")
    assert adopted["metadata"]["ownerReferences"][0]["name"] == "web"
    await cluster.patch("pods", "orphan", {"metadata": {"labels": {"app": "other"}}})
    await cluster.settle()
    assert not (await cluster.get("pods", "orphan"))["metadata"].get("ownerReferences")
    assert len(await cluster.pods(label_selector="app=web")) == 2


async def test_min_ready_seconds_delays_availability(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    await cluster.client.create(RS, workload("web", 1, minReadySeconds=30))
    await cluster.settle(10)
    status = (await cluster.get(RS, "web"))["status"]
    assert (status["readyReplicas"], status.get("availableReplicas", 0)) == (1, 0)
    await cluster.settle(25)
    assert (await cluster.get(RS, "web"))["status"]["availableReplicas"] == 1


async def test_terminating_pods_are_counted(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    cluster.kubelet.removes = lambda pod: False
    await cluster.client.create(RS, workload("web", 2))
    await cluster.settle()
    await cluster.patch(RS, "web", {"spec": {"replicas": 0}})
    await cluster.settle()
    status = (await cluster.get(RS, "web"))["status"]
    assert (status["replicas"], status["terminatingReplicas"]) == (0, 2)
    cluster.kubelet.removes = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle()
    assert (await cluster.get(RS, "web"))["status"]["terminatingReplicas"] == 0


async def test_replication_controllers_are_kept_by_the_same_loop(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicationcontroller")
    body = workload("web", 2)
    body["spec"]["selector"] = {"app": "web"}
    await cluster.client.create("replicationcontrollers", body)
    await cluster.settle()
    assert len(await cluster.pods()) == 2
    assert (await cluster.get("replicationcontrollers", "web"))["status"]["readyReplicas"] == 2


async def test_a_refused_creation_is_told_and_tried_again_with_back_off(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")

    def refuse(method: str, path: str) -> StatusError | None:
        return Forbidden("exceeded quota: small") if method == "POST" and path.endswith("/pods") else None

    cluster.faults.refuse = refuse
    await cluster.client.create(RS, workload("web", 8))
    await cluster.settle()
    status = (await cluster.get(RS, "web"))["status"]
    condition = status["conditions"][0]
    assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
    assert condition["message"] == "exceeded quota: small"
    assert (await cluster.events("web"))[0] == ("FailedCreate", "Error creating: exceeded quota: small")
    await cluster.settle(60)
    tries = [path for _, path in cluster.faults.seen if path.endswith("/pods")]
    assert 10 <= len(tries) <= 20, "one pod at a time, with back-off"
    cluster.faults.refuse = lambda method, path: None
    await cluster.settle(120)
    status = (await cluster.get(RS, "web"))["status"]
    assert status["readyReplicas"] == 8
    assert "conditions" not in status


async def test_no_pod_is_made_twice_while_the_informer_is_behind(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    for i in range(30):
        await cluster.client.create(RS, workload(f"web-{i}", 5))
        if i % 3 == 0:
            await cluster.patch(RS, f"web-{i}", {"spec": {"replicas": 7}})
    await cluster.settle()
    for i in range(30):
        found = await cluster.pods(label_selector=f"app=web-{i}")
        assert len(found) == (7 if i % 3 == 0 else 5)
    assert sum(method == "DELETE" for method, _ in cluster.faults.seen) == 0
