"""Both transports promise the same: whole answers, streams, WebSockets, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from wherry.api.errors import Forbidden, NotFound, StatusError, TooManyRequests
from wherry.api.resources import Resource
from wherry.base.clock import RealClock
from wherry.base.fake_clock import FakeClock
from wherry.client.client import Client
from wherry.client.http_transport import HttpTransport
from wherry.client.in_process import InProcessTransport
from wherry.client.transport import Transport
from wherry.wire.messages import BodyWriter, Reply, Request, Response, StreamResponse
from wherry.wire.server import serve
from wherry.wire.websocket import WebSocket
from wherry.wire.websocket_handshake import accept_websocket


class Server:
    """A handler that shows what came in."""

    def __init__(self) -> None:
        self.stream_ended = asyncio.Event()
        self.attempts = 0

    def handle(self, request: Request) -> Reply:
        match request.path.rsplit("/", 1)[-1]:
            case "missing":
                return _error(NotFound('pods "missing" not found'))
            case "limited":
                self.attempts += 1
                if self.attempts < 3:
                    reply = _error(TooManyRequests("slow down"))
                    reply.headers = [("Retry-After", "7")]
                    return reply
                return Response(200, b"{}")
            case "html":
                return Response(502, b"<html>bad gateway", "text/html")
            case "pieces":
                return StreamResponse(self._pieces)
            case "endless":
                return StreamResponse(self._endless)
            case "exec":
                return accept_websocket(request, _echo, subprotocols=["v5.channel.k8s.io"])
            case _:
                shown = {"method": request.method, "target": request.target, "body": request.body.decode()}
                shown["type"] = request.headers.get("content-type", "")
                return Response(200, orjson.dumps(shown))

    async def _pieces(self, out: BodyWriter) -> None:
        lines = b"".join(
            orjson.dumps({"type": kind, "object": {"metadata": {"resourceVersion": str(i)}}}) + b"\n"
            for i, kind in enumerate(("ADDED", "MODIFIED", "BOOKMARK"))
        )
        for start in range(0, len(lines), 7):
            await out.write(lines[start : start + 7])

    async def _endless(self, out: BodyWriter) -> None:
        try:
            await out.write(b"first\n")
            await asyncio.Event().wait()
        finally:
            self.stream_ended.set()


def _error(error: StatusError) -> Response:
    return Response(error.status_code, orjson.dumps(error.to_status()))


async def _echo(socket: WebSocket) -> None:
    while (message := await socket.receive()) is not None:
        await socket.send(message)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(params=["http", "in-process"])
async def transport(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Transport]:
    if request.param == "in-process":
        inside = InProcessTransport(server.handle)
        yield inside
        await inside.aclose()
        return
    running = await serve(server.handle, port=0)
    http = HttpTransport(f"http://127.0.0.1:{running.port}")
    try:
        yield http
    finally:
        await http.aclose()
        await running.close()


async def test_requests_carry_path_query_body_and_type(transport: Transport) -> None:
    client = Client(transport, clock=RealClock())
    shown = await client.patch("pods", "a b", {"x": 1}, namespace="ns", type="strategic", field_manager="me")
    assert shown == {
        "method": "PATCH",
        "target": "/api/v1/namespaces/ns/pods/a%20b?fieldManager=me",
        "body": '{"x":1}',
        "type": "application/strategic-merge-patch+json",
    }
    shown = await client.create("deployments.apps", {"metadata": {"namespace": "ns", "name": "d"}}, dry_run=True)
    assert shown["target"] == "/apis/apps/v1/namespaces/ns/deployments?dryRun=All"
    assert orjson.loads(shown["body"])["kind"] == "Deployment"
    shown = await client.delete("nodes", "n", grace_period_seconds=0, propagation_policy="Orphan", uid="u")
    assert orjson.loads(shown["body"]) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Orphan",
        "preconditions": {"uid": "u"},
    }


async def test_errors_come_back_as_their_class(transport: Transport) -> None:
    client = Client(transport, clock=RealClock())
    with pytest.raises(NotFound, match='pods "missing" not found'):
        await client.get("pods", "missing", namespace="ns")
    with pytest.raises(StatusError, match="bad gateway") as caught:
        await client.get("pods", "html", namespace="ns")
    assert caught.value.status_code == 502
    with pytest.raises(NotFound):
        await client.stream("GET", "/missing")


async def test_retry_after_is_followed_on_the_clock(transport: Transport, server: Server) -> None:
    clock = FakeClock()
    call = asyncio.ensure_future(Client(transport, clock=clock).get("pods", "limited", namespace="ns"))
    while not call.done():
        await asyncio.sleep(0.001)
        await clock.advance(1)
    assert call.result() == {}
    assert server.attempts == 3
    assert clock.monotonic() >= 14


async def test_watch_joins_pieces_into_events(transport: Transport) -> None:
    client = Client(transport, clock=RealClock())
    widgets = Resource("", "v1", "pieces", "Piece")
    events = [event async for event in client.watch(widgets, namespace="ns")]
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "BOOKMARK"]


async def test_closing_a_stream_ends_the_server_side(transport: Transport, server: Server) -> None:
    answer = await Client(transport, clock=RealClock()).stream("GET", "/endless")
    async for piece in answer:
        assert piece == b"first\n"
        break
    await answer.aclose()
    async with asyncio.timeout(5):
        await server.stream_ended.wait()
    await answer.aclose()


async def test_websockets_echo_and_choose_a_subprotocol(transport: Transport) -> None:
    client = Client(transport, clock=RealClock())
    socket = await client.websocket("/exec", subprotocols=["v5.channel.k8s.io", "v4.channel.k8s.io"])
    assert socket.subprotocol == "v5.channel.k8s.io"
    await socket.send(b"\x00hello")
    await socket.send("text")
    assert [await socket.receive(), await socket.receive()] == [b"\x00hello", "text"]
    await socket.close()
    with pytest.raises(NotFound):
        await client.websocket("/missing", subprotocols=["v5.channel.k8s.io"])


async def test_nobody_there_is_a_connection_error() -> None:
    transport = HttpTransport("http://127.0.0.1:1")
    with pytest.raises(ConnectionError):
        await Client(transport, clock=RealClock()).list("pods")
    with pytest.raises(ValueError, match="not the URL"):
        HttpTransport("127.0.0.1:6443")


async def test_in_process_identity_reaches_the_handler() -> None:
    def handle(request: Request) -> Response:
        if request.state.get("user") != "system:admin":
            raise Forbidden("who are you?")
        return Response(200, b'{"ok":true}')

    client = Client(InProcessTransport(handle, user="system:admin"), clock=RealClock())
    assert await client.get("pods", "x", namespace="ns") == {"ok": True}
    with pytest.raises(Forbidden):
        await Client(InProcessTransport(handle), clock=RealClock()).get("pods", "x", namespace="ns")
