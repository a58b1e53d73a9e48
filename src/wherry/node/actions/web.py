"""httpGet: a page whose status is 200 to 399 is healthy. Redirects are followed on the same host only."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from wherry.base.clock import Clock
from wherry.node.actions.dial import dial, dial_error, host_port
from wherry.node.actions.outcome import MAX_OUTPUT, Outcome
from wherry.node.network_port import PodNetwork
from wherry.wire.client_connection import ClientConnection, request_head
from wherry.wire.errors import WireError
from wherry.wire.messages import ByteStream
from wherry.wire.tls_stream import start_tls

MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What to ask for. `address` is dialled; the URL shows it too."""

    address: str
    port: int
    path: str = "/"
    secure: bool = False
    headers: Sequence[tuple[str, str]] = ()

    @property
    def url(self) -> str:
        scheme = "https" if self.secure else "http"
        return f"{scheme}://{host_port(self.address, self.port)}{self.path}"


async def check(network: PodNetwork, page: Page, *, clock: Clock, timeout: float) -> Outcome:
    """Never raises for what the server does: that is an unhealthy outcome with Go's words."""
    try:
        async with clock.timeout(timeout):
            return await _follow(network, page)
    except TimeoutError:
        text = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return Outcome(False, f'Get "{page.url}": {text}')


async def _follow(network: PodNetwork, page: Page) -> Outcome:
    first = page
    for _ in range(MAX_REDIRECTS):
        try:
            status, location, body = await _fetch(network, page)
        except (WireError, ConnectionError) as error:
            return Outcome(False, f'Get "{page.url}": {_words(page, error)}')
        except OSError as error:
            return Outcome(False, f'Get "{page.url}": {dial_error(page.address, page.port, error)}')
        if status in _REDIRECTS and location:
            target = urlsplit(urljoin(page.url, location))
            if target.hostname != first.address:
                return Outcome(True, f"Probe terminated redirects, Response body: {body}")
            page = _redirected(page, target.scheme, target.port, target.path, target.query)
            continue
        if 200 <= status < 400:
            return Outcome(True, body)
        return Outcome(False, f"HTTP probe failed with statuscode: {status}", answered=True)
    return Outcome(False, f'Get "{page.url}": stopped after {MAX_REDIRECTS} redirects')


def _words(page: Page, error: Exception) -> str:
    """A refused or broken connection, as Go says it; a connection that just ends is `EOF`."""
    if isinstance(error, ConnectionError) and error.errno:
        return dial_error(page.address, page.port, error)
    return str(error) or "EOF"


def _redirected(page: Page, scheme: str, port: int | None, path: str, query: str) -> Page:
    secure = scheme == "https"
    target = (path or "/") + (f"?{query}" if query else "")
    return replace(page, secure=secure, port=port or (443 if secure else 80), path=target)


async def _fetch(network: PodNetwork, page: Page) -> tuple[int, str, str]:
    stream: ByteStream = await dial(network, page.address, page.port)
    if page.secure:
        stream = await start_tls(stream, _unverified(), "")
    connection = ClientConnection(stream)
    try:
        authority = host_port(page.address, page.port)
        await connection.send("GET", request_head("GET", page.path, authority, _headers(page), 0), b"")
        await connection.read_head()
        body = bytearray()
        while len(body) < MAX_OUTPUT and (piece := await connection.read_piece()):
            body.extend(piece)
        location = next((value for name, value in connection.parser.headers if name.lower() == "location"), "")
        return connection.parser.status, location, bytes(body[:MAX_OUTPUT]).decode("utf-8", "replace")
    finally:
        connection.close()


def _headers(page: Page) -> list[tuple[str, str]]:
    given = {name.lower() for name, _ in page.headers}
    standard = (("User-Agent", "kube-probe/1.36"), ("Accept", "*/*"), ("Connection", "close"))
    # An empty value takes a standard header away, as upstream.
    own = [(name, value) for name, value in page.headers if value or name.lower() not in ("user-agent", "accept")]
    return [(name, value) for name, value in standard if name.lower() not in given] + own


def _unverified() -> ssl.SSLContext:
    """Probes do not check certificates, as upstream."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
