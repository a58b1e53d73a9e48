"""`/portForward/{namespace}/{pod}`: TCP into a pod, over SPDY/3.1 streams, in a WebSocket's messages or on their own.

For each connection the client opens two streams with the same `requestid`: `error`, on which a failure is told as text,
and `data`. Source: kubectl's port-forward, KEP-4006, k8s.io/kubelet streaming/portforward.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.node.network_port import PodNetwork
from wherry.node.server.commands import SPDY_UPGRADE, accept_spdy
from wherry.node.server.errors import Refused
from wherry.node.server.forward_channels import SUBPROTOCOLS, ChannelForwarding, ports_of
from wherry.node.server.port import PodLookup
from wherry.wire.errors import ProtocolError
from wherry.wire.messages import ByteStream, Reply, Request, Upgrade
from wherry.wire.spdy import Status
from wherry.wire.spdy_session import SpdySession
from wherry.wire.spdy_stream import SpdyStream
from wherry.wire.splice import splice
from wherry.wire.websocket_handshake import accept_websocket, tokens, wants_websocket

if TYPE_CHECKING:
    from wherry.wire.websocket import WebSocket

TUNNEL = "SPDY/3.1+portforward.k8s.io"
PROTOCOL = "portforward.k8s.io"
_PAIR_SECONDS = 30.0


class PortForward:
    """Makes one `Forwarding` per client."""

    def __init__(self, *, pods: PodLookup, network: PodNetwork, clock: Clock, log: Logger) -> None:
        self._pods = pods
        self._network = network
        self._clock = clock
        self._log = log

    def handle(self, request: Request, namespace: str, pod_name: str) -> Reply:
        """Raises `Refused`."""
        pod = self._pods.pod(namespace, pod_name)
        if pod is None:
            raise Refused(404, "pod does not exist")
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            phase = pod["status"]["phase"]
            raise Refused(400, f"unable to forward port because pod is not running. Current status={phase}")

        async def takeover(stream: ByteStream) -> None:
            await Forwarding(stream, pod, network=self._network, clock=self._clock, log=self._log).run()

        if wants_websocket(request):
            offered = tokens(request.headers, "sec-websocket-protocol")
            ports = [] if TUNNEL in offered else ports_of(request.query())

            async def tunnel(socket: WebSocket) -> None:
                from wherry.wire.websocket import WebSocketStream

                if socket.subprotocol == TUNNEL:
                    await takeover(WebSocketStream(socket))
                else:
                    await self._channels(socket, ports, pod)

            known = (TUNNEL,) if TUNNEL in offered else SUBPROTOCOLS
            return accept_websocket(request, tunnel, subprotocols=known)
        protocol = accept_spdy(request, (PROTOCOL,))
        return Upgrade(takeover, [("Upgrade", SPDY_UPGRADE), ("X-Stream-Protocol-Version", protocol)])

    async def _channels(self, socket: WebSocket, ports: list[int], pod: Object) -> None:
        async def connect(port: int) -> ByteStream:
            return await connect_to(self._network, pod, port)

        def describe(port: int, error: OSError) -> str:
            return failure_text(pod, port, error)

        await ChannelForwarding(socket, ports, connect=connect, describe=describe).run()


async def connect_to(network: PodNetwork, pod: Object, port: int) -> ByteStream:
    """A connection to a port of the pod's loopback. Raises `OSError`."""
    uid = pod["metadata"]["uid"]
    attachment = network.attached().get(uid)
    if attachment is None:  # a pod on the host's network
        return await network.connect("127.0.0.1", port)
    return await network.connect("127.0.0.1", attachment.port_map.get(port, port), pod_uid=uid)


def failure_text(pod: Object, port: int, error: OSError) -> str:
    """`error forwarding port 80 to pod web_default, uid ...: why`."""
    metadata = pod["metadata"]
    name = f"{metadata['name']}_{metadata['namespace']}"
    return f"error forwarding port {port} to pod {name}, uid {metadata['uid']}: {error.strerror or error}"


class Forwarding:
    """All connections of one client into one pod."""

    def __init__(self, stream: ByteStream, pod: Object, *, network: PodNetwork, clock: Clock, log: Logger) -> None:
        self._session = SpdySession(stream, server=True, on_stream=self._on_stream)
        self._pod = pod
        self._network = network
        self._clock = clock
        self._log = log
        self._halves: dict[str, SpdyStream] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the client goes away; its connections end with it."""
        try:
            await self._session.run()
        except ProtocolError as error:
            self._log.warning("port-forward client broke the protocol", error=str(error))
        finally:
            await cancel_and_wait(*self._tasks)

    def _on_stream(self, stream: SpdyStream) -> None:
        task = asyncio.ensure_future(self._take(stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, stream: SpdyStream) -> None:
        try:
            kind = stream.headers.get("streamtype")
            if kind not in ("error", "data") or not stream.headers.get("port", "").isdigit():
                await stream.reset(Status.PROTOCOL_ERROR)
                return
            await stream.accept()
            await self._pair(stream)
        except ConnectionError:
            pass  # the client gave this connection up

    async def _pair(self, stream: SpdyStream) -> None:
        identifier = stream.headers.get("requestid") or self._derived_id(stream)
        other = self._halves.pop(identifier, None)
        if other is None:
            self._halves[identifier] = stream
            await self._clock.sleep(_PAIR_SECONDS)
            if self._halves.get(identifier) is stream:
                del self._halves[identifier]
                await stream.reset(Status.CANCEL)
            return
        error, data = (stream, other) if stream.headers["streamtype"] == "error" else (other, stream)
        await self._forward(int(data.headers["port"]), data, error)

    @staticmethod
    def _derived_id(stream: SpdyStream) -> str:
        """Of clients before Kubernetes 1.3, which send none: the error stream comes first, the data stream next."""
        return str(stream.number if stream.headers["streamtype"] == "error" else stream.number - 2)

    async def _forward(self, port: int, data: SpdyStream, error: SpdyStream) -> None:
        try:
            connection = await connect_to(self._network, self._pod, port)
        except OSError as failure:
            await error.write(failure_text(self._pod, port, failure).encode())
            await error.write_eof()
            await data.write_eof()
            return
        try:
            await splice(data, connection)
        finally:
            await error.write_eof()
