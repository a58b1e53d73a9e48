"""A request to another server and its answer back, without what belongs to one hop only (RFC 9110, 7.6.1).

An upgrade is joined byte for byte. `Location` headers that stay on the target are made to go through the proxy again;
links inside of pages are left as they are.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from wherry.api.errors import ServiceUnavailable
from wherry.wire.client import HttpClient
from wherry.wire.client_connection import ResponseStream
from wherry.wire.dial import Origin
from wherry.wire.errors import UpgradeRefused, WireError
from wherry.wire.messages import BodyWriter, ByteStream, Headers, Reply, Request, Response, StreamResponse, Upgrade
from wherry.wire.splice import splice
from wherry.wire.websocket_handshake import tokens

_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
))  # fmt: skip
_OURS = frozenset(("authorization", "content-length", "expect"))
_HEAD_SECONDS = 60.0
_WHOLE_BYTES = 1024 * 1024


async def forward(
    http: HttpClient, origin: Origin, target: str, request: Request, *, prefix: str, headers: Headers = ()
) -> Reply:
    """`target` is what to ask for there; `prefix` is the path here under which the target's `/` is seen.

    `headers` go there beside the client's own.

    Raises `ServiceUnavailable` where the other server cannot be reached.
    """
    try:
        if "upgrade" in [token.lower() for token in tokens(request.headers, "connection")]:
            return await _upgrade(http, origin, target, request, headers)
        sent = [*_request_headers(request, prefix, target), *headers]
        answer = await http.stream(
            origin, request.method, target, headers=sent, body=request.body, timeout=_HEAD_SECONDS
        )
        return await _reply(request, answer, origin, prefix)
    except WireError as error:
        raise ServiceUnavailable(f"error trying to reach service: {error}") from error


def _request_headers(request: Request, prefix: str, target: str) -> list[tuple[str, str]]:
    dropped = _HOP | _OURS | {token.lower() for token in tokens(request.headers, "connection")}
    headers = [(name, value) for name, value in request.headers.items() if name not in dropped]
    chain = [request.headers.get("x-forwarded-for", ""), request.peer.address]
    headers = [(name, value) for name, value in headers if not name.startswith("x-forwarded-")]
    headers.append(("X-Forwarded-For", ", ".join(filter(None, chain))))
    headers.append(("X-Forwarded-Uri", prefix + target.partition("?")[0]))
    if host := request.headers.get("host"):
        headers.append(("X-Forwarded-Host", host))
    return headers


async def _reply(request: Request, answer: ResponseStream, origin: Origin, prefix: str) -> Reply:
    headers = _answer_headers(answer, origin, prefix)
    if request.method == "HEAD" or answer.status in (204, 304):
        await answer.aclose()
        return Response(answer.status, b"", answer.content_type, headers)
    length = answer.headers.get("content-length", "")
    if length.isdigit() and int(length) <= _WHOLE_BYTES:
        try:
            return Response(answer.status, await answer.read_all(), answer.content_type, headers)
        finally:
            await answer.aclose()

    async def produce(body: BodyWriter) -> None:
        try:
            async for piece in answer:
                await body.write(piece)
        finally:
            await answer.aclose()

    return StreamResponse(produce, answer.status, answer.content_type, headers)


def _answer_headers(answer: ResponseStream, origin: Origin, prefix: str) -> Headers:
    dropped = _HOP | {"content-length", "content-type", "date"}
    dropped |= {token.lower() for token in tokens(answer.headers, "connection")}
    return [
        (name, location_here(value, origin, prefix) if name.lower() == "location" else value)
        for name, value in answer.header_list
        if name.lower() not in dropped
    ]


def location_here(location: str, origin: Origin, prefix: str) -> str:
    """A redirect within the target, as seen from outside; one to elsewhere is left alone."""
    url = urlsplit(location)
    if url.netloc and url.netloc not in (origin.authority, f"{origin.host}:{origin.port}"):
        return location
    if not url.path.startswith("/"):
        return location
    return prefix + url.path + (f"?{url.query}" if url.query else "")


async def _upgrade(http: HttpClient, origin: Origin, target: str, request: Request, headers: Headers) -> Reply:
    kept = [*((name, value) for name, value in request.headers.items() if name not in _OURS), *headers]
    try:
        upgraded = await http.upgrade(
            origin, request.method, target, headers=kept, body=request.body, timeout=_HEAD_SECONDS
        )
    except UpgradeRefused as refused:
        return Response(refused.status, refused.body, refused.headers.get("content-type", "text/plain"))

    async def takeover(client: ByteStream) -> None:
        await splice(client, upgraded.stream)

    return Upgrade(takeover, upgraded.header_list)
