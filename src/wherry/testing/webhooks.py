"""A webhook's HTTPS server in the test's process, on a port of its own, with a certificate authority of its own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.base.clock import RealClock
from wherry.distro.pki import Authority, Profile
from wherry.wire.listen import listen
from wherry.wire.messages import Request, Response
from wherry.wire.server import serve
from wherry.wire.tls import server_context

Answer = Object | Response | Awaitable[Object | Response]
Decide = Callable[[Object], Answer]
"""From a review's `request` to its `response` without the uid, or to a whole answer of HTTP."""
NAMES = ("localhost", "hook.default.svc")


class WebhookServer:
    """Answers reviews with `decide`; keeps what it was sent in `reviews`, and the targets of the requests in `targets`."""

    def __init__(self, port: int, ca: bytes, decide: Decide) -> None:
        self.port = port
        self.ca = b64encode(ca).decode()
        self.decide = decide
        self.reviews: list[Object] = []
        self.targets: list[str] = []

    @property
    def requests(self) -> list[Object]:
        return [review["request"] for review in self.reviews]

    def config(self, path: str = "/review") -> Object:
        """The `clientConfig` that leads here."""
        return {"url": f"https://localhost:{self.port}{path}", "caBundle": self.ca}

    async def handle(self, request: Request) -> Response:
        review = orjson.loads(request.body)
        self.reviews.append(review)
        self.targets.append(request.target)
        made = self.decide(review["request"])
        response = await made if isawaitable(made) else made
        if isinstance(response, Response):
            return response
        answer = {**review, "response": {"uid": review["request"]["uid"], **response}}
        del answer["request"]
        return Response(200, orjson.dumps(answer))


def allow(request: Object) -> Object:
    return {"allowed": True}


def patch(*operations: Object, **rest: Any) -> Object:
    """A `response` that changes the object."""
    text = b64encode(orjson.dumps(operations)).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": text, **rest}


@asynccontextmanager
async def webhook_server(
    directory: Path, decide: Decide = allow, *, names: Sequence[str] = NAMES
) -> AsyncIterator[WebhookServer]:
    """Serve until the block ends; the keys are kept in `directory` and used again."""
    authority = Authority(directory, clock=RealClock(), name="webhook-ca")
    ca = authority.ensure()
    profile = Profile(common_name="webhook", dns_names=tuple(names), addresses=("127.0.0.1",), server=True)
    pair = authority.issue("-".join(names), profile)
    sockets = listen(("127.0.0.1",), 0)
    hook = WebhookServer(sockets[0].getsockname()[1], ca, decide)
    http = await serve(hook.handle, sockets=sockets, tls=server_context(pair.certificate, pair.key), clock=RealClock())
    try:
        yield hook
    finally:
        await http.close(grace_seconds=0.2)
