"""A service that answers reviews (and takes other things, such as audit events), and the kubeconfig that points an API server at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from wherry.api.types import Object
from wherry.client import kubeconfig
from wherry.wire.listen import listen
from wherry.wire.messages import Request, Response
from wherry.wire.server import serve


@dataclass
class ReviewService:
    """`asked` has every review that came, `received` all else; `status` makes the answer's status of a review's spec."""

    kubeconfig: Path
    status: Callable[[Object], Object]
    asked: list[Object] = field(default_factory=list)
    received: list[Object] = field(default_factory=list)

    def handle(self, request: Request) -> Response:
        body = orjson.loads(request.body)
        if "spec" not in body:
            self.received.append(body)
            return Response(200, b"{}")
        self.asked.append(body)
        return Response(200, orjson.dumps({**body, "status": self.status(body["spec"])}))


@asynccontextmanager
async def review_service(directory: Path, status: Callable[[Object], Object]) -> AsyncIterator[ReviewService]:
    """Serve until the block ends; the kubeconfig is written into the directory."""
    sockets = listen(("127.0.0.1",), 0)
    path = directory / "webhook.kubeconfig"
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/review"
    kubeconfig.save(path, kubeconfig.entry("webhook", server=url, ca=b""))
    service = ReviewService(path, status)
    server = await serve(service.handle, sockets=sockets)
    try:
        yield service
    finally:
        await server.close(grace_seconds=0.1)
