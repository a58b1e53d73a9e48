"""DaemonSets against the real API server."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.controllers import node_affinity
from wherry.controllers.daemonset import placement
from wherry.testing.controllers import Cluster, ClusterFactory, workload

DS = "daemonsets.apps"
NODES = ("n1", "n2", "n3")


def body(**spec: Any) -> Object:
    made = workload("agent", **spec)
    del made["spec"]["replicas"], made["spec"]["template"]["spec"]["nodeName"]
    return made


async def start(cluster_of: ClusterFactory, **spec: Any) -> Cluster:
    cluster = await cluster_of("daemonset", nodes=NODES)
    cluster.kubelet.node = lambda pod: placement.node_of(pod)
    await cluster.client.create(DS, body(**spec))
    await cluster.settle(2)
    return cluster


async def set_image(cluster: Cluster, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
    await cluster.patch(DS, "agent", patch, type="strategic")


def everywhere(image: str) -> dict[str, list[str]]:
    return {name: [image] for name in NODES}


async def images(cluster: Cluster) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pod in await cluster.pods():
        found.setdefault(placement.node_of(pod), []).append(pod["spec"]["containers"][0]["image"])
    return found


async def test_one_pod_on_every_node(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    assert await images(cluster) == everywhere("app:1")
    status = (await cluster.get(DS, "agent"))["status"]
    assert status == {
        "currentNumberScheduled": 3,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 3,
        "numberReady": 3,
        "observedGeneration": 1,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
    }
    (revision,) = await cluster.all("controllerrevisions.apps")
    assert revision["revision"] == 1
    assert revision["data"]["spec"]["template"]["$patch"] == "replace"
    pod = (await cluster.pods())[0]
    assert (
        pod["metadata"]["labels"]["controller-revision-hash"]
        == revision["metadata"]["labels"]["controller-revision-hash"]
    )
    tolerated = {(t["key"], t["effect"]) for t in pod["spec"]["tolerations"]}
    assert ("node.kubernetes.io/unschedulable", "NoSchedule") in tolerated


async def test_nodes_come_and_change_labels(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.create("nodes", {"metadata": {"name": "n4"}})
    await cluster.settle(2)
    assert set(await images(cluster)) == set(NODES), "n4 is not ready yet"
    await cluster.client.patch("nodes", "n4", {"spec": {"taints": None}})
    await cluster.settle(2)
    assert set(await images(cluster)) == {*NODES, "n4"}
    patch = {"spec": {"template": {"spec": {"nodeSelector": {"role": "edge"}}}}}
    await cluster.client.patch("nodes", "n2", {"metadata": {"labels": {"role": "edge"}}})
    await cluster.patch(DS, "agent", patch)
    await cluster.settle(5)
    assert set(await images(cluster)) == {"n2"}
    await cluster.client.patch("nodes", "n2", {"metadata": {"labels": {"role": "core"}}})
    await cluster.settle(5)
    assert await images(cluster) == {}


async def test_taints_keep_pods_away_and_drive_them_out(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    await cluster.client.patch("nodes", "n1", {"spec": {"taints": [taint]}})
    await cluster.settle(2)
    assert set(await images(cluster)) == set(NODES), "who runs there stays"
    assert (await cluster.get(DS, "agent"))["status"]["numberMisscheduled"] == 1
    await cluster.client.patch("nodes", "n1", {"spec": {"taints": [{**taint, "effect": "NoExecute"}]}})
    await cluster.settle(2)
    assert set(await images(cluster)) == {"n2", "n3"}


async def test_rolls_one_node_after_another(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.kubelet.ready = lambda pod: pod["spec"]["containers"][0]["image"] != "bad"
    await set_image(cluster, "bad")
    await cluster.settle(10)
    assert sorted(image for here in (await images(cluster)).values() for image in here) == ["app:1", "app:1", "bad"]
    await set_image(cluster, "app:2")
    await cluster.settle(10)
    assert await images(cluster) == everywhere("app:2")
    revisions = await cluster.all("controllerrevisions.apps")
    assert sorted(r["revision"] for r in revisions) == [1, 2, 3]
    assert (await cluster.get(DS, "agent"))["status"]["updatedNumberScheduled"] == 3


async def test_surging_starts_the_new_pod_first(cluster_of: ClusterFactory) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    cluster = await start(cluster_of, updateStrategy=strategy)
    cluster.kubelet.ready = lambda pod: pod["spec"]["containers"][0]["image"] != "bad"
    await set_image(cluster, "bad")
    await cluster.settle(10)
    found = sorted(sorted(here) for here in (await images(cluster)).values())
    assert found == [["app:1"], ["app:1"], ["app:1", "bad"]]
    cluster.kubelet.ready = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(10)
    assert await images(cluster) == everywhere("bad")


async def test_on_delete_waits_for_people(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, updateStrategy={"type": "OnDelete"})
    await set_image(cluster, "app:2")
    await cluster.settle(10)
    assert await images(cluster) == everywhere("app:1")
    victim = next(pod for pod in await cluster.pods() if placement.node_of(pod) == "n2")
    await cluster.client.delete("pods", victim["metadata"]["name"], namespace="default")
    await cluster.settle(10)
    assert await images(cluster) == {"n1": ["app:1"], "n2": ["app:2"], "n3": ["app:1"]}


async def test_failed_pods_are_replaced_with_back_off(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    for _ in range(3):
        pod = next(p for p in await cluster.pods() if placement.node_of(p) == "n1")
        await cluster.kubelet.finish(pod, "Failed")
        await cluster.settle(10)
    assert [p["status"]["phase"] for p in await cluster.pods()] == ["Running"] * 3
    told = [message for reason, message in await cluster.events("agent") if reason == "FailedDaemonPod"]
    assert len(told) == 3


async def test_at_rest_nothing_is_written(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    cluster.faults.seen.clear()
    await cluster.settle(3600)
    assert cluster.faults.seen == []


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, True),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "b", "operator": "DoesNotExist"}, True),
        ({"key": "a", "operator": "Gt", "values": ["0"]}, True),
        ({"key": "a", "operator": "Lt", "values": ["1"]}, False),
        ({"key": "b", "operator": "Gt", "values": ["0"]}, False),
    ],
)
def test_node_affinity(expression: Object, allowed: bool) -> None:
    node = {"metadata": {"name": "n1", "labels": {"a": "1"}}}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    spec = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
    assert node_affinity.allows(spec, node) is allowed
    pinned = node_affinity.only_on(spec, "n1")
    assert node_affinity.allows(pinned, node) is allowed
    assert not node_affinity.allows(node_affinity.only_on(spec, "n2"), node)
    assert node_affinity.pinned_to(pinned) == "n1"


async def test_templates_are_numbered_for_old_clients(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    key, label = "deprecated.daemonset.template.generation", "pod-template-generation"
    assert (await cluster.get(DS, "agent"))["metadata"]["annotations"][key] == "1"
    await cluster.patch(DS, "agent", {"metadata": {"annotations": {key: "9"}}, "spec": {"minReadySeconds": 1}})
    assert (await cluster.get(DS, "agent"))["metadata"]["annotations"][key] == "1"
    await set_image(cluster, "app:2")
    await cluster.settle(20)
    assert (await cluster.get(DS, "agent"))["metadata"]["annotations"][key] == "2"
    assert [pod["metadata"]["labels"][label] for pod in await cluster.pods()] == ["2"] * 3
