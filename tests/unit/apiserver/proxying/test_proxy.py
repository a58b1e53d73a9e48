from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wherry.api.errors import ServiceUnavailable
from wherry.apiserver.app import ApiServer
from wherry.apiserver.proxying.forward import location_here
from wherry.apiserver.proxying.stages import proxy_stages, split_target
from wherry.base.clock import RealClock
from wherry.testing.apiserver import ADMIN, client_of, in_process_server
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.messages import BodyWriter, Reply, Request, Response, StreamResponse
from wherry.wire.server import Server, serve
from wherry.wire.websocket import WebSocket
from wherry.wire.websocket_handshake import accept_websocket, connect_websocket, wants_websocket

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}}


class World:
    """A client's edge, an API server behind it, and a node behind that, which tells what it was asked."""

    def __init__(self, api: ApiServer, http: HttpClient) -> None:
        self.api = api
        self.http = http
        self.asked: list[Request] = []
        self.answer: Reply = Response(200, b"hello", "text/html", [("X-A", "b"), ("Keep-Alive", "5")])

    async def start(self) -> None:
        self.target = await serve(self.serve_target)
        self.edge = await serve(self.serve_edge)
        client = client_of(self.api, clock=RealClock())
        await client.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
        node = await client.get("nodes", "n1")
        node["status"] = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.target.port}},
        }
        await client.update("nodes", node, subresource="status")

    def serve_target(self, request: Request) -> Reply:
        self.asked.append(request)
        return accept_websocket(request, echo) if wants_websocket(request) else self.answer

    async def serve_edge(self, request: Request) -> Reply:
        request.state["user"] = ADMIN
        reply = self.api.handle(request)
        return reply if isinstance(reply, Response) else await reply  # type: ignore[misc]

    def origin(self, server: Server) -> Origin:
        return Origin(host="127.0.0.1", port=server.port)

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        return await self.http.request(
            self.origin(self.edge), method, path, headers=list(headers.items()), body=body, timeout=5
        )


async def echo(socket: WebSocket) -> None:
    while (message := await socket.receive()) is not None:
        await socket.send(message)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    http = HttpClient()
    async with in_process_server(clock=RealClock(), connect=proxy_stages(http=http, tls=None)) as api:
        world = World(api, http)
        await world.start()
        yield world
        await http.aclose()
        await world.edge.close(grace_seconds=0.05)
        await world.target.close(grace_seconds=0.05)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_every_method(world: World, method: str) -> None:
    path = "/api/v1/nodes/n1/proxy/some%2Fpath/with?a=b%20c"
    response = await world.ask(method, path, b"body" if method == "POST" else b"", Authorization="Bearer x", Te="x")
    assert (response.status, response.content_type) == (200, "text/html")
    assert response.body == (b"" if method == "HEAD" else b"hello")
    headers = dict(response.headers)
    assert headers["X-A"] == "b"
    assert "Keep-Alive" not in headers
    asked = world.asked[0]
    assert (asked.method, asked.target) == (method, "/some%2Fpath/with?a=b%20c")
    assert asked.body == (b"body" if method == "POST" else b"")
    assert not {"authorization", "te"} & asked.headers.keys()
    assert asked.headers["x-forwarded-uri"] == "/api/v1/nodes/n1/proxy/some%2Fpath/with"
    assert asked.headers["x-forwarded-for"] == "127.0.0.1"


async def test_the_path_without_a_slash_is_redirected(world: World) -> None:
    response = await world.ask("GET", "/api/v1/nodes/n1/proxy?a=b")
    assert response.status == 301
    assert dict(response.headers)["Location"] == "/api/v1/nodes/n1/proxy/?a=b"
    await world.ask("GET", "/api/v1/nodes/n1/proxy/")
    assert world.asked[0].target == "/"


async def test_streams_and_redirects(world: World) -> None:
    async def produce(body: BodyWriter) -> None:
        for _ in range(100):
            await body.write(b"x" * 10_000)

    world.answer = StreamResponse(produce, 202, "text/plain")
    response = await world.ask("GET", "/api/v1/nodes/n1/proxy/a")
    assert (response.status, len(response.body)) == (202, 1_000_000)
    world.answer = Response(302, b"", "", [("Location", "/login?a")])
    response = await world.ask("GET", "/api/v1/nodes/n1/proxy/a")
    assert dict(response.headers)["Location"] == "/api/v1/nodes/n1/proxy/login?a"


async def test_websockets(world: World) -> None:
    socket = await connect_websocket(world.http, world.origin(world.edge), "/api/v1/nodes/n1/proxy/ws", timeout=5)
    await socket.send("through")
    assert await socket.receive() == "through"
    await socket.close()


async def test_what_cannot_be_reached(world: World) -> None:
    response = await world.ask("GET", "/api/v1/nodes/n1:1/proxy/")
    assert response.status == 503
    assert b"error trying to reach service: cannot connect to 127.0.0.1:1" in bytes(response.body)  # type: ignore[arg-type]
    assert (await world.ask("GET", "/api/v1/nodes/none/proxy/")).status == 404
    assert (await world.ask("GET", "/api/v1/namespaces/default/pods/a:b:c:d/proxy/")).status == 400
    assert (await world.ask("GET", "/api/v1/namespaces/default/services/none/proxy/")).status == 404
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    await client_of(world.api, clock=RealClock()).create("services", service, namespace="default")
    response = await world.ask("GET", "/api/v1/namespaces/default/services/web:80/proxy/")
    assert response.status == ServiceUnavailable.code
    assert b'no endpoints available for service \\"web:80\\"' in bytes(response.body)  # type: ignore[arg-type]


def test_paths_are_cut_where_the_proxy_begins() -> None:
    pods = "/api/v1/namespaces/proxy/pods/proxy/proxy"
    assert split_target(pods + "/proxy/a%20b/", namespaced=True) == (pods, "/proxy/a%20b/")
    assert split_target(pods + "/", namespaced=True) == (pods, "/")
    assert split_target("/api/v1/nodes/n/proxy", namespaced=False) == ("/api/v1/nodes/n/proxy", "")


def test_locations() -> None:
    origin = Origin(host="10.0.0.1", port=80)
    assert location_here("/a?b", origin, "/p") == "/p/a?b"
    assert location_here("http://10.0.0.1/a", origin, "/p") == "/p/a"
    assert location_here("http://10.0.0.1:80/a", origin, "/p") == "/p/a"
    assert location_here("https://example.com/a", origin, "/p") == "https://example.com/a"
    assert location_here("relative", origin, "/p") == "relative"
