"""CronJobs: the schedule's language, and the loop against the real API server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wherry.controllers.cronjob.schedule import parse
from wherry.testing.controllers import Cluster, ClusterFactory

CRONJOBS, JOBS = "cronjobs.batch", "jobs.batch"


async def start(cluster_of: ClusterFactory, **spec: Any) -> Cluster:
    """The clock starts at midnight."""
    cluster = await cluster_of("cronjob", "job", "ttl-after-finished", "garbagecollector")
    pod = {"nodeName": "node-1", "restartPolicy": "Never", "containers": [{"name": "main", "image": "x"}]}
    body = {
        "metadata": {"name": "tick", "namespace": "default"},
        "spec": {"schedule": "*/10 * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}, **spec},
    }
    await cluster.client.create(CRONJOBS, body)
    await cluster.settle(1)
    return cluster


async def names(cluster: Cluster) -> list[str]:
    return sorted(job["metadata"]["name"] for job in await cluster.all(JOBS))


async def finish_all(cluster: Cluster, phase: str = "Succeeded") -> None:
    for pod in await cluster.pods():
        if pod["status"]["phase"] in ("Pending", "Running"):
            await cluster.kubelet.finish(pod, phase)
    await cluster.settle(1)


async def test_makes_a_job_at_each_time(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    assert await names(cluster) == []
    minutes = int(cluster.clock.now() // 60)
    await cluster.settle(600)
    assert await names(cluster) == [f"tick-{minutes + 10}"]
    (job,) = await cluster.all(JOBS)
    assert job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-01-01T00:10:00Z"
    status = (await cluster.get(CRONJOBS, "tick"))["status"]
    assert status["lastScheduleTime"] == "2026-01-01T00:10:00Z"
    assert [entry["name"] for entry in status["active"]] == [job["metadata"]["name"]]
    await finish_all(cluster)
    status = (await cluster.get(CRONJOBS, "tick"))["status"]
    assert "active" not in status
    assert status["lastSuccessfulTime"]
    told = await cluster.events("tick")
    assert ("SuccessfulCreate", f"Created job {job['metadata']['name']}") in told
    assert ("SawCompletedJob", f"Saw completed job: {job['metadata']['name']}, condition: Complete") in told


async def test_a_day_passes_in_a_moment_and_history_is_limited(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, schedule="0 * * * *")
    for _ in range(24):
        await cluster.settle(3600)
        await finish_all(cluster)
    assert len(await names(cluster)) == 3
    assert len([1 for reason, _ in await cluster.events("tick") if reason == "SuccessfulCreate"]) >= 1


@pytest.mark.parametrize(("policy", "jobs"), [("Allow", 3), ("Forbid", 1), ("Replace", 1)])
async def test_concurrency(cluster_of: ClusterFactory, policy: str, jobs: int) -> None:
    cluster = await start(cluster_of, concurrencyPolicy=policy)
    await cluster.settle(605)
    first = await names(cluster)
    await cluster.settle(1200)
    found = await names(cluster)
    assert len(found) == jobs
    assert (first[0] in found) is (policy != "Replace")


async def test_suspended_ones_wait_and_missed_times_count_once(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, suspend=True)
    await cluster.settle(3000)
    assert await names(cluster) == []
    await cluster.patch(CRONJOBS, "tick", {"spec": {"suspend": False}})
    await cluster.settle(1)
    assert await names(cluster) == [f"tick-{int(cluster.clock.now() // 600) * 10}"]


async def test_too_late_is_too_late(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, suspend=True, startingDeadlineSeconds=30)
    await cluster.settle(660)
    await cluster.patch(CRONJOBS, "tick", {"spec": {"suspend": False}})
    await cluster.settle(1)
    assert await names(cluster) == []


async def test_no_time_is_run_twice_over_restarts(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, successfulJobsHistoryLimit=100)
    cluster.faults.lose = lambda method, path: method == "POST" and path.endswith("/jobs")
    for _ in range(6):
        await cluster.settle(600)
        await cluster.restart()
        await cluster.settle(5)
        await finish_all(cluster)
    assert len(await names(cluster)) == 6


async def test_finished_jobs_go_after_their_time(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await cluster.settle(605)
    (name,) = await names(cluster)
    await cluster.patch(JOBS, name, {"spec": {"ttlSecondsAfterFinished": 100}})
    await finish_all(cluster)
    await cluster.settle(90)
    assert name in await names(cluster)
    await cluster.settle(20)
    assert name not in await names(cluster)


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("*/15 * * * *", "2026-01-01T00:00:00", "2026-01-01T00:15:00"),
        ("0 9-17/4 * * *", "2026-01-01T10:00:00", "2026-01-01T13:00:00"),
        ("30 4 1,15 * 5", "2026-01-03T00:00:00", "2026-01-09T04:30:00"),
        ("0 0 * * MON", "2026-01-01T00:00:00", "2026-01-05T00:00:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("5/20 * * * ?", "2026-01-01T00:30:00", "2026-01-01T00:45:00"),
        ("@hourly", "2026-01-01T00:00:01", "2026-01-01T01:00:00"),
        ("@weekly", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("0 0 1 jan *", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("@every 1h30m", "2026-01-01T00:00:00", "2026-01-01T01:30:00"),
    ],
)
def test_the_next_time(text: str, after: str, expected: str) -> None:
    at = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found = parse(text).next(at)
    assert found is not None
    assert datetime.fromtimestamp(found, UTC).replace(tzinfo=None).isoformat() == expected


def test_time_zones_and_changes_of_the_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    at = datetime(2026, 3, 28, 12, tzinfo=berlin).timestamp()
    skipped = parse("30 2 * * *", berlin).next(at)
    assert skipped is not None
    assert datetime.fromtimestamp(skipped, berlin).isoformat() == "2026-03-30T02:30:00+02:00"
    daily = parse("0 9 * * *", berlin).next(at)
    assert daily is not None
    assert datetime.fromtimestamp(daily, UTC).hour == 7


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "@never", "@every x"]
)
def test_bad_schedules_say_why(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_a_time_that_never_comes() -> None:
    assert parse("0 0 30 2 *").next(0) is None


async def test_a_job_made_by_hand_does_not_hold_back_the_next_one(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, concurrencyPolicy="Forbid")
    owner = (await cluster.get(CRONJOBS, "tick"))["metadata"]
    reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": owner["uid"], "controller": True}
    spec = (await cluster.get(CRONJOBS, "tick"))["spec"]["jobTemplate"]["spec"]
    body = {"metadata": {"name": "by-hand", "namespace": "default", "ownerReferences": [reference]}, "spec": spec}
    await cluster.client.create(JOBS, body)
    await cluster.settle(605)
    assert len(await names(cluster)) == 2
    told = await cluster.events("tick")
    assert ("UnexpectedJob", "Saw a job that the controller did not create or forgot: by-hand") in told
