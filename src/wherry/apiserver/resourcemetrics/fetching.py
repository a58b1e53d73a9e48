"""Asking the nodes' own servers, as metrics-server does: at their addresses, with the API server's certificate.

Nodes that only pretend share one server, and are asked all at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from ssl import SSLContext

import orjson

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.apiserver.streaming.node_location import NodeDial, origin_of
from wherry.base.log import Logger
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.errors import WireError

PATH = "/metrics/resource"
ALL_PATH = "/metrics/nodes"
FAKE = "wherry.dev/fake"
SCRAPE_SECONDS = 10.0
_TOGETHER = 32


class NodeFetch:
    """`tls` and `dial` as for the streams of pods."""

    def __init__(
        self, *, http: HttpClient, tls: SSLContext | None, dial: NodeDial | None = None, log: Logger | None = None
    ) -> None:
        self._http = http
        self._tls = tls
        self._dial = dial
        self._log = log or Logger("metrics")
        self._room = asyncio.Semaphore(_TOGETHER)

    async def __call__(self, nodes: Iterable[Object]) -> dict[str, str]:
        found: dict[str, str] = {}
        alone: list[tuple[str, Origin]] = []
        shared: dict[tuple[str, int], tuple[Origin, list[str]]] = {}
        for node in nodes:
            name = node["metadata"]["name"]
            try:
                origin = origin_of(node, tls=self._tls, dial=self._dial)
            except StatusError:
                continue  # it has not told its address yet
            if (node["metadata"].get("annotations") or {}).get(FAKE) == "true":
                shared.setdefault((origin.host, origin.port), (origin, []))[1].append(name)
            else:
                alone.append((name, origin))
        pages = [self._page(name, origin) for name, origin in alone]
        pages += [self._pages(origin, names) for origin, names in shared.values()]
        for each in await asyncio.gather(*pages):
            found |= each
        return found

    async def _page(self, name: str, origin: Origin) -> dict[str, str]:
        body = await self._get(name, origin, PATH)
        return {} if body is None else {name: body.decode(errors="replace")}

    async def _pages(self, origin: Origin, names: list[str]) -> dict[str, str]:
        body = await self._get(names[0], origin, ALL_PATH)
        if body is None:
            return {}
        pages: dict[str, str] = orjson.loads(body)
        return {name: pages[name] for name in names if name in pages}

    async def _get(self, node: str, origin: Origin, path: str) -> bytes | None:
        async with self._room:
            try:
                answer = await self._http.request(origin, "GET", path, timeout=SCRAPE_SECONDS)
            except WireError as error:
                self._log.warning("cannot ask a node what it uses", node=node, error=str(error))
                return None
        if answer.status != 200:
            self._log.warning("a node does not say what it uses", node=node, status=answer.status)
            return None
        return answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
