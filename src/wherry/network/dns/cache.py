"""Responses of other servers, for as long as they may be kept."""

from __future__ import annotations

from collections.abc import Hashable

from wherry.base.clock import Clock
from wherry.network.dns.responses import Response

MOST = 10_000


class ResponseCache:
    """At most `most` responses; the oldest make room."""

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._kept: dict[Hashable, tuple[Response, float]] = {}

    def get(self, key: Hashable) -> tuple[Response, int] | None:
        """A response and its age in seconds."""
        found = self._kept.get(key)
        if found is None:
            return None
        response, since = found
        age = self._clock.monotonic() - since
        if age >= response.ttl:
            del self._kept[key]
            return None
        return response, int(age)

    def put(self, key: Hashable, response: Response) -> None:
        if response.ttl <= 0:
            return
        self._kept.pop(key, None)
        while len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (response, self._clock.monotonic())
