from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from wherry.api.errors import BadRequest, InternalError, Invalid, NotFound, StatusError
from wherry.api.types import Object
from wherry.apiserver.streaming.pod_streams import PodStreams
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.errors import UpgradeRefused
from wherry.wire.messages import ByteStream, Reply, Request, Response, Upgrade
from wherry.wire.server import Server, serve
from wherry.wire.websocket import WebSocket
from wherry.wire.websocket_handshake import accept_websocket, connect_websocket, wants_websocket


def pod(*names: str, init: str = "", node: str = "n1") -> Object:
    spec: Object = {"containers": [{"name": name} for name in names], "nodeName": node}
    if init:
        spec["initContainers"] = [{"name": init}]
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": spec}


class World:
    """An API server's edge in front of a node that tells what it was asked."""

    def __init__(self) -> None:
        self.http = HttpClient()
        self.asked: list[Request] = []
        self.answer: Reply = Response(200, b"log lines", "text/plain")
        self.pod = pod("app")
        self.handler = "log"
        self.streams = PodStreams(node=self.node, http=self.http, tls=None)

    async def start(self) -> None:
        self.node_server = await serve(self.serve_node)
        self.edge = await serve(self.serve_edge)

    async def node(self, name: str) -> Object:
        if name != "n1":
            raise NotFound(f'nodes "{name}" not found')
        endpoints = {"kubeletEndpoint": {"Port": self.node_server.port}}
        addresses = [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "127.0.0.1"}]
        return {"status": {"addresses": addresses, "daemonEndpoints": endpoints}}

    def serve_node(self, request: Request) -> Reply:
        self.asked.append(request)
        return accept_websocket(request, echo, subprotocols=["v5"]) if wants_websocket(request) else self.answer

    async def serve_edge(self, request: Request) -> Reply:
        try:
            reply: Reply = await getattr(self.streams, self.handler)(request, self.pod)
        except StatusError as error:
            return Response(error.status_code, error.message.encode())
        return reply

    def origin(self, server: Server | None = None) -> Origin:
        return Origin(host="127.0.0.1", port=(server or self.edge).port)

    async def call(self, handler: str, target: str) -> Reply:
        reply: Reply = await getattr(self.streams, handler)(Request.make("GET", target), self.pod)
        return reply

    async def get(self, target: str) -> Response:
        return await self.http.request(self.origin(), "GET", target, timeout=5)


async def echo(socket: WebSocket) -> None:
    while (message := await socket.receive()) is not None:
        await socket.send(message)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.http.aclose()
    await world.edge.close(grace_seconds=0.05)
    await world.node_server.close(grace_seconds=0.05)


async def test_a_log_with_its_parameters(world: World) -> None:
    response = await world.get("/log?follow=true&previous=0&tailLines=5&timestamps=1&stream=All&x=y")
    assert (response.status, response.body, response.content_type) == (200, b"log lines", "text/plain")
    asked = world.asked[0]
    assert asked.path == "/containerLogs/default/web/app"
    assert asked.raw_query == "follow=true&timestamps=true&tailLines=5&stream=All"


async def test_a_pod_without_a_node(world: World) -> None:
    world.pod = pod("app", node="")
    assert (await world.get("/log")).body == b""
    with pytest.raises(BadRequest, match="pod web does not have a host assigned"):
        await world.call("exec", "/exec?command=a")
    world.pod = pod("app", node="gone")
    with pytest.raises(NotFound):
        await world.call("log", "/log")


async def test_what_the_node_refuses(world: World) -> None:
    world.answer = Response(400, b"container is waiting to start", "text/plain")
    with pytest.raises(BadRequest, match=r"^container is waiting to start$"):
        await world.call("log", "/log")
    world.answer = Response(404, b'pod "web" not found', "text/plain")
    with pytest.raises(NotFound, match='pod "web" not found'):
        await world.call("log", "/log")
    world.answer = Response(500, b"oops", "text/plain")
    with pytest.raises(InternalError, match="Internal error occurred: oops"):
        await world.call("log", "/log")
    await world.node_server.close()
    with pytest.raises(InternalError, match=r'Get "http://127.0.0.1:.*/containerLogs/.*cannot connect'):
        await world.call("log", "/log")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("tailLines=-1", "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ("limitBytes=0", "limitBytes: Invalid value: 0: must be greater than 0"),
        ("sinceSeconds=0", "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ("stream=Both", 'stream: Unsupported value: "Both": supported values: "All", "Stderr", "Stdout"'),
        ("stream=Stdout&tailLines=1", "`tailLines` and specific `stream` are mutually exclusive for now"),
    ],
)
async def test_bad_log_options(world: World, query: str, message: str) -> None:
    with pytest.raises(Invalid) as error:
        await world.call("log", f"/log?{query}")
    assert error.value.message.startswith('PodLogOptions "web" is invalid: ')
    assert message in error.value.message
    for bad in ("tailLines=x", "sinceTime=yesterday"):
        with pytest.raises(BadRequest):
            await world.call("log", f"/log?{bad}")


