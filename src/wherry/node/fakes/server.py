"""The kubelet API of all fake nodes, at one port: what pods that only pretend can be asked, and clear words for the rest.

Requests that name a pod find it wherever it is. `/pods`, `/stats/summary` and `/metrics/resource` are about one node, which
the query names (`?node=NAME`), because all share the port; without it they are about the only fake node, if there is one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from ssl import SSLContext
from urllib.parse import unquote

import orjson

from wherry.api.errors import BadRequest
from wherry.base.clock import Clock
from wherry.node.fakes.nodes import FakeNodes
from wherry.node.server import resource_metrics, summary
from wherry.node.server.app import Authorize
from wherry.node.server.containers import spec_of
from wherry.node.server.errors import Refused
from wherry.node.server.measurement import Measurement
from wherry.wire.messages import Request, Response
from wherry.wire.server import serve

TEXT = "text/plain; charset=utf-8"


class FakeNodeServer:
    """A component."""

    def __init__(
        self,
        *,
        nodes: FakeNodes,
        authorize: Authorize,
        clock: Clock,
        tls: SSLContext | None,
        port: int = 0,
        sockets: Sequence[socket.socket] = (),
    ) -> None:
        self._nodes = nodes
        self._authorize = authorize
        self._clock = clock
        self._tls = tls
        self._port = port
        self._sockets = sockets
        self._endpoints: dict[str, Callable[[Request, Sequence[str]], Response]] = {
            "containerLogs": self._logs,
            "exec": lambda request, path: self._cannot(path, "run commands"),
            "attach": lambda request, path: self._cannot(path, "be attached to"),
            "portForward": lambda request, path: self._cannot(path, "listen at ports"),
            "pods": self._pods,
            "stats/summary": self._summary,
            "metrics/resource": lambda request, path: resource_metrics.response(self._measured(request)),
            "metrics/nodes": self._all_metrics,
            "healthz": lambda request, path: Response(200, b"ok", TEXT),
        }

    async def run(self) -> None:
        """Raises `wire.errors.BindFailed`."""
        server = await serve(self.handle, port=self._port, sockets=self._sockets, tls=self._tls, clock=self._clock)
        try:
            await asyncio.Event().wait()
        finally:
            await server.close(grace_seconds=0.5)

    def handle(self, request: Request) -> Response:
        if not self._authorize(request):
            return Response(401, b"Unauthorized", TEXT)
        name, *rest = [unquote(part) for part in request.target.partition("?")[0].strip("/").split("/")]
        if name in ("stats", "metrics") and rest:
            name, rest = f"{name}/{rest[0]}", rest[1:]
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return Response(404, b"404 page not found\n", TEXT)
        try:
            return endpoint(request, rest)
        except Refused as refused:
            return refused.response()

    def _logs(self, request: Request, path: Sequence[str]) -> Response:
        if len(path) != 3 or (pod := self._nodes.pods.find(path[0], path[1])) is None:
            raise Refused(404, "pod does not exist")
        if spec_of(pod, path[2]) is None:
            raise Refused(404, f"container {path[2]} is not in pod {path[1]}")
        log = self._nodes.lives.of(pod).log
        text = log if log else "this container only pretends to run: it says nothing (annotation wherry.dev/fake-log)"
        return Response(200, f"{text.rstrip()}\n".encode(), TEXT)

    def _cannot(self, path: Sequence[str], what: str) -> Response:
        pod = "/".join(path[:2])
        error = BadRequest(f"pod {pod} only pretends to run on a fake node: it cannot {what}")
        # As a Status: kubectl shows nothing of a text where it wanted to upgrade.
        return Response(error.status_code, orjson.dumps(error.to_status()))

    def _node(self, request: Request) -> str:
        if names := request.query().get("node"):
            return str(names[0])
        names = self._nodes.names()
        if len(names) == 1:
            return names[0]
        raise Refused(400, "many fake nodes share this port: name one with ?node=NAME")

    def _measured(self, request: Request) -> Measurement:
        name = self._node(request)
        if (measured := self._nodes.measure(name)) is None:
            raise Refused(404, f"there is no fake node {name}")
        return measured

    def _summary(self, request: Request, path: Sequence[str]) -> Response:
        return summary.response(self._measured(request), self._node(request))

    def _all_metrics(self, request: Request, path: Sequence[str]) -> Response:
        """Of all nodes at once, for whoever would ask thousands: each node's page by its name."""
        found = {name: self._nodes.measure(name) for name in self._nodes.names()}
        pages = {name: resource_metrics.render(measured) for name, measured in found.items() if measured is not None}
        return Response(200, orjson.dumps(pages))

    def _pods(self, request: Request, path: Sequence[str]) -> Response:
        items = self._nodes.pods.on_node(self._node(request))
        body = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}
        return Response(200, orjson.dumps(body))
