"""StatefulSets against the real API server."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, workload

STS, CLAIMS = "statefulsets.apps", "persistentvolumeclaims"


async def start(cluster_of: ClusterFactory, replicas: int = 3, **spec: Any) -> Cluster:
    cluster = await cluster_of("statefulset", "garbagecollector", "pvc-protection")
    await cluster.client.create(STS, workload("web", replicas, serviceName="web", **spec))
    await cluster.settle(2)
    return cluster


async def set_image(cluster: Cluster, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
    await cluster.patch(STS, "web", patch, type="strategic")


async def images(cluster: Cluster) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in await cluster.pods()}


def claim(name: str = "data") -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name}, "spec": spec}


async def test_pods_come_in_order_with_names_of_their_own(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("statefulset")
    order: list[str] = []
    cluster.kubelet.ready = lambda pod: pod["metadata"]["name"] != "web-1"
    cluster.kubelet.pods.add_handler(lambda pod: order.append(pod["metadata"]["name"]))
    await cluster.client.create(STS, workload("web", 3, serviceName="web"))
    await cluster.settle(5)
    assert order == ["web-0", "web-1"], "web-2 waits for web-1"
    cluster.kubelet.ready = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(5)
    assert order == ["web-0", "web-1", "web-2"]
    pod = await cluster.get("pods", "web-2")
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-2", "web")
    assert pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "web-2"
    assert pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "2"
    status = (await cluster.get(STS, "web"))["status"]
    assert pod["metadata"]["labels"]["controller-revision-hash"] == status["updateRevision"]
    assert {k: v for k, v in status.items() if not k.endswith("Revision")} == {
        "observedGeneration": 1,
        "replicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "currentReplicas": 3,
        "updatedReplicas": 3,
        "collisionCount": 0,
    }
    assert ("SuccessfulCreate", "create Pod web-0 in StatefulSet web successful") in await cluster.events("web")


async def test_shrinks_from_the_end_one_by_one(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.kubelet.removes = lambda pod: False
    await cluster.patch(STS, "web", {"spec": {"replicas": 1}})
    await cluster.settle(2)
    going = [p["metadata"]["name"] for p in await cluster.pods() if p["metadata"].get("deletionTimestamp")]
    assert going == ["web-2"]
    cluster.kubelet.removes = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(2)
    assert list(await images(cluster)) == ["web-0"]


async def test_parallel_does_not_wait(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("statefulset")
    cluster.kubelet.ready = lambda pod: False
    await cluster.client.create(STS, workload("web", 3, podManagementPolicy="Parallel", ordinals={"start": 5}))
    await cluster.settle(2)
    assert sorted(await images(cluster)) == ["web-5", "web-6", "web-7"]
    await cluster.patch(STS, "web", {"spec": {"replicas": 0}})
    await cluster.settle(2)
    assert await images(cluster) == {}


async def test_rolls_from_the_end_and_waits_for_the_unhealthy(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.kubelet.ready = lambda pod: pod["spec"]["containers"][0]["image"] != "bad"
    await set_image(cluster, "bad")
    await cluster.settle(5)
    assert await images(cluster) == {"web-0": "app:1", "web-1": "app:1", "web-2": "bad"}
    status = (await cluster.get(STS, "web"))["status"]
    assert status["currentRevision"] != status["updateRevision"]
    assert (status["currentReplicas"], status["updatedReplicas"]) == (2, 1)
    cluster.kubelet.ready = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(5)
    assert set((await images(cluster)).values()) == {"bad"}
    status = (await cluster.get(STS, "web"))["status"]
    assert status["currentRevision"] == status["updateRevision"]


async def test_a_partition_keeps_the_lower_ones_as_they_were(cluster_of: ClusterFactory) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    cluster = await start(cluster_of, updateStrategy=strategy)
    await set_image(cluster, "app:2")
    await cluster.settle(5)
    assert await images(cluster) == {"web-0": "app:1", "web-1": "app:1", "web-2": "app:2"}
    await cluster.client.delete("pods", "web-0", namespace="default")
    await cluster.settle(5)
    assert (await images(cluster))["web-0"] == "app:1", "made again from the revision before the update"


async def test_on_delete_waits_for_people(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, updateStrategy={"type": "OnDelete"})
    await set_image(cluster, "app:2")
    await cluster.settle(5)
    assert set((await images(cluster)).values()) == {"app:1"}
    await cluster.client.delete("pods", "web-1", namespace="default")
    await cluster.settle(5)
    assert (await images(cluster))["web-1"] == "app:2"


async def test_failed_pods_are_made_again(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    before = await cluster.get("pods", "web-1")
    await cluster.kubelet.finish(before, "Failed")
    await cluster.settle(5)
    after = await cluster.get("pods", "web-1")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["status"]["phase"] == "Running"
    told = await cluster.events("web")
    assert ("SuccessfulDelete", "delete Pod web-1 in StatefulSet web successful") in told
    assert not [reason for reason, _ in told if reason.startswith("Recreating")], "upstream tells of it no more"


async def test_claims_stay_or_go_as_the_policy_says(cluster_of: ClusterFactory) -> None:
    cluster = await start(
        cluster_of,
        volumeClaimTemplates=[claim()],
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Delete"},
    )
    names = {c["metadata"]["name"] for c in await cluster.all(CLAIMS)}
    assert names == {"data-web-0", "data-web-1", "data-web-2"}
    volume = (await cluster.get("pods", "web-0"))["spec"]["volumes"][0]
    assert volume == {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}
    await cluster.patch(STS, "web", {"spec": {"replicas": 1}})
    await cluster.settle(10)
    assert {c["metadata"]["name"] for c in await cluster.all(CLAIMS)} == {"data-web-0"}
    await cluster.client.delete(STS, "web", namespace="default", propagation_policy="Background")
    await cluster.settle(10)
    assert await cluster.pods() == []
    assert {c["metadata"]["name"] for c in await cluster.all(CLAIMS)} == {"data-web-0"}


async def test_revisions_are_kept_up_to_the_limit(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=1, revisionHistoryLimit=2)
    for i in range(2, 7):
        await set_image(cluster, f"app:{i}")
        await cluster.settle(5)
    found = await cluster.all("controllerrevisions.apps")
    assert sorted(r["revision"] for r in found) == [4, 5, 6]
    label = "controller.kubernetes.io/hash"
    assert all(r["metadata"]["name"] == f"web-{r['metadata']['labels'][label]}" for r in found)
    assert (await images(cluster))["web-0"] == "app:6"


async def test_at_rest_nothing_is_written(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, volumeClaimTemplates=[claim()])
    cluster.faults.seen.clear()
    await cluster.settle(3600)
    assert cluster.faults.seen == []


async def test_a_claim_that_went_while_its_pod_waited_is_made_again(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("statefulset", "garbagecollector")
    cluster.kubelet.runs = lambda pod: False
    await cluster.client.create(STS, workload("web", 1, serviceName="web", volumeClaimTemplates=[claim()]))
    await cluster.settle(2)
    before = await cluster.get(CLAIMS, "data-web-0")
    await cluster.patch(CLAIMS, "data-web-0", {"metadata": {"finalizers": None}})
    await cluster.client.delete(CLAIMS, "data-web-0", namespace="default")
    await cluster.patch("pods", "web-0", {"metadata": {"labels": {"touched": "yes"}}})
    await cluster.settle(2)
    assert (await cluster.get(CLAIMS, "data-web-0"))["metadata"]["uid"] != before["metadata"]["uid"]


async def test_claims_go_with_the_set_but_not_with_its_size(cluster_of: ClusterFactory) -> None:
    cluster = await start(
        cluster_of,
        replicas=2,
        volumeClaimTemplates=[claim()],
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete", "whenScaled": "Retain"},
    )
    await cluster.settle(2)
    await cluster.patch(STS, "web", {"spec": {"replicas": 0}})
    await cluster.settle(10)
    (reference,) = (await cluster.get(CLAIMS, "data-web-1"))["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["controller"], reference["blockOwnerDeletion"]) == ("StatefulSet", True, True)
    await cluster.client.delete(STS, "web", namespace="default", propagation_policy="Background")
    await cluster.settle(10)
    assert await cluster.all(CLAIMS) == []


async def test_a_pod_gets_its_identity_back(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=1)
    await cluster.patch("pods", "web-0", {"metadata": {"labels": {"apps.kubernetes.io/pod-index": None}}})
    await cluster.settle(2)
    assert (await cluster.get("pods", "web-0"))["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "0"
    assert ("SuccessfulUpdate", "update Pod web-0 in StatefulSet web successful") in await cluster.events("web")
