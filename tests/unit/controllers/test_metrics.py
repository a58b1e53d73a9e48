"""What the controllers' queues tell of themselves."""

from __future__ import annotations

from wherry.testing.controllers import ClusterFactory, workload


async def test_queues_tell_their_work(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset")
    await cluster.client.create("replicasets.apps", workload("web"))
    await cluster.settle()
    lines = list(cluster.manager.metric_lines())
    values = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}
    assert values['workqueue_adds_total{name="replicaset"}'] >= 1
    assert values['workqueue_depth{name="replicaset"}'] == 0
    assert values['workqueue_work_duration_seconds_count{name="replicaset"}'] >= 1
    assert values['workqueue_queue_duration_seconds_bucket{name="replicaset",le="+Inf"}'] >= 1
    assert values['workqueue_unfinished_work_seconds{name="replicaset"}'] == 0
    assert "# TYPE workqueue_retries_total counter" in lines
