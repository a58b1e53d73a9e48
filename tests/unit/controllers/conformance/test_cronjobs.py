"""CronJobs, as upstream's conformance titles drive them."""

from __future__ import annotations

from typing import Any

from wherry.testing.controllers import Cluster, ClusterFactory

CRONJOBS, JOBS = "cronjobs.batch", "jobs.batch"
MINUTE = 60.0


async def start(cluster_of: ClusterFactory, **spec: Any) -> Cluster:
    cluster = await cluster_of("cronjob", "job", "garbagecollector")
    pod = {"nodeName": "node-1", "restartPolicy": "OnFailure", "containers": [{"name": "main", "image": "x"}]}
    template = {"spec": {"template": {"spec": pod}}}
    metadata = {"name": "tick", "namespace": "default"}
    body = {"metadata": metadata, "spec": {"schedule": "*/1 * * * ?", "jobTemplate": template, **spec}}
    await cluster.client.create(CRONJOBS, body)
    await cluster.settle(1)
    return cluster


async def running(cluster: Cluster) -> list[str]:
    return [job["metadata"]["name"] for job in await cluster.all(JOBS) if (job.get("status") or {}).get("active")]


async def active(cluster: Cluster) -> list[str]:
    status = (await cluster.get(CRONJOBS, "tick")).get("status") or {}
    return [entry["name"] for entry in status.get("active") or ()]


async def test_several_run_side_by_side(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, concurrencyPolicy="Allow")
    await cluster.settle(2 * MINUTE)
    assert len(await running(cluster)) == 2
    assert await active(cluster) == await running(cluster)


async def test_suspended_ones_start_nothing(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, suspend=True)
    await cluster.settle(5 * MINUTE)
    assert await cluster.all(JOBS) == []
    await cluster.patch(CRONJOBS, "tick", {"spec": {"suspend": False}})
    await cluster.settle(MINUTE)
    assert len(await running(cluster)) >= 1


async def test_one_at_a_time_where_others_are_forbidden(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, concurrencyPolicy="Forbid")
    await cluster.settle(MINUTE)
    (first,) = await running(cluster)
    await cluster.settle(5 * MINUTE)
    assert await running(cluster) == await active(cluster) == [first]
    message = "Not starting job because prior execution is running and concurrency policy is Forbid"
    assert ("JobAlreadyActive", message) in await cluster.events("tick")


async def test_the_new_one_takes_the_place_of_the_old(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, concurrencyPolicy="Replace")
    await cluster.settle(MINUTE)
    (first,) = await running(cluster)
    await cluster.settle(MINUTE)
    (second,) = await running(cluster)
    assert second != first
    assert await active(cluster) == [second]
    assert ("SuccessfulDelete", f"Deleted job {first}") in await cluster.events("tick")


async def test_the_last_of_many_missed_times_runs_and_a_warning_tells(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, suspend=True)
    await cluster.settle(150 * MINUTE)
    await cluster.patch(CRONJOBS, "tick", {"spec": {"suspend": False}})
    await cluster.settle(1)
    assert len(await running(cluster)) == 1
    message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    assert ("TooManyMissedTimes", message) in await cluster.events("tick")
