"""Fixtures for controllers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from wherry.testing.controllers import Cluster, ClusterFactory, running


@pytest.fixture
async def cluster_of() -> AsyncIterator[ClusterFactory]:
    """`cluster = await cluster_of("deployment", "replicaset")`."""
    async with AsyncExitStack() as stack:

        async def start(*controllers: str, **options: Any) -> Cluster:
            return await stack.enter_async_context(running(*controllers, **options))

        yield start
