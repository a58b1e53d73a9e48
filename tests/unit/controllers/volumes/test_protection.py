"""Claims and volumes stay while they are in use."""

from __future__ import annotations

from wherry.testing.controllers import Cluster, ClusterFactory, template
from wherry.testing.storage import claim, using, volume

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
CONTROLLERS = ("persistentvolume-binder", "pv-protection", "pvc-protection")


async def start(cluster_of: ClusterFactory) -> Cluster:
    cluster = await cluster_of(*CONTROLLERS)
    await cluster.client.create(VOLUMES, volume())
    await cluster.client.create(CLAIMS, claim(storageClassName=""))
    await cluster.settle()
    return cluster


async def run(cluster: Cluster, name: str = "p") -> None:
    pod = template({})
    await cluster.client.create("pods", using({**pod, "metadata": {"name": name, "namespace": "default"}}, "data"))
    await cluster.settle()


async def test_a_claim_stays_until_its_last_pod_is_gone(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await run(cluster, "p")
    await run(cluster, "q")
    await cluster.client.delete(CLAIMS, "data", namespace="default")
    await cluster.settle()
    assert (await cluster.get(CLAIMS, "data"))["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    await cluster.client.delete("pods", "p", namespace="default")
    await cluster.settle()
    assert await cluster.exists(CLAIMS, "data"), "q still uses it"
    await cluster.client.delete("pods", "q", namespace="default")
    await cluster.settle()
    assert not await cluster.exists(CLAIMS, "data")


async def test_a_claim_that_nobody_uses_goes_at_once(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.delete(CLAIMS, "data", namespace="default")
    await cluster.settle()
    assert not await cluster.exists(CLAIMS, "data")


async def test_a_volume_stays_as_long_as_it_is_bound(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.client.delete(VOLUMES, "disk")
    await cluster.settle()
    assert (await cluster.get(VOLUMES, "disk", ""))["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
    await cluster.client.delete(CLAIMS, "data", namespace="default")
    await cluster.settle()
    assert not await cluster.exists(VOLUMES, "disk", "")


async def test_what_was_made_without_protection_gets_it(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.patch(CLAIMS, "data", {"metadata": {"finalizers": None}})
    await cluster.settle()
    assert (await cluster.get(CLAIMS, "data"))["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
