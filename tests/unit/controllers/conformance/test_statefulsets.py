"""StatefulSets, as upstream's conformance titles drive them."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory, workload

STS, REVISION = "statefulsets.apps", "controller-revision-hash"


async def start(cluster_of: ClusterFactory, replicas: int = 3, **spec: Any) -> Cluster:
    cluster = await cluster_of("statefulset", "garbagecollector")
    await cluster.client.create(STS, workload("ss", replicas, serviceName="test", **spec))
    await cluster.settle(3)
    return cluster


async def set_image(cluster: Cluster, image: str, **spec: Any) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}, **spec}}
    await cluster.patch(STS, "ss", patch, type="strategic")
    await cluster.settle(10)


async def images(cluster: Cluster) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in await cluster.pods()}


async def status(cluster: Cluster) -> Object:
    found: Object = (await cluster.get(STS, "ss"))["status"]
    return found


def unhealthy(cluster: Cluster, *names: str) -> None:
    cluster.kubelet.ready = lambda pod: pod["metadata"]["name"] not in names
    cluster.kubelet.look_again()


async def scale(cluster: Cluster, replicas: int) -> None:
    await cluster.patch(STS, "ss", {"spec": {"replicas": replicas}}, subresource="scale")
    await cluster.settle(10)


async def test_scaling_goes_in_order_and_halts_while_a_pod_is_unhealthy(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("statefulset")
    order: list[str] = []
    cluster.kubelet.pods.add_handler(
        lambda pod: order.append("+" + pod["metadata"]["name"][-1]),
        on_delete=lambda pod: order.append("-" + pod["metadata"]["name"][-1]),
    )
    await cluster.client.create(STS, workload("ss", 1, serviceName="test"))
    await cluster.settle(3)
    unhealthy(cluster, "ss-0")
    await cluster.settle(3)
    await scale(cluster, 3)
    assert order == ["+0"]
    unhealthy(cluster)
    await cluster.settle(10)
    assert order == ["+0", "+1", "+2"]
    unhealthy(cluster, "ss-0", "ss-1", "ss-2")
    await cluster.settle(3)
    await scale(cluster, 0)
    assert order == ["+0", "+1", "+2"], "nothing goes either"
    unhealthy(cluster)
    await cluster.settle(10)
    assert order == ["+0", "+1", "+2", "-2", "-1", "-0"]


async def test_burst_scaling_goes_on_with_unhealthy_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, 1, podManagementPolicy="Parallel")
    unhealthy(cluster, "ss-0", "ss-1", "ss-2")
    await cluster.settle(2)
    await scale(cluster, 3)
    assert sorted(await images(cluster)) == ["ss-0", "ss-1", "ss-2"]
    await scale(cluster, 0)
    assert await images(cluster) == {}
    assert (await status(cluster))["replicas"] == 0


async def test_an_evicted_pod_comes_again_under_its_name(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, 1)
    before = await cluster.get("pods", "ss-0")
    await cluster.kubelet.finish(before, "Failed", reason="Evicted")
    await cluster.settle(3)
    (after,) = await cluster.pods()
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["status"]["phase"] == "Running"


async def test_a_name_is_taken_until_its_pod_is_gone(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, 1)
    before = await cluster.get("pods", "ss-0")
    cluster.kubelet.removes = lambda pod: False
    await cluster.client.delete("pods", "ss-0", namespace="default")
    await cluster.settle(300)
    (only,) = await cluster.pods()
    assert only["metadata"]["uid"] == before["metadata"]["uid"]
    cluster.kubelet.removes = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(3)
    (after,) = await cluster.pods()
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


async def test_canaries_and_phases(cluster_of: ClusterFactory) -> None:
    def partition(value: int) -> dict[str, Object]:
        return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": value}}}

    cluster = await start(cluster_of, 3, **partition(3))
    await set_image(cluster, "app:2")
    assert set((await images(cluster)).values()) == {"app:1"}, "nobody stands at or above the partition"
    before = await status(cluster)
    assert before["currentRevision"] != before["updateRevision"]
    await cluster.patch(STS, "ss", {"spec": partition(2)})
    await cluster.settle(10)
    canary = {"ss-0": "app:1", "ss-1": "app:1", "ss-2": "app:2"}
    assert await images(cluster) == canary
    for name in ("ss-0", "ss-2"):
        await cluster.client.delete("pods", name, namespace="default")
    await cluster.settle(10)
    assert await images(cluster) == canary, "each comes again from its own revision"
    for value, new in ((1, {"ss-1", "ss-2"}), (0, {"ss-0", "ss-1", "ss-2"})):
        await cluster.patch(STS, "ss", {"spec": partition(value)})
        await cluster.settle(10)
        assert {name for name, image in (await images(cluster)).items() if image == "app:2"} == new
    after = await status(cluster)
    assert after["currentRevision"] == after["updateRevision"] == before["updateRevision"]


async def test_updates_and_roll_backs_reuse_revisions(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, 3)
    first = await status(cluster)
    assert first["currentRevision"] == first["updateRevision"]
    gone: list[str] = []
    cluster.kubelet.pods.add_handler(on_delete=lambda pod: gone.append(pod["metadata"]["name"]))
    await set_image(cluster, "app:2")
    assert gone == ["ss-2", "ss-1", "ss-0"]
    second = await status(cluster)
    assert second["updateRevision"] != first["updateRevision"]
    assert {pod["metadata"]["labels"][REVISION] for pod in await cluster.pods()} == {second["updateRevision"]}
    await set_image(cluster, "app:1")
    third = await status(cluster)
    assert third["updateRevision"] == third["currentRevision"] == first["updateRevision"], "no new revision"
    numbers = [revision["revision"] for revision in await cluster.all("controllerrevisions.apps")]
    assert sorted(numbers) == [2, 3]
    assert set((await images(cluster)).values()) == {"app:1"}


async def test_several_at_once_where_that_many_may_be_missing(cluster_of: ClusterFactory) -> None:
    """maxUnavailable, KEP-961."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    cluster = await start(cluster_of, 4, updateStrategy=strategy, podManagementPolicy="Parallel")
    cluster.kubelet.ready = lambda pod: pod["spec"]["containers"][0]["image"] == "app:1"
    await set_image(cluster, "bad")
    found = await images(cluster)
    assert {name for name, image in found.items() if image == "bad"} == {"ss-2", "ss-3"}
