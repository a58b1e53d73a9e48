"""A node over the fake runtime, for every test that asks for it."""

import pytest

from wherry.testing.nodes import test_node


@pytest.fixture
async def node(tmp_path):
    async with test_node(tmp_path) as running:
        yield running
