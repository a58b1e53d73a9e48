"""When nodes are asked what they use: only while somebody wants to know.

The first question asks every node twice, a second apart, so that its answer is about now; from then on nodes are asked every
15 seconds, until nobody has wanted to know for five minutes. A cluster without autoscalers and `kubectl top` pays nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from wherry.api.types import Object
from wherry.apiserver.resourcemetrics.exposition import Name, Page, read
from wherry.apiserver.resourcemetrics.rates import Use, node_use, pod_uses
from wherry.base.clock import Clock
from wherry.base.log import Logger

RESOLUTION_SECONDS = 15.0
KEPT_SECONDS = 300.0
FIRST_WINDOW_SECONDS = 1.0
_PAGES_AT_ONCE = 50

Fetch = Callable[[Iterable[Object]], Awaitable[Mapping[str, str]]]
"""Asks nodes (the objects) for their pages; gives the text by the node's name, without those that did not answer."""


class Scraper:
    """A component. Without `run` every question that is older than the resolution asks the nodes again.

    `first_window` is 0 where the clock does not go by itself: then the first answer is about the time since each start.
    """

    def __init__(
        self,
        *,
        nodes: Callable[[], Iterable[Object]],
        fetch: Fetch,
        clock: Clock,
        first_window: float = FIRST_WINDOW_SECONDS,
        log: Logger | None = None,
    ) -> None:
        self._nodes = nodes
        self._fetch = fetch
        self._clock = clock
        self._first_window = first_window
        self._log = log or Logger("metrics")
        self._before: dict[str, Page] = {}
        self._latest: dict[str, Page] = {}
        self._node_of: dict[Name, str] = {}
        self._scraped_at = float("-inf")
        self._asked_at = float("-inf")
        self._wanted = asyncio.Event()
        self._scraping: asyncio.Task[None] | None = None

    async def fresh(self) -> None:
        """Return when the figures are of this minute."""
        self._asked_at = self._clock.monotonic()
        self._wanted.set()
        if self._asked_at - self._scraped_at > 1.5 * RESOLUTION_SECONDS:
            await self._once(self._first)

    async def run(self) -> None:
        try:
            while True:
                await self._wanted.wait()
                await self._clock.sleep(RESOLUTION_SECONDS)
                if self._clock.monotonic() - self._asked_at > KEPT_SECONDS:
                    self._wanted.clear()
                else:
                    await self._once(self._scrape)
        finally:
            if self._scraping is not None:
                self._scraping.cancel()

    async def _once(self, work: Callable[[], Awaitable[None]]) -> None:
        """Whoever comes while nodes are being asked waits for the same answers."""
        if self._scraping is None or self._scraping.done():
            self._scraping = asyncio.ensure_future(work())
        await asyncio.shield(self._scraping)

    async def _first(self) -> None:
        self._before, self._latest = {}, {}
        await self._scrape()
        if self._first_window:
            await self._clock.sleep(self._first_window)
            await self._scrape()

    async def _scrape(self) -> None:
        nodes = list(self._nodes())
        asked = {node["metadata"]["name"] for node in nodes}
        pages: dict[str, Page] = {}
        for number, (name, text) in enumerate((await self._fetch(nodes)).items()):
            pages[name] = read(text, self._clock.now())
            if number % _PAGES_AT_ONCE == _PAGES_AT_ONCE - 1:
                await asyncio.sleep(0)
        # A node that did not answer once is reckoned over a longer time when it does again.
        self._before = {name: page for name, page in {**self._before, **self._latest}.items() if name in asked}
        self._latest = pages
        self._node_of = {pod: name for name, page in pages.items() for pod in page.pods}
        self._scraped_at = self._clock.monotonic()

    def pods(self) -> list[Name]:
        return list(self._node_of)

    def pod(self, name: Name) -> dict[str, Use] | None:
        """What each container of a pod uses."""
        node = self._node_of.get(name)
        if node is None:
            return None
        before = self._before.get(node)
        return pod_uses(before.pods.get(name, {}) if before else {}, self._latest[node].pods[name])

    def node(self, name: str) -> Use | None:
        page = self._latest.get(name)
        if page is None:
            return None
        containers = [use for pod in page.pods for use in (self.pod(pod) or {}).values()]
        return node_use(self._before.get(name), page, containers)
