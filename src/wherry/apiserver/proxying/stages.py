"""The proxy subresources as stages of the API server: `ApiServer(connect={**proxy_stages(...), ...})`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from ssl import SSLContext

from wherry.api.errors import BadRequest, not_found
from wherry.api.types import Object
from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.objects import decoded
from wherry.apiserver.proxying.forward import forward
from wherry.apiserver.proxying.targets import (
    MAX_PORT,
    Name,
    Target,
    parse_name,
    pod_target,
    service_port_name,
    service_target,
)
from wherry.apiserver.streaming.node_location import NodeDial, origin_of
from wherry.machinery.integers import digits_value
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.messages import Reply, Response
from wherry.wire.tls import client_context

_REDIRECT = 301


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyParts:
    """`anyone` is TLS that trusts any certificate: pods have their own, which nobody here knows."""

    http: HttpClient
    node_tls: SSLContext | None
    anyone: Callable[[], SSLContext]
    dial: NodeDial | None
    chance: Random


def proxy_stages(
    *, http: HttpClient, tls: SSLContext | None, dial: NodeDial | None = None, chance: Random | None = None
) -> dict[tuple[str, str], Stage]:
    """By qualified resource and subresource. `tls` and `dial` are for the nodes, as in `pod_stream_stages`."""
    anyone = cache(lambda: client_context(verify=False))  # made when first needed, one for all: connections are pooled
    parts = ProxyParts(http=http, node_tls=tls, anyone=anyone, dial=dial, chance=chance or Random())
    origins: dict[str, Callable[[ProxyParts, Call], Origin]] = {"pods": _pod, "services": _service, "nodes": _node}
    return {(plural, "proxy"): _stage(parts, origin) for plural, origin in origins.items()}


def _stage(parts: ProxyParts, origin: Callable[[ProxyParts, Call], Origin]) -> Stage:
    def stage(call: Call) -> Answer:
        prefix, rest = split_target(call.request.target.partition("?")[0], namespaced=bool(call.info.namespace))
        query = call.request.raw_query
        upgrade = "upgrade" in call.request.headers
        if not rest and not upgrade:  # relative links of a page work only below its path
            location = f"{prefix}/" + (f"?{query}" if query else "")
            return Response(_REDIRECT, b"", "text/plain", [("Location", location)])
        target = (rest or "/") + (f"?{query}" if query else "")
        return _forward(parts, origin(parts, call), target, call, prefix)

    return stage


async def _forward(parts: ProxyParts, origin: Origin, target: str, call: Call, prefix: str) -> Reply:
    return await forward(parts.http, origin, target, call.request, prefix=prefix)


def split_target(path: str, *, namespaced: bool) -> tuple[str, str]:
    """The path up to `.../proxy`, and what follows as it was sent: nothing is decoded and encoded again on the way."""
    segments = path.split("/")
    # /api/v1/namespaces/{namespace}/pods/{name}/proxy, /api/v1/nodes/{name}/proxy
    end = 8 if namespaced else 6
    return "/".join(segments[:end]), "".join("/" + segment for segment in segments[end:])


def _object(call: Call, plural: str, namespace: str, name: str) -> Object:
    entry = call.parts.store.get(call.parts.registry.of(plural).key(namespace, name))
    if entry is None:
        raise not_found("", plural, name)
    return decoded(entry)


def _origin(parts: ProxyParts, target: Target) -> Origin:
    return Origin(host=target.host, port=target.port, tls=parts.anyone() if target.secure else None)


def _pod(parts: ProxyParts, call: Call) -> Origin:
    name = parse_name(call.info.name, "pod")
    return _origin(parts, pod_target(name, _object(call, "pods", call.info.namespace, name.name)))


def _service(parts: ProxyParts, call: Call) -> Origin:
    name = parse_name(call.info.name, "service")
    namespace = call.info.namespace
    port_name = service_port_name(name, _object(call, "services", namespace, name.name))
    return _origin(parts, service_target(name, port_name, _slices(call, namespace, name), parts.chance))


def _slices(call: Call, namespace: str, name: Name) -> list[Object]:
    prefix = call.parts.registry.of("endpointslices.discovery.k8s.io").list_prefix(namespace)
    objects = [decoded(entry) for entry in call.parts.store.range(prefix).entries]
    label = "kubernetes.io/service-name"
    return [one for one in objects if (one["metadata"].get("labels") or {}).get(label) == name.name]


def _node(parts: ProxyParts, call: Call) -> Origin:
    """The node's own server, or, with a port, whatever listens there on the node."""
    name = parse_name(call.info.name, "node")
    own = origin_of(_object(call, "nodes", "", name.name), tls=parts.node_tls, dial=parts.dial)
    if not name.port:
        return own
    port = digits_value(name.port)
    if port is None or port > MAX_PORT:
        raise BadRequest(f'invalid node request "{call.info.name}"')
    return _origin(parts, Target(name.scheme == "https", own.host, port))
