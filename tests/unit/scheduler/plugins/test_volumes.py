"""Pods with claims, against the real API server, with the controllers that bind and make volumes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.controllers.manager import ControllerManager
from wherry.testing.scheduling import TestScheduler, node, pod, scheduling
from wherry.testing.storage import claim, storage_class, using, volume

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
BINDERS = ("persistentvolume-binder", "local-provisioner")
WAITS = storage_class("waits", "wherry.dev/local", wait=True)
STATIC = storage_class("static", "kubernetes.io/no-provisioner", wait=True)


@asynccontextmanager
async def bound(*objects: Object, **options: Any) -> AsyncIterator[TestScheduler]:
    """A scheduler beside the controllers that bind."""
    async with scheduling(**options) as cluster:
        manager = ControllerManager(cluster.client, cluster.clock, enabled=BINDERS)
        task = asyncio.ensure_future(manager.run())
        try:
            await settle(cluster)
            await cluster.create(*objects)
            await settle(cluster)
            yield cluster
        finally:
            await cancel_and_wait(task)


async def settle(cluster: TestScheduler, seconds: float = 0.0) -> None:
    await cluster.clock.advance(seconds)
    for _ in range(10):
        await cluster.clock.settle()


async def why(cluster: TestScheduler, name: str = "p") -> str:
    return str((await cluster.condition(name)).get("message", ""))


async def volume_of(cluster: TestScheduler, name: str = "data") -> Object:
    found = await cluster.client.get(CLAIMS, name, namespace="default")
    return await cluster.client.get(VOLUMES, found["spec"]["volumeName"])


async def test_a_volume_is_made_where_the_pod_goes() -> None:
    where = {"disktype": "ssd"}
    objects = (node("a"), node("b", labels=where), WAITS, claim(storageClassName="waits"))
    async with bound(*objects, using(pod(nodeSelector=where), "data")) as cluster:
        assert await cluster.node_of() == "b"
        made = await volume_of(cluster)
        assert made["metadata"]["annotations"]["wherry.dev/node"] == "b" and made["status"]["phase"] == "Bound"


async def test_the_next_pod_follows_the_volume() -> None:
    objects = (node("a"), node("b"), WAITS, claim(storageClassName="waits"), using(pod(), "data"))
    async with bound(*objects) as cluster:
        first = await cluster.node_of()
        await cluster.create(*(using(pod(f"q{n}"), "data") for n in range(4)))
        await settle(cluster)
        assert {await cluster.node_of(f"q{n}") for n in range(4)} == {first}


async def test_two_pods_at_once_share_one_claim() -> None:
    async with bound(node("a"), node("b"), WAITS, claim(storageClassName="waits")) as cluster:
        for name in ("p", "q"):
            one = using(pod(name), "data")
            await cluster.client.create("pods", {**one, "metadata": {"name": name, "namespace": "default"}})
        await settle(cluster, 15)
        assert await cluster.node_of("p") == await cluster.node_of("q") is not None


async def test_volumes_that_are_there_decide_about_the_node() -> None:
    disk = volume(class_="static", node="b")
    objects = (node("a"), node("b"), STATIC, disk, claim(storageClassName="static"), using(pod(), "data"))
    async with bound(*objects) as cluster:
        assert await cluster.node_of() == "b"
        assert (await volume_of(cluster))["metadata"]["name"] == "disk"


async def test_one_volume_is_for_one_of_two_pods() -> None:
    objects = (node("a"), STATIC, volume(class_="static"), *(claim(f"c{n}", storageClassName="static") for n in (1, 2)))
    async with bound(*objects) as cluster:
        for number in (1, 2):
            one = using(pod(f"p{number}"), f"c{number}")
            await cluster.client.create("pods", {**one, "metadata": {"name": f"p{number}", "namespace": "default"}})
        await settle(cluster)
        placed = {number: await cluster.node_of(f"p{number}") for number in (1, 2)}
        assert set(placed.values()) == {None, "a"}
        waits = next(number for number, where in placed.items() if where is None)
        text = "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."
        assert (await why(cluster, f"p{waits}")).startswith(text)
        await cluster.create(volume("second", class_="static"))
        await settle(cluster, 15)
        assert await cluster.node_of(f"p{waits}") == "a", "a new volume wakes it"


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ((), 'persistentvolumeclaim "data" not found'),
        ((claim(storageClassName=""),), "pod has unbound immediate PersistentVolumeClaims"),
        ((claim(storageClassName="static"), STATIC), "1 node(s) didn't find available persistent volumes to bind"),
        (
            (claim(storageClassName=""), volume(node="elsewhere")),
            "1 node(s) didn't match PersistentVolume's node affinity",
        ),
        (
            (claim(storageClassName=""), volume(labels={"topology.kubernetes.io/zone": "z2__z3"})),
            "1 node(s) had no available volume zone",
        ),
    ],
)
async def test_why_a_pod_waits(objects: tuple[Object, ...], reason: str) -> None:
    here = node("a", labels={"topology.kubernetes.io/zone": "z1"})
    async with bound(here, *objects, using(pod(), "data")) as cluster:
        assert (await why(cluster)).startswith(f"0/1 nodes are available: {reason}.")


async def test_a_volume_of_its_own_is_waited_for() -> None:
    template = {"spec": claim(storageClassName="waits")["spec"]}
    own = pod(volumes=[{"name": "own", "ephemeral": {"volumeClaimTemplate": template}}])
    async with bound(node("a"), WAITS, own) as cluster:
        text = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-own"'
        assert (await why(cluster)).startswith(f"0/1 nodes are available: {text}.")
        uid = (await cluster.pod())["metadata"]["uid"]
        made = claim("p-own", storageClassName="waits")
        owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": uid, "controller": True}
        made["metadata"]["ownerReferences"] = [owner]
        await cluster.create(made)
        await settle(cluster, 15)
        assert await cluster.node_of() == "a"


async def test_a_claim_that_comes_later_wakes_its_pod() -> None:
    async with bound(node("a"), WAITS, using(pod(), "data")) as cluster:
        assert await cluster.node_of() is None
        await cluster.create(claim("other", storageClassName="waits"), claim(storageClassName="waits"))
        await settle(cluster, 15)
        assert await cluster.node_of() == "a"


async def test_a_claim_for_one_pod_alone() -> None:
    lonely = claim(storageClassName="waits", modes=("ReadWriteOncePod",))
    async with bound(node("a"), node("b"), WAITS, lonely, using(pod(), "data")) as cluster:
        await cluster.create(using(pod("q"), "data"))
        await settle(cluster)
        assert await cluster.node_of("q") is None
        reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
        message = await why(cluster, "q")
        assert f"1 {reason}" in message or f"2 {reason}" in message
        await cluster.client.delete("pods", "p", namespace="default", grace_period_seconds=0)
        await settle(cluster, 15)
        assert await cluster.node_of("q") == (await volume_of(cluster))["metadata"]["annotations"]["wherry.dev/node"]


async def test_a_more_important_pod_takes_the_claim_of_another() -> None:
    important = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "high"},
        "value": 9,
    }
    lonely = claim(storageClassName="waits", modes=("ReadWriteOncePod",))
    async with bound(node("a"), important, WAITS, lonely, using(pod(), "data")) as cluster:
        await cluster.create(using(pod("q", priorityClassName="high"), "data"))
        await settle(cluster)
        assert (await cluster.pod())["metadata"].get("deletionTimestamp"), "the other one has to go"


async def test_a_node_holds_only_so_many_volumes() -> None:
    def disk(number: int) -> Object:
        made = volume(f"disk-{number}", class_="csi")
        del made["spec"]["hostPath"]
        made["spec"]["csi"] = {"driver": "csi.example.org", "volumeHandle": str(number)}
        made["spec"]["claimRef"] = {"namespace": "default", "name": f"c{number}"}
        return made

    limits = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": "a"},
        "spec": {"drivers": [{"name": "csi.example.org", "nodeID": "a", "allocatable": {"count": 2}}]},
    }
    numbers = range(3)
    objects = (node("a"), limits, *map(disk, numbers), *(claim(f"c{n}", storageClassName="csi") for n in numbers))
    async with bound(*objects, *(using(pod(f"p{n}"), f"c{n}") for n in numbers)) as cluster:
        await settle(cluster, 15)
        assert [await cluster.node_of(f"p{n}") for n in numbers] == ["a", "a", None]
        assert "1 node(s) exceed max volume count" in await why(cluster, "p2")
        await cluster.client.delete("pods", "p0", namespace="default", grace_period_seconds=0)
        await settle(cluster, 15)
        assert await cluster.node_of("p2") == "a"


async def test_binding_that_takes_too_long_is_given_up() -> None:
    nobody = storage_class("nobody", wait=True)
    async with bound(node("a"), nobody, claim(storageClassName="nobody"), using(pod(), "data")) as cluster:
        found = await cluster.client.get(CLAIMS, "data", namespace="default")
        assert found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "a"
        await settle(cluster, 601)
        assert await cluster.node_of() is None
        assert "binding volumes: context deadline exceeded" in await why(cluster)


async def test_pods_that_wait_for_volumes_keep_nobody_else_from_being_bound() -> None:
    nobody = storage_class("nobody", wait=True)
    async with bound(node("a"), nobody) as cluster:
        for number in range(70):
            await cluster.client.create(CLAIMS, claim(f"c{number}", storageClassName="nobody"))
        await cluster.create(*(using(pod(f"p{number}"), f"c{number}") for number in range(70)))
        await cluster.create(pod("q"))
        await settle(cluster)
        assert await cluster.node_of("q") == "a" and await cluster.node_of("p0") is None


async def test_a_provisioner_that_wants_another_node_gets_one() -> None:
    nobody = storage_class("nobody", wait=True)
    async with bound(node("a"), nobody, claim(storageClassName="nobody"), using(pod(), "data")) as cluster:
        await cluster.create(node("b"))
        unselected = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": None}}}
        await cluster.client.patch("nodes", "a", {"spec": {"unschedulable": True}})
        await cluster.client.patch(CLAIMS, "data", unselected, namespace="default")
        await settle(cluster, 15)
        found = await cluster.client.get(CLAIMS, "data", namespace="default")
        assert found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "b"


async def test_a_hundred_nodes_and_one_volume() -> None:
    objects = [node(f"n{number}") for number in range(101)]
    async with bound(*objects, STATIC, volume(class_="static", node="n77")) as cluster:
        await cluster.create(claim(storageClassName="static"), using(pod(), "data"))
        await settle(cluster)
        assert await cluster.node_of() == "n77"
