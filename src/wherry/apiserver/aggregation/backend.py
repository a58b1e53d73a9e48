"""Who answers for an aggregated group and version: a Service behind TLS, or a handler in this process.

Both are asked in two ways: with a client's call, which is passed on as it is, and by this server itself, for discovery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from random import Random
from ssl import SSLContext, SSLError
from typing import Protocol

from wherry.api.errors import ServiceUnavailable
from wherry.apiserver.aggregation.identity import AGGREGATOR, FrontProxy, remote_headers, without_claims
from wherry.apiserver.aggregation.location import Address
from wherry.apiserver.aggregation.priorities import Priority
from wherry.apiserver.aggregation.registration import Registration, ServiceReference
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.proxying.forward import forward
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.errors import WireError
from wherry.wire.messages import Handler, Reply, Request, Response
from wherry.wire.tls import client_context

CHECK_SECONDS = 5.0
DEFAULT_PRIORITY = Priority(100, 100)
UNAVAILABLE = Response(
    503, b"service unavailable\n", "text/plain; charset=utf-8", [("X-Content-Type-Options", "nosniff")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InProcessApi:
    """A group and version that a handler in this process serves, all of `/apis/GROUP/VERSION`.

    The handler finds the user in `request.state["user"]`; it is asked after authentication and authorization. It must
    answer `/apis/GROUP/VERSION` with an APIResourceList; `/openapi/v3` and `/openapi/v2` with 404 where it has none.
    """

    group: str
    version: str
    handler: Handler
    priority: Priority = DEFAULT_PRIORITY


class Backend(Protocol):
    """`serve` answers a client; `ask` gives the answer to the server's own GET and raises `WireError`."""

    def serve(self, call: Call) -> Answer: ...

    async def ask(self, target: str, accept: str = "application/json") -> Response: ...


class LocalBackend:
    """A handler in this process."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def serve(self, call: Call) -> Answer:
        call.request.state["user"] = call.user
        return self._handler(call.request)

    async def ask(self, target: str, accept: str = "application/json") -> Response:
        request = Request.make("GET", target, headers={"accept": accept})
        request.state["user"] = AGGREGATOR
        reply = self._handler(request)
        if isawaitable(reply):
            reply = await reply
        return reply if isinstance(reply, Response) else Response(500)


class RemoteBackend:
    """An extension API server behind a Service. `addresses` says where it can be asked now."""

    def __init__(
        self,
        registration: Registration,
        reference: ServiceReference,
        *,
        http: HttpClient,
        proxy: FrontProxy | None,
        addresses: Callable[[], Sequence[Address]],
        chance: Random,
    ) -> None:
        self._registration = registration
        self._reference = reference
        self._http = http
        self._proxy = proxy
        self._addresses = addresses
        self._chance = chance
        self._trusting: SSLContext | None = None
        self._anyone: SSLContext | None = None
        self._shown = 0
        self.available = False

    def serve(self, call: Call) -> Answer:
        origin = self._origin() if self.available else None
        return UNAVAILABLE if origin is None else self._forward(call, origin)

    async def _forward(self, call: Call, origin: Origin) -> Reply:
        request = without_claims(call.request)
        try:
            return await forward(
                self._http, origin, call.request.target, request, prefix="", headers=remote_headers(call.user)
            )
        except ServiceUnavailable as error:
            return Response(503, f"{error.message}\n".encode(), UNAVAILABLE.content_type, UNAVAILABLE.headers)

    async def ask(self, target: str, accept: str = "application/json") -> Response:
        """Trusts whatever certificate is shown: nothing of what comes back is obeyed."""
        where = self._addresses()
        if not where:
            raise WireError("no endpoints")
        host, port = self._chance.choice(where)
        self._follow_certificate()
        if self._anyone is None:
            self._anyone = self._context(verify=False)
        origin = Origin(host=host, port=port, tls=self._anyone, server_name=self._reference.host)
        headers = [*remote_headers(AGGREGATOR), ("Accept", accept)]
        return await self._http.request(origin, "GET", target, headers=headers, timeout=CHECK_SECONDS)

    def place(self) -> str:
        """Where the next question goes, for messages."""
        where = self._addresses()
        return f"https://{where[0][0]}:{where[0][1]}" if where else f"https://{self._reference.host}"

    def _origin(self) -> Origin | None:
        where = self._addresses()
        if not where:
            return None
        host, port = self._chance.choice(where)
        self._follow_certificate()
        if self._trusting is None:
            try:
                self._trusting = self._context(verify=not self._registration.insecure, ca=self._registration.ca)
            except SSLError:
                return None
        return Origin(host=host, port=port, tls=self._trusting, server_name=self._reference.host)

    def _follow_certificate(self) -> None:
        """The proxy's certificate is renewed where it lies: then connect anew with it."""
        if self._proxy is None:
            return
        written = self._proxy.certificate.stat().st_mtime_ns
        if written != self._shown:
            self._shown, self._trusting, self._anyone = written, None, None

    def _context(self, *, verify: bool, ca: str = "") -> SSLContext:
        proxy = self._proxy
        certificate, key = (proxy.certificate, proxy.key) if proxy else (None, None)
        return client_context(ca=ca, certificate=certificate, key=key, verify=verify)
