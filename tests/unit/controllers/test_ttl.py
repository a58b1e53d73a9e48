"""The annotation that tells kubelets how long secrets may be kept."""

from __future__ import annotations

import pytest

from wherry.controllers.ttl import ANNOTATION, next_step
from wherry.testing.controllers import ClusterFactory


async def test_every_node_is_told(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("ttl", nodes=("n1", "n2"))
    await cluster.client.patch("nodes", "n2", {"metadata": {"annotations": {ANNOTATION: "7"}}})
    await cluster.settle(1)
    found = (await cluster.client.list("nodes"))["items"]
    assert [node["metadata"]["annotations"][ANNOTATION] for node in found] == ["0", "0"]


@pytest.mark.parametrize(
    ("step", "nodes", "found"),
    [(0, 100, 0), (0, 101, 1), (1, 90, 1), (1, 89, 0), (0, 5000, 4), (4, 1800, 4), (4, 1799, 3), (4, 0, 0)],
)
def test_small_changes_change_nothing(step: int, nodes: int, found: int) -> None:
    assert next_step(step, nodes) == found
