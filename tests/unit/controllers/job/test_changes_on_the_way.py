"""Jobs that are changed, suspended or disturbed while they run."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.controllers.job import indexes
from wherry.testing.controllers import Cluster, ClusterFactory

JOBS = "jobs.batch"


async def start(cluster_of: ClusterFactory, **spec: Any) -> Cluster:
    cluster = await cluster_of("job", "garbagecollector")
    pod = {"nodeName": "node-1", "restartPolicy": "Never", "containers": [{"name": "main", "image": "x"}]}
    body = {"metadata": {"name": "work", "namespace": "default"}, "spec": {"template": {"spec": pod}, **spec}}
    await cluster.client.create(JOBS, body)
    await cluster.settle(1)
    return cluster


async def change(cluster: Cluster, **spec: Any) -> None:
    await cluster.patch(JOBS, "work", {"spec": spec})
    await cluster.settle(1)


async def running(cluster: Cluster) -> list[Object]:
    pods = await cluster.pods()
    return [p for p in pods if p["status"]["phase"] == "Running" and not p["metadata"].get("deletionTimestamp")]


async def end(cluster: Cluster, pod: Object, code: int) -> None:
    now = rfc3339(cluster.clock.now())
    terminated = {"exitCode": code, "finishedAt": now, "startedAt": now}
    container = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    statuses = [{**container, "state": {"terminated": terminated}}]
    await cluster.kubelet.finish(pod, "Failed" if code else "Succeeded", containerStatuses=statuses)


async def status(cluster: Cluster) -> Object:
    found: Object = (await cluster.get(JOBS, "work"))["status"]
    return found


def true(found: Object) -> dict[str, str]:
    return {c["type"]: c["reason"] for c in found.get("conditions", ()) if c["status"] == "True"}


async def test_an_indexed_job_grows_and_shrinks(cluster_of: ClusterFactory) -> None:
    """Elastic indexed jobs, KEP-3715."""
    cluster = await start(cluster_of, completionMode="Indexed", completions=3, parallelism=3)
    await change(cluster, completions=5, parallelism=5)
    assert sorted(indexes.index_of(p) or 0 for p in await running(cluster)) == [0, 1, 2, 3, 4]
    await change(cluster, completions=2, parallelism=2)
    await cluster.settle(2)
    assert sorted(indexes.index_of(p) or 0 for p in await cluster.pods()) == [0, 1]
    for pod in await running(cluster):
        await end(cluster, pod, 0)
    await cluster.settle(2)
    found = await status(cluster)
    assert (found["completedIndexes"], found["succeeded"], "Complete" in true(found)) == ("0,1", 2, True)
    assert found.get("failed", 0) == 0, "pods of indexes that are no more count for nothing"


async def test_parallelism_changes_on_the_way(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, completions=10, parallelism=2)
    await change(cluster, parallelism=4)
    assert len(await running(cluster)) == 4
    await change(cluster, parallelism=1)
    await cluster.settle(2)
    assert len(await running(cluster)) == 1
    await change(cluster, parallelism=0)
    await cluster.settle(2)
    found = await status(cluster)
    assert (await running(cluster), true(found)) == ([], {})


async def test_the_deadline_counts_from_the_resumption(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, activeDeadlineSeconds=60)
    first = (await status(cluster))["startTime"]
    await cluster.settle(40)
    await change(cluster, suspend=True)
    await cluster.settle(600)
    assert true(await status(cluster)) == {"Suspended": "JobSuspended"}
    await change(cluster, suspend=False)
    found = await status(cluster)
    assert found["startTime"] > first
    assert [c["reason"] for c in found["conditions"] if c["type"] == "Suspended"] == ["JobResumed"]
    await cluster.settle(50)
    assert len(await running(cluster)) == 1
    await cluster.settle(20)
    assert true(await status(cluster))["Failed"] == "DeadlineExceeded"


async def test_exit_codes_that_are_not_among_some_fail_the_job(cluster_of: ClusterFactory) -> None:
    rules = [
        {"action": "Count", "onExitCodes": {"operator": "In", "values": [1]}},
        {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [2, 3]}},
    ]
    cluster = await start(cluster_of, backoffLimit=5, podFailurePolicy={"rules": rules})
    for code in (1, 2):
        (pod,) = await running(cluster)
        await end(cluster, pod, code)
        await cluster.settle(60)
    assert (await status(cluster))["failed"] == 2
    (pod,) = await running(cluster)
    await end(cluster, pod, 7)
    await cluster.settle(3)
    assert true(await status(cluster))["Failed"] == "PodFailurePolicy"


async def test_the_back_off_limit_of_an_indexed_job_is_of_all_its_indexes(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, completionMode="Indexed", completions=3, parallelism=3, backoffLimit=1)
    first, second, _ = await running(cluster)
    await end(cluster, first, 1)
    await end(cluster, second, 1)
    await cluster.settle(3)
    found = await status(cluster)
    assert true(found) == {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"}
    assert found["failed"] == 3, "the one that still ran too"


async def test_a_queue_is_done_when_one_worker_says_so_and_the_others_have_ended(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, parallelism=3)
    first, *others = await running(cluster)
    await end(cluster, first, 0)
    await cluster.settle(5)
    assert len(await running(cluster)) == 2, "nobody is started anew, nobody is stopped"
    for pod in others:
        await end(cluster, pod, 0)
    await cluster.settle(2)
    found = await status(cluster)
    assert (found["succeeded"], "Complete" in true(found)) == (3, True)


async def test_a_pod_that_is_deleted_is_a_failure_and_replaced_at_once(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, backoffLimit=3)
    (pod,) = await running(cluster)
    cluster.kubelet.removes = lambda pod: False
    await cluster.client.delete("pods", pod["metadata"]["name"], namespace="default")
    await cluster.settle(15)
    found = await status(cluster)
    assert (found["failed"], found["terminating"], found["active"]) == (1, 1, 1)
