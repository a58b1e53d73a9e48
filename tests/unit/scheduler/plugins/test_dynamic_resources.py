"""Pods with claims for devices, against the real API server, with the controller that makes and frees claims."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.controllers.manager import ControllerManager
from wherry.testing.scheduling import TestScheduler, node, pod, scheduling

CLAIMS = "resourceclaims.resource.k8s.io"
DRIVER = "gpu.example.org"
VERSION = "resource.k8s.io/v1"


def gpu_class(name: str = "gpu", expression: str = f'device.driver == "{DRIVER}"', **spec: Any) -> Object:
    selectors = [{"cel": {"expression": expression}}]
    return {
        "apiVersion": VERSION,
        "kind": "DeviceClass",
        "metadata": {"name": name},
        "spec": {"selectors": selectors, **spec},
    }


def slice_of(where: str, *devices: Object, **more: Any) -> Object:
    """Devices of a node."""
    pool = {"name": where, "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": DRIVER, "pool": pool, "nodeName": where, "devices": list(devices), **more}
    return {"apiVersion": VERSION, "kind": "ResourceSlice", "metadata": {"name": f"s-{where}"}, "spec": spec}


def gpu(name: str, memory: int = 8, **attributes: Any) -> Object:
    return {"name": name, "attributes": {"memory": {"int": memory}, **attributes}}


def request(name: str = "r", *, expression: str = "", class_: str = "gpu", **more: Any) -> Object:
    exactly: Object = {"deviceClassName": class_, **more}
    if expression:
        exactly["selectors"] = [{"cel": {"expression": expression}}]
    return {"name": name, "exactly": exactly}


def claim(name: str, *requests: Object, **devices: Any) -> Object:
    return {
        "apiVersion": VERSION,
        "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"devices": {"requests": list(requests or (request(),)), **devices}},
    }


def template(name: str, *requests: Object) -> Object:
    spec = {"spec": {"devices": {"requests": list(requests or (request(),))}}}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": VERSION, "kind": "ResourceClaimTemplate", "metadata": metadata, "spec": spec}


def user(name: str = "p", claim: str = "", template: str = "", **spec: Any) -> Object:
    wanted = {"name": "c", **({"resourceClaimName": claim} if claim else {"resourceClaimTemplateName": template})}
    return pod(name, resourceClaims=[wanted], **spec)


@asynccontextmanager
async def allocating(*objects: Object) -> AsyncIterator[TestScheduler]:
    async with scheduling() as cluster:
        names = ("resource-claim-controller", "garbagecollector")
        task = asyncio.ensure_future(ControllerManager(cluster.client, cluster.clock, enabled=names).run())
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


async def given(cluster: TestScheduler, name: str) -> list[tuple[str, str]]:
    """Requests of a claim and the devices that they got."""
    status = (await cluster.client.get(CLAIMS, name, namespace="default")).get("status") or {}
    results = ((status.get("allocation") or {}).get("devices") or {}).get("results") or ()
    return [(result["request"], result["device"]) for result in results]


async def test_a_claim_gets_its_device_with_the_node() -> None:
    async with allocating(
        node("a"), node("b"), gpu_class(), slice_of("b", gpu("g0")), claim("x"), user(claim="x")
    ) as cluster:
        assert await cluster.node_of() == "b"
        found = await cluster.client.get(CLAIMS, "x", namespace="default")
        assert await given(cluster, "x") == [("r", "g0")]
        term = found["status"]["allocation"]["nodeSelector"]["nodeSelectorTerms"][0]
        assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}
        uid = (await cluster.pod())["metadata"]["uid"]
        assert found["status"]["reservedFor"] == [{"resource": "pods", "name": "p", "uid": uid}]
        assert found["metadata"]["finalizers"] == ["resource.kubernetes.io/delete-protection"]


async def test_pods_share_a_claim_and_its_node() -> None:
    async with allocating(node("a"), node("b"), gpu_class(), slice_of("b", gpu("g0")), claim("x")) as cluster:
        await cluster.create(user("p", "x"), user("q", "x"))
        await settle(cluster, 15)
        assert [await cluster.node_of(name) for name in "pq"] == ["b", "b"]
        assert len((await cluster.client.get(CLAIMS, "x", namespace="default"))["status"]["reservedFor"]) == 2


async def test_a_device_is_for_one_claim_and_is_given_back() -> None:
    objects = (node("a"), gpu_class(), slice_of("a", gpu("g0")), template("t"))
    async with allocating(*objects, user("p", template="t")) as cluster:
        await settle(cluster, 15)
        assert await cluster.node_of() == "a"
        (status,) = (await cluster.pod())["status"]["resourceClaimStatuses"]
        made = status["resourceClaimName"]
        assert made.startswith("p-c-") and await given(cluster, made) == [("r", "g0")]
        await cluster.create(user("q", template="t"))
        await settle(cluster, 15)
        assert await cluster.node_of("q") is None
        message = (await cluster.condition("q"))["message"]
        assert message.startswith("0/1 nodes are available: 1 cannot allocate all claims.")
        await cluster.client.patch("pods", "p", {"status": {"phase": "Succeeded"}}, **PLACE)
        await settle(cluster, 30)
        assert await cluster.node_of("q") == "a"
        with pytest.raises(NotFound):
            await cluster.client.get(CLAIMS, made, namespace="default")


PLACE: Any = {"namespace": "default", "subresource": "status"}


@pytest.mark.parametrize(
    ("asked", "constraints", "devices"),
    [
        ((request(expression=f'device.attributes["{DRIVER}"].memory >= 16'),), [], [("r", "large")]),
        ((request(count=2),), [], [("r", "large"), ("r", "one")]),
        ((request(allocationMode="All"),), [], [("r", "large"), ("r", "one"), ("r", "two")]),
        ((request("r", count=2),), [{"matchAttribute": f"{DRIVER}/memory"}], [("r", "one"), ("r", "two")]),
        (
            (request("r"), request("s")),
            [{"requests": ["r", "s"], "distinctAttribute": f"{DRIVER}/memory"}],
            [("r", "large"), ("s", "one")],
        ),
        ((request(count=4),), [], []),
        ((request(expression='device.attributes["none"].nothing == 1'),), [], []),
        ((request("r", count=3),), [{"matchAttribute": f"{DRIVER}/memory"}], []),
    ],
)
async def test_which_devices_a_claim_gets(
    asked: tuple[Object, ...], constraints: list[Object], devices: list[tuple[str, str]]
) -> None:
    pool = slice_of("a", gpu("large", 16), gpu("one"), gpu("two"))
    wanted = claim("x", *asked, constraints=constraints)
    async with allocating(node("a"), gpu_class(), pool, wanted, user(claim="x")) as cluster:
        assert await given(cluster, "x") == devices
        assert (await cluster.node_of() == "a") is bool(devices)


async def test_the_first_alternative_that_is_there() -> None:
    best = {"name": "big", "deviceClassName": "gpu", "count": 3}
    good = {"name": "small", "deviceClassName": "gpu", "count": 1}
    wanted = claim("x", {"name": "r", "firstAvailable": [best, good]})
    async with allocating(node("a"), gpu_class(), slice_of("a", gpu("g0")), wanted, user(claim="x")) as cluster:
        assert await given(cluster, "x") == [("r/small", "g0")]


async def test_who_only_looks_after_devices_takes_none() -> None:
    objects = (node("a"), gpu_class(), slice_of("a", gpu("g0")), claim("x"), claim("admin", request(adminAccess=True)))
    async with allocating(*objects) as cluster:
        await cluster.client.patch("namespaces", "default", ADMINS)
        await cluster.create(user("p", "x"), user("q", "admin"))
        await settle(cluster, 15)
        assert await given(cluster, "x") == await given(cluster, "admin") == [("r", "g0")]


ADMINS = {"metadata": {"labels": {"resource.kubernetes.io/admin-access": "true"}}}


async def test_tainted_devices_must_be_tolerated() -> None:
    sick = {**gpu("g0"), "taints": [{"key": "sick", "effect": "NoSchedule", "value": "yes"}]}
    tolerating = request(tolerations=[{"key": "sick", "operator": "Exists"}])
    objects = (node("a"), gpu_class(), slice_of("a", sick), claim("x"), claim("y", tolerating))
    async with allocating(*objects, user("p", "x"), user("q", "y")) as cluster:
        assert [await cluster.node_of(name) for name in "pq"] == [None, "a"]


async def test_a_pool_of_which_a_part_is_missing_is_waited_for() -> None:
    pool = {"name": "a", "generation": 2, "resourceSliceCount": 2}
    objects = (node("a"), gpu_class(), slice_of("a", gpu("g0"), pool=pool), claim("x"), user(claim="x"))
    async with allocating(*objects) as cluster:
        assert await cluster.node_of() is None
        second = slice_of("a", gpu("g1"), pool=pool)
        await cluster.create({**second, "metadata": {"name": "second"}})
        await settle(cluster, 15)
        assert await cluster.node_of() == "a"


@pytest.mark.parametrize(
    ("objects", "problem"),
    [
        ((), 'resourceclaim.resource.k8s.io "x" not found'),
        ((claim("x"),), "request r: device class gpu does not exist"),
        ((claim("x"), gpu_class()), "1 cannot allocate all claims"),
    ],
)
async def test_without_driver_a_pod_waits_and_says_why(objects: tuple[Object, ...], problem: str) -> None:
    async with allocating(node("a"), *objects, user(claim="x")) as cluster:
        assert (await cluster.condition())["message"].startswith(f"0/1 nodes are available: {problem}.")
        assert any(problem in message for message in await cluster.events("FailedScheduling"))
        await cluster.create(
            *(each for each in (claim("x"), gpu_class()) if each["kind"] not in {o["kind"] for o in objects}),
            slice_of("a", gpu("g0")),
        )
        await settle(cluster, 30)
        assert await cluster.node_of() == "a", "what was missing wakes it"


async def test_devices_of_a_node_that_went_before_the_pod_came_are_changed_for_others() -> None:
    objects = (node("a"), gpu_class(), slice_of("a", gpu("g0")), claim("x"))
    async with allocating(*objects) as cluster:
        cluster.refuse_bindings = 1
        await cluster.create(user(claim="x"))
        await settle(cluster)
        assert await given(cluster, "x") == [("r", "g0")] and await cluster.node_of() is None
        await cluster.client.delete("nodes", "a")
        await cluster.create(node("b"), slice_of("b", gpu("g7")))
        await settle(cluster, 30)
        assert await given(cluster, "x") == [("r", "g7")] and await cluster.node_of() == "b"


async def test_a_missing_template_is_told() -> None:
    async with allocating(node("a"), user(template="t")) as cluster:
        (message,) = await cluster.events("FailedResourceClaimCreation")
        assert message.startswith('PodResourceClaim c: resource claim template "t": ')
        await cluster.create(gpu_class(), slice_of("a", gpu("g0")), template("t"))
        await settle(cluster, 30)
        assert await cluster.node_of() == "a"