async def test_which_container(world: World) -> None:
    world.pod = pod("a", "b", init="first")
    with pytest.raises(BadRequest) as error:
        await world.call("log", "/log")
    assert error.value.message == ("a container name must be specified for pod web, choose one of: [first a b]")
    with pytest.raises(BadRequest, match="container c is not valid for pod web"):
        await world.call("log", "/log?container=c")
    assert (await world.get("/log?container=first")).status == 200
    assert world.asked[0].path == "/containerLogs/default/web/first"


async def test_a_websocket_is_joined_byte_for_byte(world: World) -> None:
    world.handler = "exec"
    socket = await connect_websocket(
        world.http,
        world.origin(),
        "/exec?command=sh&command=-c&stdin=true&stdout=1&stderr=false&tty=",
        headers=[("Authorization", "Bearer secret")],
        subprotocols=["base64url.bearer.authorization.k8s.io.c2VjcmV0", "v5"],
        timeout=5,
    )
    assert socket.subprotocol == "v5"
    for message in (b"x" * 200_000, "text", b""):
        await socket.send(message)
        assert await socket.receive() == message
    await socket.close(4000, "bye")
    assert socket.close_code == 4000
    asked = world.asked[0]
    assert asked.target == "/exec/default/web/app?input=1&output=1&tty=1&command=sh&command=-c"
    assert "authorization" not in asked.headers
    assert asked.headers["sec-websocket-protocol"] == "v5"


async def test_a_raw_upgrade_and_its_end(world: World) -> None:
    async def shout(stream: ByteStream) -> None:
        while data := await stream.read():
            await stream.write(data.upper())

    world.handler = "port_forward"
    world.answer = Upgrade(shout, [("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", "portforward.k8s.io")])
    headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", "portforward.k8s.io")]
    upgraded = await world.http.upgrade(world.origin(), "POST", "/portforward?ports=80,81", headers=headers, timeout=5)
    assert upgraded.headers["x-stream-protocol-version"] == "portforward.k8s.io"
    await upgraded.stream.write(b"abc")
    assert await asyncio.wait_for(upgraded.stream.read(), 5) == b"ABC"
    await upgraded.stream.write_eof()
    assert await asyncio.wait_for(upgraded.stream.read(), 5) == b""
    upgraded.stream.close()
    assert (world.asked[0].method, world.asked[0].target) == ("POST", "/portForward/default/web?port=80%2C81")
    with pytest.raises(BadRequest, match="Upgrade request required"):
        await world.call("port_forward", "/portforward")


async def test_an_upgrade_that_the_node_refuses(world: World) -> None:
    world.handler = "attach"
    world.answer = Response(500, b'container not found ("app")', "text/plain")
    headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1")]
    with pytest.raises(UpgradeRefused) as refused:
        await world.http.upgrade(world.origin(), "POST", "/attach", headers=headers, timeout=5)
    assert (refused.value.status, refused.value.body) == (500, b'container not found ("app")')
    await world.node_server.close()
    with pytest.raises(UpgradeRefused, match="error dialing backend"):
        await world.http.upgrade(world.origin(), "POST", "/attach", headers=headers, timeout=5)


@pytest.mark.parametrize(
    ("protocol", "messages"),
    [("binary.k8s.io", [b"", b"log lines"]), ("base64.binary.k8s.io", ["", "bG9nIGxpbmVz"])],
)
async def test_a_log_in_a_websocket(world: World, protocol: str, messages: list[Any]) -> None:
    socket = await connect_websocket(world.http, world.origin(), "/log", subprotocols=[protocol], timeout=5)
    received = [await socket.receive() for _ in range(3)]
    assert received == [*messages, None]
    assert socket.close_code == 1000
