"""ServiceCIDR and IPAddress objects: an object per address of a service, networks that come and go, repair."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.store.memory import open_memory
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api

SERVICES = "/api/v1/namespaces/default/services"
NETWORKING = "/apis/networking.k8s.io/v1"
ADDRESSES, CIDRS = f"{NETWORKING}/ipaddresses", f"{NETWORKING}/servicecidrs"


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


async def reasons(api: Api) -> list[str]:
    return [each["reason"] for each in (await api("GET", "/api/v1/events")).body["items"]]


async def test_the_default_network_is_there(api: Api) -> None:
    found = (await api("GET", f"{CIDRS}/kubernetes")).body
    assert found["spec"] == {"cidrs": ["10.96.0.0/16"]}
    assert found["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
    assert (found["status"]["conditions"][0]["type"], found["status"]["conditions"][0]["status"]) == ("Ready", "True")
    own = (await api("GET", f"{ADDRESSES}/10.96.0.1")).body
    assert own["spec"]["parentRef"] == {"resource": "services", "namespace": "default", "name": "kubernetes"}
    assert await reasons(api) == []


async def test_a_service_has_its_object_when_it_is_answered(api: Api, clock: FakeClock) -> None:
    made = await api.create(SERVICES, service("a"))
    found = (await api("GET", f"{ADDRESSES}/{made['spec']['clusterIP']}")).body
    assert found["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    assert found["spec"]["parentRef"] == {"resource": "services", "namespace": "default", "name": "a"}
    await api("DELETE", f"{SERVICES}/a")
    await clock.settle()
    assert (await api("GET", f"{ADDRESSES}/{made['spec']['clusterIP']}")).status == 404
    assert await reasons(api) == []


async def test_headless_and_dry_run_have_none(api: Api, clock: FakeClock) -> None:
    await api.create(SERVICES, service("a", clusterIP="None"))
    await api("POST", f"{SERVICES}?dryRun=All", service("b"))
    await clock.settle()
    assert len((await api("GET", ADDRESSES)).body["items"]) == 1


async def test_an_object_that_is_removed_comes_back_and_it_is_told(api: Api, clock: FakeClock) -> None:
    await api.create(SERVICES, service("a", clusterIP="10.96.0.9"))
    await api("DELETE", f"{ADDRESSES}/10.96.0.9")
    await clock.settle()
    assert (await api("GET", f"{ADDRESSES}/10.96.0.9")).status == 200
    event = (await api("GET", "/api/v1/namespaces/default/events")).body["items"][0]
    assert (event["reason"], event["type"]) == ("ClusterIPNotAllocated", "Warning")
    assert event["message"] == "Cluster IP [IPv4]: 10.96.0.9 is not allocated; repairing"
    assert event["involvedObject"]["name"] == "a"


async def test_an_object_without_a_service_is_removed(api: Api, clock: FakeClock) -> None:
    labels = {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    parent = {"resource": "services", "namespace": "default", "name": "gone"}
    body = {"metadata": {"name": "10.96.0.77", "labels": labels}, "spec": {"parentRef": parent}}
    await api.create(ADDRESSES, body)
    await clock.settle()
    assert (await api("GET", f"{ADDRESSES}/10.96.0.77")).status == 404
    assert await reasons(api) == ["IPAddressNotAllocated"]


async def test_an_address_that_somebody_else_has_is_not_given_out(api: Api, clock: FakeClock) -> None:
    parent = {"group": "gateway.networking.k8s.io", "resource": "gateways", "namespace": "default", "name": "g"}
    await api.create(ADDRESSES, {"metadata": {"name": "10.96.0.77"}, "spec": {"parentRef": parent}})
    taken = await api("POST", SERVICES, service("a", clusterIP="10.96.0.77"))
    assert taken.status == 422
    assert "failed to allocate IP 10.96.0.77: provided IP is already allocated" in taken.message
    await clock.settle()
    assert (await api("GET", f"{ADDRESSES}/10.96.0.77")).status == 200


async def test_another_network_is_used_as_soon_as_it_is_there(api: Api) -> None:
    wanted = service("a", clusterIP="10.200.0.5")
    outside = await api("POST", SERVICES, wanted)
    assert "failed to allocate IP 10.200.0.5: the provided network does not match the current range" in outside.message
    await api.create(CIDRS, {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.200.0.0/24"]}})
    await api.create(SERVICES, wanted)
    assert (await api("GET", f"{ADDRESSES}/10.200.0.5")).status == 200


async def test_a_full_network_is_followed_by_the_next() -> None:
    clock, config = FakeClock(), ServerConfig(service_cidr="10.96.0.0/30")
    async with in_process_server(clock=clock, config=config) as server:
        api = Api(server, clock)
        await api.create(SERVICES, service("a"))
        full = await api("POST", SERVICES, service("b"))
        assert (full.status, "range is full" in full.message) == (500, True)
        await api.create(CIDRS, {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.200.0.0/28"]}})
        assert (await api.create(SERVICES, service("b")))["spec"]["clusterIP"].startswith("10.200.0.")


async def test_nothing_is_given_out_of_a_network_that_is_not_ready(api: Api) -> None:
    await api.create(CIDRS, {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.200.0.0/24"]}})
    condition = {"type": "Ready", "status": "False", "reason": "x", "message": "", "lastTransitionTime": None}
    condition["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    await api.patch(f"{CIDRS}/more/status", {"status": {"conditions": [condition]}})
    assert (await api("POST", SERVICES, service("a", clusterIP="10.200.0.5"))).status == 422


@pytest.mark.parametrize("cidrs", [["10.1.0.0/24"], ["10.200.0.0/24", "10.1.0.0/24"]])
async def test_a_network_cannot_change(api: Api, cidrs: list[str]) -> None:
    await api.create(CIDRS, {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.200.0.0/24"]}})
    assert (await api.patch(f"{CIDRS}/more", {"spec": {"cidrs": cidrs}})).status == 422
    both = ["10.200.0.0/24", "fd00::/112"]
    assert (await api.patch(f"{CIDRS}/more", {"spec": {"cidrs": both}})).status == 200


async def test_a_store_without_objects_gets_them_at_the_next_start() -> None:
    store, clock = open_memory(), FakeClock()
    async with in_process_server(clock=clock, store=store) as server:
        api = Api(server, clock)
        await api.create(SERVICES, service("a", clusterIP="10.96.0.9", type="NodePort"))
    await store.delete("/registry/networking.k8s.io/ipaddresses/10.96.0.9", expected=None)
    config = ServerConfig(service_cidr="10.96.0.0/16", node_ports=(100, 200))
    async with in_process_server(clock=clock, store=store, config=config) as server:
        api = Api(server, clock)
        await clock.settle()
        assert (await api("GET", f"{ADDRESSES}/10.96.0.9")).status == 200
        assert sorted(await reasons(api)) == ["ClusterIPNotAllocated", "PortOutOfRange"]
