"""The HTTP of webhooks: where they are, one POST, and what went wrong in the words of Go's client.

A Service is called by its name in DNS, which its certificate must have, at one of its ready endpoints.
Source: k8s.io/apiserver/pkg/util/webhook (client.go, serviceresolver.go), k8s.io/client-go/rest/request.go.
"""

from __future__ import annotations

import binascii
import socket
import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from wherry.apiserver.webhooks.services import Services
from wherry.base.clock import Clock
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.errors import PeerClosed, TimedOut, WireError
from wherry.wire.messages import ByteStream, Headers
from wherry.wire.tls import client_context

_HEADERS: Headers = (("Accept", "application/json, */*"), ("Content-Type", "application/json"))
_UNTRUSTED = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for certificates whose chain does not end in what is trusted."""
_EXPIRED = frozenset({9, 10})


class CallFailed(Exception):
    """There is no answer to judge; the message tells why, as upstream does."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a webhook is: a URL, or a port of a Service with a path."""

    url: str
    """What it is called in messages, without the timeout."""
    host: str
    port: int
    target: str
    ca: str
    service: tuple[str, str] | None = None
    """Namespace and name."""


def endpoint_of(config: Mapping[str, Any]) -> Endpoint:
    """Of a `WebhookClientConfig`."""
    ca = _text(config.get("caBundle") or "")
    service = config.get("service")
    if service:
        name, namespace = service.get("name") or "", service.get("namespace") or ""
        host, port = f"{name}.{namespace}.svc", service.get("port") or 443
        path = "/" + (service.get("path") or "").lstrip("/")
        return Endpoint(f"https://{host}:{port}{path}", host, port, path, ca, (namespace, name))
    parts = urlsplit(config.get("url") or "")
    return Endpoint(parts.geturl(), parts.hostname or "", parts.port or 443, parts.path or "/", ca)


def _text(bundle: str) -> str:
    try:
        return b64decode(bundle).decode("ascii", "replace")
    except (binascii.Error, ValueError):
        return ""


@lru_cache(maxsize=256)
def _tls(ca: str) -> ssl.SSLContext:
    """One for all who trust the same: connections are pooled by it."""
    return client_context(ca=ca)


@dataclass(frozen=True, slots=True)
class _ToService:
    """Opens a connection to an endpoint of a Service; equal for the same one, so that connections can be pooled by it."""

    services: Services
    namespace: str
    name: str
    port: int

    async def __call__(self) -> ByteStream | socket.socket:
        return await self.services.connect(self.namespace, self.name, self.port)


class Calls:
    """Connections to webhooks, kept open between calls. Close it with `aclose`."""

    def __init__(self, *, services: Services, clock: Clock) -> None:
        self._services = services
        self._http = HttpClient(clock=clock)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def post(self, endpoint: Endpoint, body: bytes, *, timeout_seconds: int) -> bytes:
        """The body of a successful answer. Raises `CallFailed`."""
        target = f"{endpoint.target}?timeout={timeout_seconds}s"
        try:
            origin = self._origin(endpoint)
            answer = await self._http.request(
                origin, "POST", target, headers=_HEADERS, body=body, timeout=float(timeout_seconds)
            )
        except (WireError, ssl.SSLError, OSError) as error:
            shown = f"{endpoint.url}?timeout={timeout_seconds}s"
            raise CallFailed(f'Post "{shown}": {_reason(error, endpoint)}') from error
        content = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        if not 200 <= answer.status <= 206:
            raise CallFailed(_refusal(answer.status, content))
        return content

    def _origin(self, endpoint: Endpoint) -> Origin:
        dial = None
        if endpoint.service is not None:
            namespace, name = endpoint.service
            dial = _ToService(self._services, namespace, name, endpoint.port)
        return Origin(host=endpoint.host, port=endpoint.port, tls=_tls(endpoint.ca), dial=dial)


def _reason(error: Exception, endpoint: Endpoint) -> str:
    """What Go's client would say."""
    if isinstance(error, TimedOut):
        return "context deadline exceeded"
    if isinstance(error, PeerClosed):
        return "EOF"
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: x509: {_certificate(cause, endpoint)}"
    if isinstance(cause, socket.gaierror):
        return f"dial tcp: lookup {endpoint.host}: no such host"
    if isinstance(cause, ConnectionRefusedError):
        return f"dial tcp {endpoint.host}:{endpoint.port}: connect: connection refused"
    return str(cause if isinstance(cause, OSError) and not isinstance(cause, WireError) else error)


def _certificate(error: ssl.SSLCertVerificationError, endpoint: Endpoint) -> str:
    if error.verify_code in _UNTRUSTED:
        return "certificate signed by unknown authority"
    if error.verify_code in _EXPIRED:
        return "certificate has expired or is not yet valid"
    return f"certificate is not valid for {endpoint.host}: {error.verify_message}"


_MESSAGES = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    415: "the body of the request was in an unknown format",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


def _refusal(status: int, body: bytes) -> str:
    """Source: k8s.io/apimachinery/pkg/api/errors (NewGenericServerResponse)."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and answer.get("kind") == "Status" and answer.get("message"):
        return cast(str, answer["message"])
    if status in _MESSAGES:
        return _MESSAGES[status]
    text = body[:2048].decode("utf-8", "replace").strip()
    if status == 403:
        return text or "the server does not allow access to the requested resource"
    if status >= 500:
        shown = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'an error on the server ("{shown or "unknown"}") has prevented the request from succeeding'
    return f"the server responded with the status code {status} but did not return more information"
