"""Services: addresses and ports are given out once, and come back."""

from __future__ import annotations

from typing import Any

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.store.memory import open_memory
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api

SERVICES = "/api/v1/namespaces/default/services"


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


async def test_services_get_an_address_of_the_network(api: Api) -> None:
    spec = (await api.create(SERVICES, service("a")))["spec"]
    assert spec["clusterIP"].startswith("10.96.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")


async def test_the_kubernetes_service_leads_to_this_server(api: Api) -> None:
    assert (await api("GET", f"{SERVICES}/kubernetes")).body["spec"]["clusterIP"] == "10.96.0.1"
    endpoints = (await api("GET", "/api/v1/namespaces/default/endpoints/kubernetes")).body
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "127.0.0.1"}]


async def test_an_address_is_given_once_and_comes_back(api: Api) -> None:
    await api.create(SERVICES, service("a", clusterIP="10.96.0.9"))
    taken = await api("POST", SERVICES, service("b", clusterIP="10.96.0.9"))
    assert taken.status == 422
    assert "failed to allocate IP 10.96.0.9: provided IP is already allocated" in taken.message
    outside = await api("POST", SERVICES, service("b", clusterIP="10.1.0.9"))
    assert "failed to allocate IP 10.1.0.9: the provided network does not match the current range" in outside.message
    await api("DELETE", f"{SERVICES}/a")
    assert (await api.create(SERVICES, service("b", clusterIP="10.96.0.9")))["spec"]["clusterIP"] == "10.96.0.9"


async def test_a_failed_create_gives_its_address_back(api: Api) -> None:
    await api.create(SERVICES, service("a"))
    assert (await api("POST", SERVICES, service("a", clusterIP="10.96.0.9"))).status == 409
    await api.create(SERVICES, service("b", clusterIP="10.96.0.9"))


async def test_headless_services_have_none(api: Api) -> None:
    assert (await api.create(SERVICES, service("a", clusterIP="None")))["spec"]["clusterIPs"] == ["None"]


async def test_node_ports_are_given_and_checked(api: Api) -> None:
    port = (await api.create(SERVICES, service("a", type="NodePort")))["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    ports = [{"port": 80, "nodePort": port}]
    taken = await api("POST", SERVICES, service("b", type="NodePort", ports=ports))
    assert f"spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated" in taken.message
    low = await api("POST", SERVICES, service("b", type="NodePort", ports=[{"port": 80, "nodePort": 80}]))
    assert "provided port is not in the valid range. The range of valid ports is 30000-32767" in low.message


async def test_a_change_of_type_lets_ports_go_and_keeps_the_address(api: Api) -> None:
    created = await api.create(SERVICES, service("a", type="NodePort"))
    port = created["spec"]["ports"][0]["nodePort"]
    changed = await api.patch(f"{SERVICES}/a", {"spec": {"type": "ClusterIP"}})
    assert changed.body["spec"]["clusterIP"] == created["spec"]["clusterIP"]
    assert "nodePort" not in changed.body["spec"]["ports"][0]
    await api.create(SERVICES, service("b", type="NodePort", ports=[{"port": 80, "nodePort": port}]))


async def test_what_is_in_use_is_known_after_a_restart() -> None:
    store, clock = open_memory(), FakeClock()
    async with in_process_server(clock=clock, store=store) as server:
        await Api(server, clock).create(SERVICES, service("a", clusterIP="10.96.0.9"))
    config = ServerConfig(advertise_address="10.0.0.1")
    async with in_process_server(clock=clock, store=store, config=config) as server:
        api = Api(server, clock)
        assert (await api("POST", SERVICES, service("b", clusterIP="10.96.0.9"))).status == 422
        slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
        assert (await api("GET", slices)).body["endpoints"][0]["addresses"] == ["10.0.0.1"]
