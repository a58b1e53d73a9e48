"""APIServices of the server's own groups, of custom resources, and of handlers in the process."""

from __future__ import annotations

import asyncio

from tests.unit.apiserver.aggregation.conftest import json

from wherry.apiserver.aggregation.backend import InProcessApi
from wherry.apiserver.aggregation.described import ACCEPT
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.wire.messages import Reply, Request, Response

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(*versions: str) -> dict[str, object]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "metadata": {"name": "boats.sea.example.com"},
        "spec": {
            "group": "sea.example.com",
            "scope": "Namespaced",
            "names": {"plural": "boats", "kind": "Boat"},
            "versions": [
                {"name": each, "served": True, "storage": each == versions[0], "schema": schema} for each in versions
            ],
        },
    }


async def test_every_built_in_group_has_one(api: Api) -> None:
    items = {item["metadata"]["name"]: item for item in (await api("GET", SERVICES)).body["items"]}
    assert {"v1.", "v1.apps", "v2.autoscaling", "v1.flowcontrol.apiserver.k8s.io"} <= items.keys()
    assert "v1.apiregistration.k8s.io" not in items
    apps = items["v1.apps"]
    assert apps["spec"] == {"group": "apps", "version": "v1", "groupPriorityMinimum": 17800, "versionPriority": 15}
    assert apps["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    condition = apps["status"]["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("True", "Local")
    assert condition["message"] == "Local APIServices are always available"


async def test_custom_resources_get_one_per_version_and_lose_it(api: Api, clock: FakeClock) -> None:
    await api.create(DEFINITIONS, definition("v1", "v1beta1"))
    await clock.settle()
    found = (await api("GET", f"{SERVICES}/v1.sea.example.com")).body
    assert found["spec"]["groupPriorityMinimum"] == 1000
    assert found["spec"]["versionPriority"] == 100
    assert found["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "true"}
    assert (await api("GET", f"{SERVICES}/v1beta1.sea.example.com")).status == 200
    await api("DELETE", f"{SERVICES}/v1.sea.example.com")
    await clock.settle()
    assert (await api("GET", f"{SERVICES}/v1.sea.example.com")).status == 200  # it comes back
    await api("DELETE", f"{DEFINITIONS}/boats.sea.example.com")
    for _ in range(3):
        await clock.advance(1)
    assert (await api("GET", f"{SERVICES}/v1.sea.example.com")).status == 404


async def test_priorities_order_discovery(api: Api, clock: FakeClock) -> None:
    await api.create(DEFINITIONS, definition("v1", "v2"))
    await clock.settle()

    async def names() -> list[str]:
        return [group["name"] for group in (await api("GET", "/apis")).body["groups"]]

    assert (await names())[-1] == "sea.example.com"
    await api.patch(f"{SERVICES}/v2.sea.example.com", {"spec": {"groupPriorityMinimum": 20000, "versionPriority": 1}})
    await api.patch(f"{SERVICES}/v1.sea.example.com", {"spec": {"versionPriority": 200}})
    assert (await names())[:2] == ["apiregistration.k8s.io", "sea.example.com"]
    group = (await api("GET", "/apis/sea.example.com")).body
    assert [each["version"] for each in group["versions"]] == ["v1", "v2"]


async def test_a_user_made_local_one_is_available(api: Api, clock: FakeClock) -> None:
    spec = {"group": "x.example.com", "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 10}
    await api.create(SERVICES, {"metadata": {"name": "v1.x.example.com"}, "spec": spec})
    await clock.settle()
    found = (await api("GET", f"{SERVICES}/v1.x.example.com")).body
    assert found["status"]["conditions"][0]["reason"] == "Local"


async def test_a_handler_in_the_process_serves_a_group() -> None:
    seen: list[str] = []

    def handle(request: Request) -> Reply:
        if request.path == "/apis/metrics.example.com/v1":
            resource = {"name": "nodes", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get"]}
            return json({"kind": "APIResourceList", "resources": [resource]})
        if request.path.startswith("/apis/metrics.example.com/v1/"):
            seen.append(request.state["user"].name)
            return json({"kind": "NodeMetrics"})
        return Response(404, b"", "text/plain")

    clock = FakeClock()
    own = InProcessApi(group="metrics.example.com", version="v1", handler=handle)
    async with in_process_server(clock=clock, aggregated=[own]) as server:
        running = asyncio.ensure_future(server.run())
        api = Api(server, clock)
        await clock.settle()
        assert (await api("GET", "/apis/metrics.example.com/v1/nodes/a")).body == {"kind": "NodeMetrics"}
        assert seen == ["kubernetes-admin"]
        found = (await api("GET", f"{SERVICES}/v1.metrics.example.com")).body
        assert found["status"]["conditions"][0]["reason"] == "Local"
        item = (await api("GET", "/apis", headers={"accept": ACCEPT})).body["items"][-1]
        assert item["versions"][0]["resources"][0]["responseKind"]["kind"] == "NodeMetrics"
        await cancel_and_wait(running)


async def test_authorization_comes_before_the_proxy() -> None:
    config = ServerConfig(rbac=True)
    clock = FakeClock()

    def handle(request: Request) -> Reply:
        return json({"kind": "APIResourceList", "resources": []})

    own = InProcessApi(group="demo.example.com", version="v1", handler=handle)
    async with in_process_server(clock=clock, config=config, aggregated=[own]) as server:
        api = Api(server, clock)
        assert (await api("GET", "/apis/demo.example.com/v1/boats")).status == 200
        api.user = User("nobody", (AUTHENTICATED,))
        refused = await api("GET", "/apis/demo.example.com/v1/boats")
        assert refused.status == 403
        assert refused.message == (
            'boats.demo.example.com is forbidden: User "nobody" cannot list resource "boats" in API group '
            '"demo.example.com" at the cluster scope'
        )
