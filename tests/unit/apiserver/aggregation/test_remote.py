"""An extension API server behind a Service, over real TLS, through the API server."""

from __future__ import annotations

from inspect import isawaitable

import pytest
from tests.unit.apiserver.aggregation.conftest import BASE, CALLER, GROUP, NAME, V3_URL, World, json

from wherry.apiserver.aggregation.described import ACCEPT
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.messages import BodyWriter, Reply, Request, StreamResponse
from wherry.wire.server import serve
from wherry.wire.websocket_handshake import connect_websocket

NOT_THERE = {
    "ServiceNotFound": 'service/demo in "default" is not present',
    "EndpointsNotFound": 'cannot find endpointslices for service/demo in "default"',
    "ServicePortError": 'service/demo in "default" is not listening on port 8443',
}


async def ready(world: World) -> None:
    await world.add_service()
    await world.register()
    await world.wait_condition("Passed")


async def test_available_when_its_discovery_answers(world: World) -> None:
    await world.add_service()
    await world.register()
    condition = await world.wait_condition("Passed")
    assert condition["status"] == "True"
    assert condition["message"] == "all checks passed"
    check = world.extension.asked[0]
    assert check.path == BASE
    assert check.headers["x-remote-user"] == "system:kube-aggregator"
    assert check.headers["x-remote-group"] == "system:masters"


@pytest.mark.parametrize("reason", NOT_THERE)
async def test_what_is_missing_is_said_and_answered_with_503(world: World, reason: str) -> None:
    if reason != "ServiceNotFound":
        await world.add_service(endpoints=False)
    port = 8443 if reason == "ServicePortError" else 443
    await world.register(service={"namespace": "default", "name": "demo", "port": port})
    condition = await world.wait_condition(reason)
    assert condition["status"] == "False"
    assert condition["message"] == NOT_THERE[reason]
    answer = await world.api("GET", f"{BASE}/boats")
    assert (answer.status, answer.raw) == (503, b"service unavailable\n")


async def test_becomes_available_when_endpoints_appear(world: World) -> None:
    await world.add_service(endpoints=False)
    await world.register()
    await world.wait_condition("EndpointsNotFound")
    await world.add_endpoints()
    await world.wait_condition("Passed")


async def test_a_bad_discovery_answer_makes_it_unavailable(world: World) -> None:
    del world.extension.documents[BASE]
    world.extension.answer = None
    await world.add_service()
    await world.register()
    condition = await world.wait_condition("FailedDiscoveryCheck")
    url = f"https://127.0.0.1:{world.extension.port}{BASE}"
    assert condition["message"] == f"failing or missing response from {url}: bad status from {url}: 404"


async def test_the_caller_is_told_in_headers_and_claims_of_its_own_are_dropped(world: World) -> None:
    await ready(world)
    claims = {"X-Remote-User": "root", "X-Remote-Group": "evil", "X-Remote-Extra-Foo": "x", "Authorization": "Bearer t"}
    answer = await world.api("POST", f"{BASE}/namespaces/default/boats?dryRun=All", b'{"a":1}', claims)
    assert answer.status == 200
    assert answer.body["path"] == f"{BASE}/namespaces/default/boats?dryRun=All"
    assert answer.body["body"] == '{"a":1}'
    got = world.extension.clients_calls()[0].headers
    assert got["x-remote-user"] == "jane"
    assert got["x-remote-uid"] == "u-1"
    assert got["x-remote-group"] == "dev, system:masters"
    assert got["x-remote-extra-scopes%2fx"] == "a, b"
    assert "x-remote-extra-foo" not in got
    assert "authorization" not in got


async def test_status_headers_and_body_come_back_as_they_are(world: World) -> None:
    await ready(world)
    world.extension.answer = json({"kind": "Status", "code": 409}, 409, Warning='299 - "old"')
    answer = await world.api("PUT", f"{BASE}/namespaces/default/boats/a", {})
    assert (answer.status, answer.body["code"], answer.headers["Warning"]) == (409, 409, '299 - "old"')


async def test_a_watch_streams(world: World) -> None:
    await ready(world)

    async def produce(writer: BodyWriter) -> None:
        await writer.write(b'{"type":"ADDED"}\n')

    world.extension.answer = StreamResponse(produce)
    reply = await world.api.reply("GET", f"{BASE}/boats?watch=1")
    assert isinstance(reply, StreamResponse)
    pieces: list[bytes] = []

    class Writer:
        async def write(self, data: bytes) -> None:
            pieces.append(data)

    await reply.produce(Writer())  # type: ignore[arg-type]
    assert b"".join(pieces) == b'{"type":"ADDED"}\n'


