"""The garbage collector against the real API server."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.testing.controllers import Cluster, ClusterFactory

MAPS = "configmaps"


async def make(cluster: Cluster, name: str, *owners: Object, block: bool = True, **metadata: Any) -> Object:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": block,
        }
        for owner in owners
    ]
    body = {"metadata": {"name": name, "namespace": "default", "ownerReferences": references, **metadata}}
    made = await cluster.client.create(MAPS, body)
    await cluster.settle()
    return made


async def delete(cluster: Cluster, name: str, policy: str = "Background") -> None:
    await cluster.client.delete(MAPS, name, namespace="default", propagation_policy=policy)
    await cluster.settle(1)


async def names(cluster: Cluster) -> set[str]:
    return {obj["metadata"]["name"] for obj in await cluster.all(MAPS)}


async def test_dependents_go_after_their_owner_in_the_background(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    owner = await make(cluster, "owner")
    child = await make(cluster, "child", owner)
    await make(cluster, "grandchild", child)
    await make(cluster, "other")
    await delete(cluster, "owner")
    assert await names(cluster) == {"other"}


async def test_a_second_owner_keeps_the_dependent_and_the_dead_reference_is_dropped(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    one, two = await make(cluster, "one"), await make(cluster, "two")
    await make(cluster, "child", one, two)
    await delete(cluster, "one")
    child = await cluster.get(MAPS, "child")
    assert [r["name"] for r in child["metadata"]["ownerReferences"]] == ["two"]
    await delete(cluster, "two")
    assert await names(cluster) == set()


async def test_orphaning_takes_the_owner_out_of_its_dependents(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    owner = await make(cluster, "owner")
    await make(cluster, "child", owner)
    await delete(cluster, "owner", "Orphan")
    assert await names(cluster) == {"child"}
    assert "ownerReferences" not in (await cluster.get(MAPS, "child"))["metadata"]


async def test_foreground_waits_for_blocking_dependents(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    owner = await make(cluster, "owner")
    await make(cluster, "child", owner, finalizers=["example.com/hold"])
    await delete(cluster, "owner", "Foreground")
    assert await names(cluster) == {"owner", "child"}
    assert (await cluster.get(MAPS, "child"))["metadata"]["deletionTimestamp"]
    await cluster.patch(MAPS, "child", {"metadata": {"finalizers": None}})
    await cluster.settle(1)
    assert await names(cluster) == set()


async def test_foreground_does_not_wait_for_those_that_do_not_block(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    owner = await make(cluster, "owner")
    await make(cluster, "child", owner, block=False, finalizers=["example.com/hold"])
    await delete(cluster, "owner", "Foreground")
    assert await names(cluster) == {"child"}


async def test_an_owner_that_never_was_is_looked_up_and_found_missing(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    await make(cluster, "child", {"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-000000000001"}})
    await cluster.settle(1)
    assert await names(cluster) == set()


async def test_a_new_object_of_the_owners_name_is_not_the_owner(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    await make(cluster, "owner")
    await make(cluster, "child", {"metadata": {"name": "owner", "uid": "00000000-0000-0000-0000-000000000002"}})
    await cluster.settle(1)
    assert await names(cluster) == {"owner"}


async def test_a_circle_of_foreground_deletes_ends(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    one = await make(cluster, "one")
    two = await make(cluster, "two", one)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "two", "uid": two["metadata"]["uid"]}
    await cluster.patch(MAPS, "one", {"metadata": {"ownerReferences": [{**reference, "blockOwnerDeletion": True}]}})
    await cluster.settle()
    await delete(cluster, "one", "Foreground")
    await cluster.settle(5)
    assert await names(cluster) == set()


async def test_dependents_that_were_there_before_the_collector_started_are_checked(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    owner = await make(cluster, "owner")
    for i in range(20):
        await make(cluster, f"child-{i}", owner)
    await delete(cluster, "owner")
    assert await names(cluster) == set()


async def test_an_owner_in_another_namespace_is_told_of_and_counts_for_nothing(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("garbagecollector")
    await cluster.client.create("namespaces", {"metadata": {"name": "other"}})
    owner = await cluster.client.create("configmaps", {"metadata": {"name": "owner", "namespace": "other"}})
    uid = owner["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    metadata = {"name": "child", "namespace": "default", "ownerReferences": [reference]}
    await cluster.client.create("configmaps", {"metadata": metadata})
    await cluster.settle(5)
    assert not await cluster.exists("configmaps", "child")
    assert await cluster.exists("configmaps", "owner", "other")
    where = f"ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: {uid}]"
    assert ("OwnerRefInvalidNamespace", f'{where} does not exist in namespace "default"') in await cluster.events(
        "child"
    )
