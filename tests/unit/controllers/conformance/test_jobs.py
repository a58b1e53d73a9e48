"""Jobs, as upstream's conformance titles drive them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.controllers.job import indexes
from wherry.controllers.job.pods_of import FINALIZER
from wherry.testing.controllers import Cluster, ClusterFactory

JOBS = "jobs.batch"


async def start(cluster_of: ClusterFactory, *, restart: str = "Never", **spec: Any) -> Cluster:
    cluster = await cluster_of("job", "garbagecollector")
    pod = {"nodeName": "node-1", "restartPolicy": restart, "containers": [{"name": "main", "image": "x"}]}
    body = {"metadata": {"name": "work", "namespace": "default"}, "spec": {"template": {"spec": pod}, **spec}}
    await cluster.client.create(JOBS, body)
    await cluster.settle(1)
    return cluster


def indexed(completions: int, parallelism: int, **spec: Any) -> dict[str, Any]:
    return {"completionMode": "Indexed", "completions": completions, "parallelism": parallelism, **spec}


async def running(cluster: Cluster) -> list[Object]:
    pods = await cluster.pods()
    return [p for p in pods if p["status"]["phase"] == "Running" and not p["metadata"].get("deletionTimestamp")]


async def end(cluster: Cluster, pod: Object, code: int, **more: Any) -> None:
    now = rfc3339(cluster.clock.now())
    terminated = {"exitCode": code, "finishedAt": now, "startedAt": now}
    container = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    statuses = [{**container, "state": {"terminated": terminated}}]
    await cluster.kubelet.finish(pod, "Failed" if code else "Succeeded", containerStatuses=statuses, **more)


async def play(cluster: Cluster, failing: Iterable[int], code: int = 1) -> Object:
    """Let every pod end, those of some indexes with a failure, until the job is over."""
    for _ in range(40):
        for pod in await running(cluster):
            await end(cluster, pod, code if indexes.index_of(pod) in failing else 0)
        await cluster.settle(15)
        found = await status(cluster)
        if over(found):
            return found
    raise AssertionError(f"not over: {found}")


async def status(cluster: Cluster) -> Object:
    found: Object = (await cluster.get(JOBS, "work"))["status"]
    return found


def over(found: Object) -> dict[str, tuple[str, str]]:
    """The final conditions: reason and message by type."""
    true = {c["type"]: (c["reason"], c["message"]) for c in found.get("conditions", ()) if c["status"] == "True"}
    return {name: why for name, why in true.items() if name in ("Complete", "Failed")}


async def test_containers_that_fail_are_restarted_where_they_are(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, restart="OnFailure", completions=4, parallelism=2)
    container = {"name": "main", "image": "x", "imageID": "", "ready": True, "restartCount": 1}
    for _ in range(2):
        for pod in await running(cluster):
            patch = {"status": {"containerStatuses": [{**container, "state": {"running": {}}}]}}
            await cluster.patch("pods", pod["metadata"]["name"], patch, subresource="status")
        await cluster.settle(1)
        for pod in await running(cluster):
            await cluster.kubelet.finish(pod)
        await cluster.settle(1)
    found = await status(cluster)
    assert (found["succeeded"], found.get("failed", 0)) == (4, 0)
    assert over(found) == {"Complete": ("CompletionsReached", "Reached expected number of succeeded pods")}


async def test_orphans_come_back_and_strangers_are_let_go(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, parallelism=2, completions=2)
    first, second = await running(cluster)
    name = first["metadata"]["name"]
    await cluster.patch("pods", name, {"metadata": {"ownerReferences": None}})
    await cluster.settle(2)
    (owner,) = (await cluster.get("pods", name))["metadata"]["ownerReferences"]
    assert (owner["name"], owner["controller"]) == ("work", True)
    name = second["metadata"]["name"]
    await cluster.patch("pods", name, {"metadata": {"labels": None}})
    await cluster.settle(2)
    released = (await cluster.get("pods", name))["metadata"]
    assert not released.get("ownerReferences")
    assert FINALIZER not in (released.get("finalizers") or ())
    assert len([p for p in await running(cluster) if p["metadata"].get("ownerReferences")]) == 2


async def test_deleting_a_job_deletes_its_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, parallelism=2, completions=4)
    assert (await status(cluster))["active"] == 2
    await cluster.client.delete(JOBS, "work", namespace="default", propagation_policy="Foreground")
    await cluster.settle(10)
    assert (await cluster.all(JOBS), await cluster.pods()) == ([], [])


async def test_every_index_has_its_pod(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, **indexed(4, 2))
    seen: dict[int | None, Object] = {}
    while not over(await status(cluster)):
        for pod in await running(cluster):
            seen[indexes.index_of(pod)] = pod
            await end(cluster, pod, 0)
        await cluster.settle(1)
    assert sorted(filter(lambda i: i is not None, seen), key=str) == [0, 1, 2, 3]
    for index, pod in seen.items():
        assert pod["spec"]["hostname"] == f"work-{index}"
        assert pod["metadata"]["name"].startswith(f"work-{index}-")
        assert pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] == str(index)
        assert pod["spec"]["containers"][0]["env"] == [
            {
                "name": "JOB_COMPLETION_INDEX",
                "valueFrom": {
                    "fieldRef": {
                        "apiVersion": "v1",
                        "fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']",
                    }
                },
            }
        ]
    assert (await status(cluster))["completedIndexes"] == "0-3"


async def test_all_indexes_run_though_some_fail(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, **indexed(4, 2, backoffLimitPerIndex=1))
    found = await play(cluster, failing={1, 3})
    assert over(found) == {"Failed": ("FailedIndexes", "Job has failed indexes")}
    assert (found["failedIndexes"], found["completedIndexes"]) == ("1,3", "0,2")
    assert (found["failed"], found["succeeded"]) == (4, 2)


async def test_too_many_failed_indexes_end_the_job(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, **indexed(4, 1, backoffLimitPerIndex=0, maxFailedIndexes=0))
    found = await play(cluster, failing={0, 1, 2, 3})
    message = "Job has exceeded the specified maximal number of failed indexes"
    assert over(found) == {"Failed": ("MaxFailedIndexesExceeded", message)}
    assert (found["failedIndexes"], found.get("completedIndexes", ""), found["failed"]) == ("0", "", 1)


async def test_an_index_fails_at_once_where_the_policy_says_so(cluster_of: ClusterFactory) -> None:
    rules = [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}]
    policy = {"podFailurePolicy": {"rules": rules}}
    cluster = await start(cluster_of, **indexed(4, 2, backoffLimitPerIndex=1, **policy))
    found = await play(cluster, failing={0})
    assert over(found) == {"Failed": ("FailedIndexes", "Job has failed indexes")}
    assert (found["failedIndexes"], found["completedIndexes"]) == ("0", "1-3")
    assert (found["failed"], found["succeeded"]) == (1, 3)


async def test_disruptions_can_be_ignored(cluster_of: ClusterFactory) -> None:
    rules = [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]
    cluster = await start(cluster_of, **indexed(2, 2, backoffLimit=0, podFailurePolicy={"rules": rules}))
    for pod in await running(cluster):
        await end(cluster, pod, 137, conditions=[{"type": "DisruptionTarget", "status": "True"}])
    await cluster.settle(2)
    assert "FailureTarget" not in {c["type"] for c in (await status(cluster)).get("conditions", ())}
    found = await play(cluster, failing=())
    assert over(found).keys() == {"Complete"}
    assert found.get("failed", 0) == 0


async def test_an_exit_code_can_end_the_job(cluster_of: ClusterFactory) -> None:
    exit_codes = {"containerName": "main", "operator": "In", "values": [42]}
    rules = [{"action": "FailJob", "onExitCodes": exit_codes}]
    cluster = await start(cluster_of, parallelism=2, completions=4, backoffLimit=6, podFailurePolicy={"rules": rules})
    failing, other = await running(cluster)
    await end(cluster, failing, 42)
    await cluster.settle(3)
    found = await status(cluster)
    assert over(found)["Failed"][0] == "PodFailurePolicy"
    assert other["metadata"]["name"] not in {p["metadata"]["name"] for p in await running(cluster)}


async def ends_early(cluster: Cluster, ready: set[int], rule: int = 0) -> Object:
    """Only the pods of some indexes succeed; the others go on until the job is over."""
    for pod in await running(cluster):
        if indexes.index_of(pod) in ready:
            await end(cluster, pod, 0)
    await cluster.settle(3)
    found = await status(cluster)
    met = next(c for c in found["conditions"] if c["type"] == "SuccessCriteriaMet")
    assert (met["reason"], met["message"]) == ("SuccessPolicy", f"Matched rules at index {rule}")
    assert over(found).keys() == {"Complete"}
    assert [found.get(name, 0) for name in ("active", "ready", "terminating")] == [0, 0, 0]
    return found


async def test_success_of_all_indexes(cluster_of: ClusterFactory) -> None:
    policy = {"rules": [{"succeededIndexes": "0,1"}]}
    cluster = await start(cluster_of, **indexed(2, 2, successPolicy=policy))
    found = await ends_early(cluster, {0, 1})
    assert (found["completedIndexes"], found["succeeded"]) == ("0,1", 2)


async def test_success_of_some_indexes_is_enough(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, **indexed(5, 2, successPolicy={"rules": [{"succeededIndexes": "0"}]}))
    found = await ends_early(cluster, {0})
    assert (found["completedIndexes"], found["succeeded"]) == ("0", 1)


async def test_success_of_so_many_indexes_is_enough(cluster_of: ClusterFactory) -> None:
    rules = [{"succeededIndexes": "4", "succeededCount": 1}, {"succeededCount": 1}]
    cluster = await start(cluster_of, **indexed(5, 2, successPolicy={"rules": rules}))
    found = await ends_early(cluster, {1}, rule=1)
    assert (found["completedIndexes"], found["succeeded"]) == ("1", 1)


async def test_pods_of_an_orphaning_delete_can_be_deleted(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, parallelism=2, completions=2)
    await cluster.client.delete(JOBS, "work", namespace="default", propagation_policy="Orphan")
    await cluster.settle(5)
    pods = await cluster.pods()
    assert [pod["metadata"].get("finalizers") or [] for pod in pods] == [[], []]
    await cluster.client.delete_collection("pods", namespace="default")
    await cluster.settle(2)
    assert await cluster.pods() == []


async def test_a_job_is_over_when_the_last_pod_has_ended(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, **indexed(2, 2, successPolicy={"rules": [{"succeededCount": 1}]}))
    cluster.kubelet.removes = lambda pod: False
    pod, other = await running(cluster)
    await end(cluster, pod, 0)
    await cluster.settle(10)
    found = await status(cluster)
    assert over(found) == {}
    assert [found.get(name, 0) for name in ("active", "ready", "terminating")] == [0, 0, 1]
    await end(cluster, other, 143)
    await cluster.settle(2)
    found = await status(cluster)
    assert over(found).keys() == {"Complete"}
    assert found.get("failed", 0) == 0, "who was not needed any more has not failed"


async def test_when_a_job_fails_so_do_the_pods_that_still_run(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, parallelism=3, completions=3, backoffLimit=0)
    cluster.kubelet.removes = lambda pod: False
    first, *others = await running(cluster)
    await end(cluster, first, 1)
    await cluster.settle(2)
    found = await status(cluster)
    assert (found["failed"], found["terminating"], over(found)) == (3, 2, {})
    assert not any(FINALIZER in (p["metadata"].get("finalizers") or ()) for p in await cluster.pods())
    for pod in others:
        await end(cluster, pod, 143)
    await cluster.settle(2)
    found = await status(cluster)
    assert (found["failed"], over(found).keys()) == (3, {"Failed"})


async def test_a_pod_is_replaced_only_when_it_has_ended(cluster_of: ClusterFactory) -> None:
    """podReplacementPolicy Failed, KEP-3939."""
    cluster = await start(cluster_of, parallelism=1, completions=1, podReplacementPolicy="Failed")
    (pod,) = await running(cluster)
    cluster.kubelet.removes = lambda pod: False
    await cluster.client.delete("pods", pod["metadata"]["name"], namespace="default")
    await cluster.settle(20)
    found = await status(cluster)
    assert (len(await cluster.pods()), found["terminating"], found.get("active", 0)) == (1, 1, 0)
    await end(cluster, pod, 143)
    await cluster.settle(20)
    assert len(await running(cluster)) == 1
    assert (await status(cluster))["failed"] == 1


async def test_jobs_of_other_controllers_are_left_alone(cluster_of: ClusterFactory) -> None:
    """managedBy, KEP-4368."""
    cluster = await start(cluster_of, managedBy="example.com/other")
    await cluster.settle(60)
    assert await cluster.pods() == []
    assert not (await cluster.get(JOBS, "work")).get("status")
