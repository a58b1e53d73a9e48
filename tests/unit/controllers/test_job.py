"""Jobs against the real API server."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.controllers.job import indexes
from wherry.controllers.job.pods_of import FINALIZER
from wherry.testing.controllers import Cluster, ClusterFactory

JOBS = "jobs.batch"


async def start(cluster_of: ClusterFactory, *more: str, name: str = "work", **spec: Any) -> Cluster:
    cluster = await cluster_of("job", "garbagecollector", *more)
    await create(cluster, name, **spec)
    return cluster


async def create(cluster: Cluster, name: str = "work", **spec: Any) -> None:
    pod = {"nodeName": "node-1", "restartPolicy": "Never", "containers": [{"name": "main", "image": "x"}]}
    body = {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"template": {"spec": pod}, **spec},
    }
    await cluster.client.create(JOBS, body)
    await cluster.settle(1)


async def running(cluster: Cluster) -> list[Object]:
    return [p for p in await cluster.pods() if p["status"]["phase"] in ("Pending", "Running")]


async def finish(cluster: Cluster, phase: str = "Succeeded", count: int = 1, code: int = 1, **more: Any) -> None:
    for pod in (await running(cluster))[:count]:
        now = rfc3339(cluster.clock.now())
        terminated = {"exitCode": 0 if phase == "Succeeded" else code, "finishedAt": now, "startedAt": now}
        statuses = [
            {
                "name": "main",
                "state": {"terminated": terminated},
                "image": "x",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
            }
        ]
        await cluster.kubelet.finish(pod, phase, containerStatuses=statuses, **more)
    await cluster.settle(1)


async def status(cluster: Cluster, name: str = "work") -> Object:
    return (await cluster.get(JOBS, name))["status"]


def true(status_: Object) -> dict[str, str]:
    return {c["type"]: c["reason"] for c in status_.get("conditions", ()) if c["status"] == "True"}


async def test_runs_to_completion(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, completions=4, parallelism=2)
    assert (await status(cluster))["active"] == 2
    pods = await running(cluster)
    assert all(FINALIZER in pod["metadata"]["finalizers"] for pod in pods)
    assert pods[0]["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "work"
    for _ in range(4):
        assert len(await running(cluster)) <= 2
        await finish(cluster)
    found = await status(cluster)
    assert (found["succeeded"], found.get("active", 0), found["ready"], found["terminating"]) == (4, 0, 0, 0)
    assert true(found) == {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}
    assert found["completionTime"]
    assert found["uncountedTerminatedPods"] == {}
    assert not any(FINALIZER in (p["metadata"].get("finalizers") or ()) for p in await cluster.pods())
    assert (await cluster.events("work"))[-1] == ("Completed", "Job completed")


async def test_failures_back_off_and_reach_the_limit(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, backoffLimit=2)
    times = []
    for _ in range(3):
        while not await running(cluster):
            await cluster.settle(1)
        times.append(cluster.clock.monotonic())
        await finish(cluster, "Failed")
    await cluster.settle(100)
    found = await status(cluster)
    assert found["failed"] == 3
    assert true(found) == {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"}
    assert 9 <= times[1] - times[0] <= 13
    assert 19 <= times[2] - times[1] <= 23
    assert ("BackoffLimitExceeded", "Job has reached the specified backoff limit") in await cluster.events("work")


async def test_each_pod_counts_once_whatever_dies(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, completions=12, parallelism=4)
    lost = 0

    def lose(method: str, path: str) -> bool:
        nonlocal lost
        lost += method != "GET"
        return method != "GET" and lost % 3 == 0

    cluster.faults.lose = lose
    for i in range(200):
        if i % 4 == 0:
            await cluster.restart()
        await finish(cluster, count=1)
        if "Complete" in true(await status(cluster)):
            break
        await cluster.settle(3)
    cluster.faults.lose = lambda method, path: False
    await cluster.settle(60)
    found = await status(cluster)
    succeeded = [p for p in await cluster.pods() if p["status"]["phase"] == "Succeeded"]
    assert found["succeeded"] == 12
    assert len(succeeded) >= 12
    assert not any(FINALIZER in (p["metadata"].get("finalizers") or ()) for p in await cluster.pods())


async def test_indexed_jobs_give_every_index_a_pod(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, completions=3, parallelism=3, completionMode="Indexed")
    pods = {indexes.index_of(pod): pod for pod in await running(cluster)}
    assert set(pods) == {0, 1, 2}
    pod = pods[1]
    assert pod["metadata"]["name"].startswith("work-1-")
    assert pod["spec"]["hostname"] == "work-1"
    (variable,) = pod["spec"]["containers"][0]["env"]
    assert variable["name"] == "JOB_COMPLETION_INDEX"
    await cluster.kubelet.finish(pods[1], "Failed")
    await cluster.kubelet.finish(pods[0])
    await cluster.settle(15)
    assert (await status(cluster))["completedIndexes"] == "0"
    assert sorted(indexes.index_of(p) or 0 for p in await running(cluster)) == [1, 2]
    await finish(cluster, count=2)
    found = await status(cluster)
    assert (found["completedIndexes"], found["succeeded"], found["failed"]) == ("0-2", 3, 1)
    assert "Complete" in true(found)


async def test_failures_per_index(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, completions=2, parallelism=2, completionMode="Indexed", backoffLimitPerIndex=1)
    for _ in range(2):
        for pod in await running(cluster):
            await cluster.kubelet.finish(pod, "Failed" if indexes.index_of(pod) == 0 else "Succeeded")
        await cluster.settle(30)
    found = await status(cluster)
    assert (found["failedIndexes"], found["completedIndexes"]) == ("0", "1")
    assert true(found)["Failed"] == "FailedIndexes"


async def test_suspend_and_resume(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, suspend=True, parallelism=2, completions=2)
    assert await cluster.pods() == []
    assert "startTime" not in await status(cluster)
    assert true(await status(cluster)) == {"Suspended": "JobSuspended"}
    await cluster.patch(JOBS, "work", {"spec": {"suspend": False}})
    await cluster.settle(1)
    assert len(await running(cluster)) == 2
    await cluster.patch(JOBS, "work", {"spec": {"suspend": True}})
    await cluster.settle(1)
    assert await running(cluster) == []
    assert {("Suspended", "Job suspended"), ("Resumed", "Job resumed")} <= set(await cluster.events("work"))


async def test_active_deadline(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, activeDeadlineSeconds=60)
    await cluster.settle(50)
    assert len(await running(cluster)) == 1
    await cluster.settle(15)
    assert await running(cluster) == []
    assert true(await status(cluster))["Failed"] == "DeadlineExceeded"


async def test_pod_failure_policy(cluster_of: ClusterFactory) -> None:
    rules = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}},
    ]
    cluster = await start(cluster_of, backoffLimit=0, podFailurePolicy={"rules": rules})
    await finish(cluster, "Failed", conditions=[{"type": "DisruptionTarget", "status": "True"}])
    assert len(await running(cluster)) == 1, "a disruption does not count"
    (pod,) = await running(cluster)
    await finish(cluster, "Failed", code=42)
    found = await status(cluster)
    assert true(found)["Failed"] == "PodFailurePolicy"
    message = next(c["message"] for c in found["conditions"] if c["type"] == "Failed")
    name = f"default/{pod['metadata']['name']}"
    assert message == f"Container main for pod {name} failed with exit code 42 matching FailJob rule at index 1"


async def test_success_policy(cluster_of: ClusterFactory) -> None:
    cluster = await start(
        cluster_of,
        completions=3,
        parallelism=3,
        completionMode="Indexed",
        successPolicy={"rules": [{"succeededIndexes": "1", "succeededCount": 1}]},
    )
    leader = next(p for p in await running(cluster) if indexes.index_of(p) == 1)
    await cluster.kubelet.finish(leader)
    await cluster.settle(2)
    assert await running(cluster) == []
    assert true(await status(cluster))["Complete"] == "SuccessPolicy"


async def test_deleting_a_job_takes_its_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, parallelism=2)
    await cluster.client.delete(JOBS, "work", namespace="default", propagation_policy="Background")
    await cluster.settle(10)
    assert await cluster.pods() == []


async def test_at_rest_nothing_is_written(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, parallelism=2)
    await create(cluster, "done")
    pod = next(p for p in await running(cluster) if p["metadata"]["labels"]["job-name"] == "done")
    await cluster.kubelet.finish(pod)
    await cluster.settle(5)
    cluster.faults.seen.clear()
    await cluster.settle(3600)
    assert cluster.faults.seen == []


@pytest.mark.parametrize(
    ("found", "text"), [(set(), ""), ({3}, "3"), ({0, 1}, "0,1"), ({0, 1, 2, 5, 7, 8}, "0-2,5,7,8")]
)
def test_index_text(found: set[int], text: str) -> None:
    assert indexes.render(found) == text
    assert indexes.parse(text, 10) == found
    assert indexes.parse(text + ",x,99", 10) == found


async def test_an_index_keeps_count_of_its_failures_whoever_deletes_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, completions=1, parallelism=1, completionMode="Indexed", backoffLimitPerIndex=1)
    (first,) = await running(cluster)
    await finish(cluster, "Failed")
    assert (await status(cluster)).get("failed", 0) == 0, "counted when the next one carries the count on"
    await cluster.client.delete("pods", first["metadata"]["name"], namespace="default")
    await cluster.settle(15)
    (second,) = await running(cluster)
    assert second["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] == "1"
    assert (await status(cluster))["failed"] == 1
    assert not await cluster.exists("pods", first["metadata"]["name"])
    await finish(cluster, "Failed")
    found = await status(cluster)
    assert (found["failedIndexes"], found["failed"], true(found)["Failed"]) == ("0", 2, "FailedIndexes")
