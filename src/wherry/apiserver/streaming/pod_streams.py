"""The handlers of pods/log, exec, attach and portforward.

What always holds: the client's identity ends here, the node sees only the API server's certificate; an upgraded
connection is handed on byte for byte, handshake headers included, so the client and the node agree on the protocol
between themselves; what the node refuses reaches the client in the node's words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ssl import SSLContext
from typing import TYPE_CHECKING
from urllib.parse import quote

from wherry.api.errors import BadRequest, InternalError, StatusError, from_status
from wherry.api.types import Object
from wherry.apiserver.streaming import parameters
from wherry.apiserver.streaming.containers import choose
from wherry.apiserver.streaming.log_websocket import LOG_SUBPROTOCOLS, send_log
from wherry.apiserver.streaming.node_location import NodeDial, origin_of
from wherry.wire.client import HttpClient
from wherry.wire.client_connection import ResponseStream
from wherry.wire.dial import Origin
from wherry.wire.errors import UpgradeRefused, WireError
from wherry.wire.messages import BodyWriter, ByteStream, Headers, Reply, Request, Response, StreamResponse, Upgrade
from wherry.wire.splice import splice
from wherry.wire.websocket_handshake import accept_websocket, tokens, wants_websocket

if TYPE_CHECKING:
    from wherry.wire.websocket import WebSocket

NodeByName = Callable[[str], Awaitable[Object]]
"""The Node of that name. Raises `NotFound`."""

_HANDSHAKE = ("upgrade", "x-stream-protocol-version", "sec-websocket-version", "sec-websocket-key",
              "sec-websocket-extensions", "sec-websocket-protocol", "user-agent")  # fmt: skip
_BEARER = "base64url.bearer.authorization.k8s.io."
_HEAD_SECONDS = 30.0
_ERROR_LIMIT = 10_000


class PodStreams:
    """Each handler takes the request and the pod, which exists and which the user may use so. They raise `StatusError`.

    `tls` has the API server's client certificate and trusts the nodes' CA.
    """

    def __init__(
        self, *, node: NodeByName, http: HttpClient, tls: SSLContext | None, dial: NodeDial | None = None
    ) -> None:
        self._node = node
        self._http = http
        self._tls = tls
        self._dial = dial

    async def log(self, request: Request, pod: Object) -> Reply:
        """The log as text, or in a WebSocket's messages. A pod without a node has an empty one."""
        query = request.query()
        name = pod["metadata"]["name"]
        wanted = parameters.log_query(query, name)
        container = choose(pod, parameters.first(query, "container"))
        if not _node_name(pod):
            return Response(200, b"", "text/plain")
        target = f"{_path('containerLogs', pod)}/{quote(container, safe='')}?{wanted}"
        stream = await self._open(await self._origin(pod), target, name)
        if wants_websocket(request):

            async def over_websocket(socket: WebSocket) -> None:
                try:
                    await send_log(socket, stream)
                finally:
                    await stream.aclose()

            reply = accept_websocket(request, over_websocket, subprotocols=LOG_SUBPROTOCOLS)
            if isinstance(reply, Response):
                await stream.aclose()
            return reply

        async def produce(body: BodyWriter) -> None:
            try:
                async for piece in stream:
                    await body.write(piece)
            finally:
                await stream.aclose()

        return StreamResponse(produce, content_type="text/plain")

    async def exec(self, request: Request, pod: Object) -> Reply:
        return await self._command("exec", request, pod)

    async def attach(self, request: Request, pod: Object) -> Reply:
        return await self._command("attach", request, pod)

    async def _command(self, what: str, request: Request, pod: Object) -> Reply:
        query = request.query()
        container = choose(pod, parameters.first(query, "container"))
        target = f"{_path(what, pod)}/{quote(container, safe='')}?{parameters.exec_query(query)}"
        return await self._join(request, pod, target)

    async def port_forward(self, request: Request, pod: Object) -> Reply:
        query = parameters.forward_query(request.query())
        target = _path("portForward", pod) + (f"?{query}" if query else "")
        return await self._join(request, pod, target)

    async def _origin(self, pod: Object) -> Origin:
        return origin_of(await self._node(_node_name(pod)), tls=self._tls, dial=self._dial)

    async def _open(self, origin: Origin, target: str, name: str) -> ResponseStream:
        """The node's answer, which is a success."""
        try:
            stream = await self._http.stream(origin, "GET", target, timeout=_HEAD_SECONDS)
        except WireError as error:
            raise InternalError(f'Get "{_url(origin)}{target}": {error}') from error
        if 200 <= stream.status <= 206:
            return stream
        try:
            text = (await stream.read_all())[:_ERROR_LIMIT].decode("utf-8", "replace")
        finally:
            await stream.aclose()
        raise _failure(stream.status, text, name)

    async def _join(self, request: Request, pod: Object, target: str) -> Reply:
        if not _node_name(pod):
            raise BadRequest(f"pod {pod['metadata']['name']} does not have a host assigned")
        if "upgrade" not in [token.lower() for token in tokens(request.headers, "connection")]:
            raise BadRequest("Upgrade request required")
        origin = await self._origin(pod)
        try:
            upgraded = await self._http.upgrade(
                origin, request.method, target, headers=_handshake(request), timeout=_HEAD_SECONDS
            )
        except UpgradeRefused as refused:
            return Response(refused.status, refused.body, refused.headers.get("content-type", "text/plain"))
        except WireError as error:
            raise InternalError(f"Internal error occurred: error dialing backend: {error}") from error

        async def takeover(client: ByteStream) -> None:
            await splice(client, upgraded.stream)

        return Upgrade(takeover, upgraded.header_list)


def _node_name(pod: Object) -> str:
    name: str = (pod.get("spec") or {}).get("nodeName") or ""
    return name


def _path(endpoint: str, pod: Object) -> str:
    metadata = pod["metadata"]
    return f"/{endpoint}/{quote(metadata['namespace'], safe='')}/{quote(metadata['name'], safe='')}"


def _url(origin: Origin) -> str:
    return f"{'https' if origin.tls else 'http'}://{origin.host}:{origin.port}"


def _failure(status: int, text: str, name: str) -> StatusError:
    """Source: k8s.io/apiserver generic/rest/response_checker.go."""
    if status == 500:
        return InternalError(f"Internal error occurred: {text}")
    if status == 400:
        return BadRequest(text)
    return from_status({"message": text, "details": {"kind": "pods/log", "name": name}}, status)


def _handshake(request: Request) -> Headers:
    """The headers by which client and node agree on a protocol, without the client's credentials."""
    headers = [("Connection", "Upgrade")]
    for name in _HANDSHAKE:
        value = request.headers.get(name)
        if value is not None and name == "sec-websocket-protocol":
            value = ", ".join(p for p in tokens(request.headers, name) if not p.startswith(_BEARER))
        if value:
            headers.append((name, value))
    return headers
