"""What a part asks of the API server, counted as client-go does. Source: k8s.io/component-base/metrics/prometheus/restclient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wherry.base.histogram import Histogram

_BOUNDS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class RequestCounts:
    """Requests to one server, `host` with its port. Clients of one process may share it."""

    __slots__ = ("_durations", "_host", "_requests")

    def __init__(self, host: str) -> None:
        self._host = host
        self._requests: dict[tuple[str, str], int] = {}
        self._durations: dict[str, Histogram] = {}

    def answered(self, method: str, status: int, seconds: float) -> None:
        self._count(method, str(status))
        durations = self._durations.get(method)
        if durations is None:
            durations = self._durations[method] = Histogram(_BOUNDS)
        durations.observe(seconds)

    def failed(self, method: str) -> None:
        """There was no answer."""
        self._count(method, "<error>")

    def _count(self, method: str, code: str) -> None:
        key = code, method
        self._requests[key] = self._requests.get(key, 0) + 1

    def lines(self) -> Iterator[str]:
        """For `/metrics`."""
        if self._requests:
            yield "# TYPE rest_client_requests_total counter"
        for (code, method), count in self._requests.items():
            yield f'rest_client_requests_total{{code="{code}",host="{self._host}",method="{method}"}} {count}'
        if self._durations:
            yield "# TYPE rest_client_request_duration_seconds histogram"
        for method, histogram in self._durations.items():
            labels = f'host="{self._host}",verb="{method}"'
            yield from histogram.lines("rest_client_request_duration_seconds", labels)
