"""A started server on a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[Api]:
    async with in_process_server(clock=clock) as server:
        yield Api(server, clock)
