"""`PodStreams` as stages of the API server: `ApiServer(connect=pod_stream_stages(...))`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ssl import SSLContext

from wherry.api.errors import not_found
from wherry.api.types import Object
from wherry.apiserver.call import Answer, Call, Stage, not_allowed
from wherry.apiserver.objects import decoded
from wherry.apiserver.streaming.node_location import NodeDial
from wherry.apiserver.streaming.pod_streams import PodStreams
from wherry.wire.client import HttpClient
from wherry.wire.messages import Reply, Request

_Handler = Callable[[PodStreams, Request, Object], Awaitable[Reply]]

_HANDLERS: dict[str, tuple[frozenset[str], _Handler]] = {
    "log": (frozenset(("GET",)), PodStreams.log),
    "exec": (frozenset(("GET", "POST")), PodStreams.exec),
    "attach": (frozenset(("GET", "POST")), PodStreams.attach),
    "portforward": (frozenset(("GET", "POST")), PodStreams.port_forward),
}


def pod_stream_stages(
    *, http: HttpClient, tls: SSLContext | None, dial: NodeDial | None = None
) -> dict[tuple[str, str], Stage]:
    """By qualified resource and subresource. The pods and the nodes are read from the server's own store."""
    return {("pods", name): _stage(name, http, tls, dial) for name in _HANDLERS}


def _stage(name: str, http: HttpClient, tls: SSLContext | None, dial: NodeDial | None) -> Stage:
    methods, handler = _HANDLERS[name]

    def stage(call: Call) -> Answer:
        if call.request.method not in methods:
            raise not_allowed()
        entry = call.parts.store.get(call.info.key)
        if entry is None:
            raise not_found("", "pods", call.info.name)

        async def node(node_name: str) -> Object:
            found = call.parts.store.get(call.parts.registry.of("nodes").key("", node_name))
            if found is None:
                raise not_found("", "nodes", node_name)
            return decoded(found)

        return handler(PodStreams(node=node, http=http, tls=tls, dial=dial), call.request, decoded(entry))

    return stage
