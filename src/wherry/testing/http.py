"""Talking HTTP to an API server's handler without sockets: `answer = await api("POST", target, body)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.apiserver.app import ApiServer
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import User
from wherry.testing.apiserver import ADMIN
from wherry.wire.messages import Peer, Request, Response, StreamResponse


@dataclass
class Answer:
    status: int
    raw: bytes
    headers: dict[str, str]
    content_type: str

    @property
    def body(self) -> Any:
        return orjson.loads(self.raw)

    @property
    def message(self) -> str:
        return self.body["message"]

    @property
    def reason(self) -> str:
        return self.body.get("reason", "")


class Api:
    """`await api("POST", "/api/v1/namespaces", {...})`."""

    def __init__(self, server: ApiServer, clock: FakeClock) -> None:
        self.server = server
        self.clock = clock
        self.user: User | None = ADMIN

    async def reply(
        self,
        method: str,
        target: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        peer: Peer | None = None,
    ) -> Response | StreamResponse:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        request = Request.make(method, target, headers=headers, body=data, peer=peer)
        if self.user is not None:
            request.state["user"] = self.user
        reply = self.server.handle(request)
        if isawaitable(reply):
            reply = await reply
        if not isinstance(reply, Response | StreamResponse):
            raise AssertionError(reply)
        return reply

    async def __call__(
        self,
        method: str,
        target: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        peer: Peer | None = None,
    ) -> Answer:
        reply = await self.reply(method, target, body, headers, peer)
        if not isinstance(reply, Response):
            raise AssertionError(reply)
        raw = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
        return Answer(reply.status, raw, dict(reply.headers), reply.content_type)

    async def create(self, target: str, body: Object) -> Object:
        answer = await self("POST", target, body)
        if answer.status != 201:
            raise AssertionError(answer.raw)
        return answer.body

    async def patch(self, target: str, patch: Any, kind: str = "merge", **query: str) -> Answer:
        types = {"merge": "merge-patch+json", "json": "json-patch+json", "strategic": "strategic-merge-patch+json"}
        return await self("PATCH", target, patch, {"content-type": f"application/{types[kind]}"})