async def test_an_unknown_certificate_is_not_trusted_unless_asked_to(world: World) -> None:
    await world.add_service()
    await world.api.create(
        "/apis/apiregistration.k8s.io/v1/apiservices",
        {
            "metadata": {"name": NAME},
            "spec": {
                "group": GROUP, "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
                "service": {"namespace": "default", "name": "demo"},
            },
        },
    )  # fmt: skip
    await world.wait_condition("Passed")  # the check trusts anybody, as upstream's does
    answer = await world.api("GET", f"{BASE}/boats")
    assert answer.status == 503
    assert answer.raw.startswith(b"error trying to reach service: ")
    path = f"/apis/apiregistration.k8s.io/v1/apiservices/{NAME}"
    await world.api.patch(path, {"spec": {"insecureSkipTLSVerify": True}})
    assert (await world.api("GET", f"{BASE}/boats")).status == 200


async def test_discovery_is_merged_in_both_forms(world: World) -> None:
    await ready(world)
    groups = [group["name"] for group in (await world.api("GET", "/apis")).body["groups"]]
    assert groups[0] == "apiregistration.k8s.io"
    assert groups[-1] == GROUP
    assert (await world.api("GET", f"/apis/{GROUP}")).body["preferredVersion"]["groupVersion"] == f"{GROUP}/v1"
    assert (await world.api("GET", BASE)).body["resources"][0]["name"] == "boats"
    item = (await world.api("GET", "/apis", headers={"accept": ACCEPT})).body["items"][-1]
    assert item["metadata"]["name"] == GROUP
    assert item["versions"][0]["freshness"] == "Current"
    boats = item["versions"][0]["resources"][0]
    assert (boats["resource"], boats["scope"], boats["singularResource"]) == ("boats", "Namespaced", "boat")
    assert boats["subresources"][0]["subresource"] == "status"


async def test_discovery_is_stale_while_it_is_unavailable(world: World) -> None:
    await ready(world)
    before = (await world.api("GET", "/apis", headers={"accept": ACCEPT})).headers["ETag"]
    await world.api("DELETE", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/demo-1")
    await world.wait_condition("EndpointsNotFound")
    answer = await world.api("GET", "/apis", headers={"accept": ACCEPT})
    version = answer.body["items"][-1]["versions"][0]
    assert version["freshness"] == "Stale"
    assert version["resources"][0]["resource"] == "boats"
    assert answer.headers["ETag"] != before


async def test_openapi_is_merged(world: World) -> None:
    await ready(world)
    assert (await world.api("GET", "/openapi/v3")).body["paths"][f"apis/{GROUP}/v1"] == {"serverRelativeURL": V3_URL}
    assert (await world.api("GET", V3_URL)).body == {"openapi": "3.0.0", "mine": True}
    document = (await world.api("GET", "/openapi/v2")).body
    assert f"{BASE}/boats" in document["paths"]
    assert "com.example.Boat" in document["definitions"]
    assert "/api/v1/namespaces/{namespace}/pods" in document["paths"]


async def test_removing_the_registration_ends_it(world: World) -> None:
    await ready(world)
    await world.api("DELETE", f"/apis/apiregistration.k8s.io/v1/apiservices/{NAME}")
    assert (await world.api("GET", f"{BASE}/boats")).status == 404
    assert GROUP not in [group["name"] for group in (await world.api("GET", "/apis")).body["groups"]]


async def test_extension_servers_learn_whom_to_believe(world: World) -> None:
    path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
    data = (await world.api("GET", path)).body["data"]
    assert data["client-ca-file"] == "CLIENT CA"
    assert data["requestheader-client-ca-file"].startswith("-----BEGIN CERTIFICATE-----")
    assert data["requestheader-allowed-names"] == '["front-proxy-client"]'
    assert data["requestheader-username-headers"] == '["X-Remote-User"]'
    assert data["requestheader-uid-headers"] == '["X-Remote-Uid"]'


async def test_websockets_pass_through_with_the_callers_identity(world: World) -> None:
    await ready(world)

    async def as_caller(request: Request) -> Reply:
        request.state["user"] = CALLER
        reply = world.server.handle(request)
        return await reply if isawaitable(reply) else reply

    listening = await serve(as_caller)
    http = HttpClient()
    origin = Origin(host="127.0.0.1", port=listening.port)
    socket = await connect_websocket(http, origin, f"{BASE}/namespaces/default/boats/a/sail", timeout=20)
    await socket.send("ahoy")
    assert await socket.receive() == "ahoy"
    assert world.extension.clients_calls()[0].headers["x-remote-user"] == "jane"
    await socket.close()
    await http.aclose()
    await listening.close(grace_seconds=0.1)
