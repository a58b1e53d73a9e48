"""What a client asks is counted by method and code, also where nobody answers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from wherry.api.errors import NotFound
from wherry.base.fake_clock import FakeClock
from wherry.client.client import Client
from wherry.client.in_process import InProcessTransport
from wherry.client.request_counts import RequestCounts
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.wire.messages import Response


class Gone(InProcessTransport):
    async def request(self, method: str, target: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
        raise ConnectionRefusedError("nobody there")


async def test_requests_are_counted() -> None:
    counts, clock = RequestCounts("127.0.0.1:6443"), FakeClock()
    async with in_process_server(clock=clock) as server:
        client = Client(InProcessTransport(server.handle, user=ADMIN), clock=clock, counts=counts)
        await client.list("nodes")
        with pytest.raises(NotFound):
            await client.get("nodes", "n1")
        gone = Client(Gone(server.handle), clock=clock, counts=counts)
        with pytest.raises(ConnectionRefusedError):
            await gone.get("nodes", "n1")
    lines = list(counts.lines())
    host = 'host="127.0.0.1:6443",method="GET"'
    for code, count in (("200", 1), ("404", 1), ("<error>", 1)):
        assert f'rest_client_requests_total{{code="{code}",{host}}} {count}' in lines
    assert 'rest_client_request_duration_seconds_count{host="127.0.0.1:6443",verb="GET"} 2' in lines
