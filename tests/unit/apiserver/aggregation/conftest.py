"""An API server, and beside it an extension API server on TLS with an authority of its own."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from wherry.api.types import Object
from wherry.apiserver.aggregation.identity import CLIENT_NAME, FrontProxy
from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.base.clock import RealClock
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.distro.pki import Authority, Profile
from wherry.policy.user import User
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.wire.messages import Reply, Request, Response
from wherry.wire.server import serve
from wherry.wire.tls import server_context
from wherry.wire.websocket import WebSocket
from wherry.wire.websocket_handshake import accept_websocket, wants_websocket

GROUP, VERSION = "demo.example.com", "v1"
NAME = f"{VERSION}.{GROUP}"
BASE = f"/apis/{GROUP}/{VERSION}"
CALLER = User("jane", ("dev", "system:masters"), "u-1", {"Scopes/x": ("a", "b")})


def json(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, orjson.dumps(body), headers=list(headers.items()))


RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": f"{GROUP}/{VERSION}",
    "resources": [
        {"name": "boats", "singularName": "boat", "namespaced": True, "kind": "Boat", "verbs": ["get", "list"]},
        {"name": "boats/status", "singularName": "", "namespaced": True, "kind": "Boat", "verbs": ["get"]},
    ],
}
OPENAPI_V2 = {"swagger": "2.0", "paths": {f"{BASE}/boats": {"get": {}}}, "definitions": {"com.example.Boat": {}}}
V3_URL = f"/openapi/v3{BASE}?hash=ABC"


async def echo(socket: WebSocket) -> None:
    while (message := await socket.receive()) is not None:
        await socket.send(message)


class Extension:
    """Answers discovery from its tables, everything else with what it was asked; `asked` remembers."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.documents: dict[str, Any] = {
            BASE: RESOURCES,
            "/openapi/v2": OPENAPI_V2,
            "/openapi/v3": {"paths": {f"apis/{GROUP}/{VERSION}": {"serverRelativeURL": V3_URL}}},
            f"/openapi/v3{BASE}": {"openapi": "3.0.0", "mine": True},
        }
        self.answer: Reply | None = None
        self.port = 0

    def handle(self, request: Request) -> Reply:
        self.asked.append(request)
        if request.path in self.documents:
            return json(self.documents[request.path])
        if wants_websocket(request):
            return accept_websocket(request, echo)
        if request.path.startswith(f"{BASE}/"):
            return self.answer or json({"kind": "Boat", "path": request.target, "body": request.body.decode()})
        return Response(404, b"404 page not found\n", "text/plain")

    def clients_calls(self) -> list[Request]:
        return [each for each in self.asked if each.headers["x-remote-user"] != "system:kube-aggregator"]


class World:
    """The API server and the extension, with what registers one at the other."""

    def __init__(self, server: ApiServer, extension: Extension, ca: bytes) -> None:
        self.server = server
        self.extension = extension
        self.ca = b64encode(ca).decode()
        self.api = Api(server, FakeClock())
        self.api.user = CALLER

    async def add_service(self, *, endpoints: bool = True) -> None:
        await self.api.create(
            "/api/v1/namespaces/default/services",
            {"metadata": {"name": "demo"}, "spec": {"ports": [{"name": "https", "port": 443}]}},
        )
        if endpoints:
            await self.add_endpoints()

    async def add_endpoints(self) -> None:
        await self.api.create("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
            "metadata": {"name": "demo-1", "labels": {"kubernetes.io/service-name": "demo"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": self.extension.port, "protocol": "TCP"}],
        })  # fmt: skip

    async def register(self, **spec: Any) -> None:
        await self.api.create("/apis/apiregistration.k8s.io/v1/apiservices", api_service(caBundle=self.ca, **spec))

    async def wait_condition(self, reason: str) -> Object:
        async with asyncio.timeout(20):
            while True:
                body = (await self.api("GET", f"/apis/apiregistration.k8s.io/v1/apiservices/{NAME}")).body
                conditions = body.get("status", {}).get("conditions", [])
                if conditions and conditions[0]["reason"] == reason:
                    return conditions[0]
                await asyncio.sleep(0.005)


def api_service(**spec: Any) -> Object:
    return {
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": 2000,
            "versionPriority": 10,
            "service": {"namespace": "default", "name": "demo"},
            **spec,
        },
    }


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
async def world(keys: Path) -> AsyncIterator[World]:
    clock = RealClock()
    own = Authority(keys / "extension", clock=clock, name="extension-ca")
    ca = own.ensure()
    pair = own.issue("server", Profile(common_name="demo", dns_names=("demo.default.svc",), server=True))
    front = Authority(keys / "front", clock=clock, name="front-ca")
    front_ca = front.ensure().decode()
    client = front.issue("client", Profile(common_name=CLIENT_NAME, client=True))
    tls = server_context(pair.certificate, pair.key, client_ca=front_ca)
    tls.verify_mode = ssl.CERT_REQUIRED
    extension = Extension()
    listening = await serve(extension.handle, tls=tls)
    extension.port = listening.port
    proxy = FrontProxy(ca=front_ca, certificate=client.certificate, key=client.key)
    config = ServerConfig(loopback_endpoints=True, front_proxy=proxy, client_ca="CLIENT CA")
    async with in_process_server(clock=clock, config=config) as server:
        running = asyncio.ensure_future(server.run())
        try:
            yield World(server, extension, ca)
        finally:
            await cancel_and_wait(running)
            await listening.close(grace_seconds=0.1)
