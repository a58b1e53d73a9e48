"""DaemonSets, as upstream's conformance titles drive them."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.controllers.daemonset import placement
from wherry.testing.controllers import Cluster, ClusterFactory, workload

DS = "daemonsets.apps"
NODES = ("n1", "n2")


async def start(cluster_of: ClusterFactory, *, selector: Object | None = None, **spec: Any) -> Cluster:
    cluster = await cluster_of("daemonset", "garbagecollector", nodes=NODES)
    cluster.kubelet.node = lambda pod: placement.node_of(pod)
    body = workload("daemon", **spec)
    del body["spec"]["replicas"], body["spec"]["template"]["spec"]["nodeName"]
    if selector:
        body["spec"]["template"]["spec"]["nodeSelector"] = selector
    await cluster.client.create(DS, body)
    await cluster.settle(3)
    return cluster


async def placed(cluster: Cluster) -> dict[str, Object]:
    return {placement.node_of(pod): pod for pod in await cluster.pods()}


async def set_image(cluster: Cluster, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
    await cluster.patch(DS, "daemon", patch, type="strategic")
    await cluster.settle(10)


async def label(cluster: Cluster, node: str, colour: str | None) -> None:
    await cluster.client.patch("nodes", node, {"metadata": {"labels": {"colour": colour}}})
    await cluster.settle(5)


async def test_a_deleted_pod_is_made_again(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    before = await placed(cluster)
    assert set(before) == set(NODES)
    await cluster.client.delete("pods", before["n1"]["metadata"]["name"], namespace="default")
    await cluster.settle(3)
    after = await placed(cluster)
    assert set(after) == set(NODES)
    assert after["n1"]["metadata"]["uid"] != before["n1"]["metadata"]["uid"]
    assert after["n2"]["metadata"]["uid"] == before["n2"]["metadata"]["uid"]


async def test_a_failed_pod_is_made_again(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    before = await placed(cluster)
    await cluster.kubelet.finish(before["n1"], "Failed")
    await cluster.settle(5)
    after = await placed(cluster)
    assert after["n1"]["metadata"]["uid"] != before["n1"]["metadata"]["uid"]
    assert after["n1"]["status"]["phase"] == "Running"


async def test_labels_of_nodes_decide(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, selector={"colour": "blue"})
    assert await placed(cluster) == {}
    await label(cluster, "n1", "blue")
    assert set(await placed(cluster)) == {"n1"}
    await label(cluster, "n1", "green")
    assert await placed(cluster) == {}
    patch = {
        "spec": {
            "template": {"spec": {"nodeSelector": {"colour": "green"}}},
            "updateStrategy": {"type": "RollingUpdate"},
        }
    }
    await cluster.patch(DS, "daemon", patch)
    await cluster.settle(5)
    assert set(await placed(cluster)) == {"n1"}
    assert (await cluster.get(DS, "daemon"))["status"]["desiredNumberScheduled"] == 1


async def test_a_new_template_replaces_every_pod(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    (first,) = await cluster.all("controllerrevisions.apps")
    await set_image(cluster, "app:2")
    pods = (await placed(cluster)).values()
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == ["app:2"] * 2
    revisions = {r["revision"]: r for r in await cluster.all("controllerrevisions.apps")}
    assert revisions[1]["metadata"]["name"] == first["metadata"]["name"]
    wanted = revisions[2]["metadata"]["labels"]["controller-revision-hash"]
    assert {pod["metadata"]["labels"]["controller-revision-hash"] for pod in pods} == {wanted}


async def test_a_roll_back_touches_only_what_was_rolled_out(cluster_of: ClusterFactory) -> None:
    """As `kubectl rollout undo` does it: the revision's data is a patch of the set."""
    cluster = await start(cluster_of)
    (first,) = await cluster.all("controllerrevisions.apps")
    before = {pod["metadata"]["uid"] for pod in await cluster.pods()}
    cluster.kubelet.ready = lambda pod: pod["spec"]["containers"][0]["image"] != "foo:non-existent"
    await set_image(cluster, "foo:non-existent")
    untouched = {pod["metadata"]["uid"] for pod in await cluster.pods()} & before
    assert len(untouched) == 1
    await cluster.patch(DS, "daemon", first["data"], type="strategic")
    await cluster.settle(10)
    pods = await cluster.pods()
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == ["app:1"] * 2
    assert untouched < {pod["metadata"]["uid"] for pod in pods}
    assert (await cluster.get("controllerrevisions.apps", first["metadata"]["name"]))["revision"] == 3


async def test_the_life_of_its_revisions(cluster_of: ClusterFactory) -> None:
    """ControllerRevisions are listed, labelled, made, deleted and made again by the controller."""
    cluster, kind = await start(cluster_of), "controllerrevisions.apps"
    (first,) = await cluster.all(kind, label_selector="app=daemon")
    name = first["metadata"]["name"]
    patched = await cluster.patch(kind, name, {"metadata": {"labels": {name: "patched"}}})
    assert patched["metadata"]["labels"][name] == "patched"
    other = {
        "metadata": {
            "name": name + "-2",
            "namespace": "default",
            "labels": {"app": "daemon"},
            "ownerReferences": first["metadata"]["ownerReferences"],
        },
        "data": first["data"],
        "revision": first["revision"] + 1,
    }
    made = await cluster.client.create(kind, other)
    assert len(await cluster.all(kind, label_selector="app=daemon")) == 2
    await cluster.client.delete(kind, name, namespace="default")
    assert len(await cluster.all(kind, label_selector="app=daemon")) == 1
    made["metadata"]["labels"]["updated"] = "yes"
    await cluster.client.update(kind, made)
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}}
    await cluster.patch(DS, "daemon", patch)
    await cluster.settle(10)
    found = await cluster.all(kind, label_selector="app=daemon")
    assert sorted(revision["revision"] for revision in found) == [2, 3]
    await cluster.client.delete_collection(kind, namespace="default", label_selector="updated=yes")
    (left,) = await cluster.all(kind, label_selector="app=daemon")
    assert left["revision"] == 3
