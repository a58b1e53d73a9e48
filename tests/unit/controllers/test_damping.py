"""Large workloads gather changes; small ones never wait."""

from __future__ import annotations

from wherry.controllers.damping import LONGEST_SECONDS, pause
from wherry.testing.controllers import ClusterFactory, workload

RS = "replicasets.apps"


def test_small_workloads_never_wait_and_nobody_waits_long() -> None:
    assert pause(0) == pause(99) == 0.0
    assert 0 < pause(100) < pause(1000) < LONGEST_SECONDS
    assert pause(1_000_000) == LONGEST_SECONDS


async def test_a_large_set_is_looked_at_far_less_often_than_its_pods_change(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    await cluster.client.create(RS, workload("web", replicas=250))
    await cluster.settle(5)
    assert (await cluster.get(RS, "web"))["status"]["readyReplicas"] == 250
    assert cluster.manager.counters()["replicaset"].reconciles < 60, "250 pods were seen to come, and then to be ready"
