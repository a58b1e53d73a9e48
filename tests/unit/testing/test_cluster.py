"""`wherry.testing.Cluster`, as a user's tests see it."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from wherry.api.errors import NotFound
from wherry.testing import AsyncCluster, Cluster
from wherry.testing.cluster.actions import ClockNotMovable
from wherry.testing.cluster.waiting import NotInTime


def deployment(name: str = "web", replicas: int = 2, **said: str) -> dict[str, Any]:
    labels = {"app": name}
    annotations = {f"wherry.dev/fake-{key.replace('_', '-')}": value for key, value in said.items()}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [{"name": "main", "image": "app:1"}]},
            },
        },
    }


@pytest.fixture(scope="module")
def base() -> Iterator[Cluster]:
    with Cluster(nodes=2, clock="stopped", seed=7) as cluster:
        cluster.apply(deployment())
        cluster.wait_for("deploy/web", "Available")
        yield cluster


@pytest.fixture
def cluster(base: Cluster) -> Iterator[Cluster]:
    twin = base.fork()
    yield twin
    twin.close()


def ask(cluster: Cluster, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    """As a program outside: over HTTPS, with the token."""
    request = urllib.request.Request(
        cluster.url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {cluster.token}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=str(cluster.ca))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_programs_outside_reach_it(cluster: Cluster) -> None:
    status, pods = ask(cluster, "/api/v1/namespaces/default/pods")
    assert status == 200
    assert {pod["status"]["phase"] for pod in pods["items"]} == {"Running"}


def test_a_client_certificate_makes_an_administrator(cluster: Cluster) -> None:
    context = ssl.create_default_context(cafile=str(cluster.ca))
    context.load_cert_chain(cluster.client_certificate, cluster.client_key)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{cluster.url}/api/v1/nodes", timeout=30) as answer:
        assert len(json.loads(answer.read())["items"]) == 2


def test_the_kubeconfig_says_the_same(cluster: Cluster) -> None:
    said = json.loads(cluster.kubeconfig.read_text())
    assert said["clusters"][0]["cluster"]["server"] == cluster.url
    assert cluster.kubeconfig.stat().st_mode & 0o077 == 0
    assert cluster.environment["KUBECONFIG"] == str(cluster.kubeconfig)


def test_forks_share_nothing_that_they_write(base: Cluster) -> None:
    with base.fork() as one, base.fork() as other:
        one.delete("deployment/web")
        one.wait_for("deployment/web", "deleted")
        other.patch("deploy/web", {"spec": {"replicas": 5}})
        other.wait_for("deploy/web", "{.status.readyReplicas}=5")
        assert len(base.list("pods", namespace="default")) == 2
        assert base.url != one.url != other.url


def test_a_fork_of_a_fork(cluster: Cluster) -> None:
    cluster.apply(deployment("db", 1))
    cluster.wait_for("deploy/db", "Available")
    with cluster.fork() as twin:
        assert twin.get("deploy/db")["status"]["readyReplicas"] == 1


def test_a_fork_shows_the_same_time_and_goes_its_own_way(cluster: Cluster) -> None:
    with cluster.fork() as twin:
        before = cluster.clock.now()
        assert twin.clock.now() == before
        assert twin.clock.advance("1h") == before + 3600
        assert cluster.clock.now() == before


def test_a_day_of_cron_jobs(cluster: Cluster) -> None:
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "app"}]}
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "hourly"},
        "spec": {
            "schedule": "0 * * * *",
            "successfulJobsHistoryLimit": 100,
            "jobTemplate": {"spec": {"template": {"spec": spec}}},
        },
    }
    cluster.apply(cron)
    cluster.clock.advance("6h")
    jobs = cluster.list("jobs")
    assert len(jobs) == 6
    assert all(job["status"]["succeeded"] == 1 for job in jobs)


def test_waiting_moves_a_stopped_clock(cluster: Cluster) -> None:
    before = cluster.clock.now()
    cluster.apply(deployment("slow", 1, start_delay="10m"))
    cluster.wait_for("deploy/slow", "Available", timeout="1h")
    assert 600 <= cluster.clock.now() - before < 700


def test_what_is_not_in_time_tells_what_was_seen(cluster: Cluster) -> None:
    cluster.apply(deployment("never", 1, ready_delay="never"))
    with pytest.raises(NotInTime, match=r"deploy/never: not Available after 60 s; its status is \{"):
        cluster.wait_for("deploy/never", "Available", timeout=60)
    with pytest.raises(NotInTime, match="it is not there"):
        cluster.wait_for("pod/nobody", timeout=1)


def test_waiting_for_a_function_of_the_object(cluster: Cluster) -> None:
    found = cluster.wait_for("deploy/web", lambda obj: obj["status"]["replicas"] == 2)
    assert found is not None
    assert found["metadata"]["name"] == "web"


def test_apply_takes_files_and_changes_what_they_say(cluster: Cluster, tmp_path: Any) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: one}\n")
    (tmp_path / "b.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: kube-public}\n")
    assert [obj["metadata"]["name"] for obj in cluster.apply(tmp_path)] == ["a", "b"]
    cluster.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {y: two}\n")
    assert cluster.get("configmap/a")["data"] == {"x": "one", "y": "two"}
    assert cluster.get("cm/b", namespace="kube-public")


def test_custom_resources_right_after_their_definition(cluster: Cluster) -> None:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "Thing", "plural": "things", "singular": "thing"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]},
    }
    cluster.apply([definition, {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}}])
    assert cluster.get("thing/one")["kind"] == "Thing"


def test_logs(cluster: Cluster) -> None:
    cluster.apply(deployment("talker", 1, log="hello"))
    cluster.wait_for("deploy/talker", "Available")
    [pod] = cluster.list("pods", label_selector="app=talker")
    assert cluster.logs(pod["metadata"]["name"]) == "hello\n"
    with pytest.raises(NotFound):
        cluster.logs("nobody")


def test_wrong_names(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="the cluster serves no resource 'unicorn'"):
        cluster.get("unicorn/x")
    with pytest.raises(ValueError, match="which one"):
        cluster.get("pod")
    with pytest.raises(ValueError, match="there is no node 'node-9'"):
        cluster.kill_node("node-9")
    with pytest.raises(ValueError, match="choose one of controllers, scheduler, nodes"):
        cluster.start("kitchen")


def test_pods_of_a_lost_node_move_after_the_toleration_time(cluster: Cluster) -> None:
    [one, two] = cluster.list("pods", namespace="default")
    assert {one["spec"]["nodeName"], two["spec"]["nodeName"]} == {"node-1", "node-2"}
    cluster.kill_node("node-1")
    cluster.clock.advance("5m")
    assert len([pod for pod in cluster.list("pods", namespace="default") if not ends(pod)]) == 2
    cluster.clock.advance("1m")
    alive = [pod for pod in cluster.list("pods", namespace="default") if not ends(pod)]
    assert [pod["spec"]["nodeName"] for pod in alive] == ["node-2", "node-2"]
    cluster.restore_node("node-1")
    cluster.clock.advance("1m")
    assert len(cluster.list("pods", namespace="default")) == 2


def ends(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def test_parts_die_and_come_back(cluster: Cluster) -> None:
    cluster.kill("controllers")
    cluster.apply(deployment("late", 1))
    cluster.clock.advance("1m")
    assert cluster.list("pods", label_selector="app=late") == []
    cluster.start("controllers")
    cluster.wait_for("deploy/late", "Available")


def test_calls_fail_as_often_as_they_are_told(cluster: Cluster) -> None:
    path, body = "/api/v1/namespaces/default/configmaps", {"metadata": {"generateName": "x-"}}
    with cluster.faults.fail(verb="create", resource="configmaps", times=2, code=503, message="no") as fault:
        answers = [ask(cluster, path, "POST", body)[0] for _ in range(3)]
        assert ask(cluster, path)[0] == 200
    assert (answers, fault.struck) == ([503, 503, 201], 2)


def test_lost_answers_are_done_all_the_same(cluster: Cluster) -> None:
    cluster.faults.lose_answers(verb="create")
    body = {"metadata": {"name": "done"}}
    status, answer = ask(cluster, "/api/v1/namespaces/default/configmaps", "POST", body)
    assert (status, answer["reason"]) == (504, "ServerTimeout")
    cluster.faults.clear()
    assert cluster.get("cm/done")


def test_chance_is_the_seeds(base: Cluster) -> None:
    def luck(seed: int) -> list[int]:
        with base.fork(seed=seed) as twin:
            twin.faults.fail(verb="list", probability=0.5)
            return [ask(twin, "/api/v1/namespaces/default/configmaps")[0] for _ in range(12)]

    first = luck(1)
    assert first == luck(1)
    assert set(first) == {200, 500}


def test_faults_of_the_clusters_own_parts_heal(cluster: Cluster) -> None:
    cluster.faults.fail(verb=("create", "update", "patch"), who="parts", probability=0.3)
    assert cluster.faults.drop_watches() > 5
    cluster.apply(deployment("tough", 4))
    cluster.wait_for("deploy/tough", "{.status.readyReplicas}=4", timeout="1h")


def test_a_real_clock_is_not_moved() -> None:
    with Cluster(clock="real", controllers="deployment", scheduler=False) as cluster:
        with pytest.raises(ClockNotMovable):
            cluster.clock.advance(1)
        assert len(cluster.list("nodes")) == 1


def test_a_ticking_cluster_works_by_itself_and_can_be_moved() -> None:
    with Cluster() as cluster:
        cluster.apply(deployment())
        cluster.wait_for("deploy/web", "Available")
        before = cluster.clock.now()
        assert cluster.clock.advance("1h") >= before + 3600


def test_nothing_is_left_behind() -> None:
    cluster = Cluster(clock="stopped")
    twin = cluster.fork()
    places = [cluster.kubeconfig.parent, twin.kubeconfig.parent]
    twin.close()
    cluster.close()
    cluster.close()
    assert not any(place.exists() for place in places)


async def test_the_asynchronous_face(base: Cluster) -> None:
    async with await AsyncCluster(cluster=base).fork() as cluster:
        await cluster.apply(deployment("async", 1))
        await cluster.wait_for("deploy/async", "Available")
        now = await cluster.advance("1h")
        assert now == cluster.sync.clock.now()
        await cluster.delete("deploy/async")
        assert await cluster.wait_for("deploy/async", "deleted") is None
        with pytest.raises(NotFound):
            await cluster.get("deploy/async")


def test_metrics_tell_what_pods_pretend_to_use(cluster: Cluster) -> None:
    cluster.apply(deployment("busy", cpu="250m", memory="64Mi"))
    cluster.wait_for("deploy/busy", "Available")
    cluster.clock.advance("20s")
    status, pods = ask(cluster, "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dbusy")
    assert status == 200
    assert [pod["containers"][0]["usage"] for pod in pods["items"]] == [{"cpu": "250m", "memory": "64Mi"}] * 2
    _, nodes = ask(cluster, "/apis/metrics.k8s.io/v1beta1/nodes")
    assert [node["metadata"]["name"] for node in nodes["items"]] == ["node-1", "node-2"]


def test_autoscalers_and_load_balancers_work_on_pods_that_pretend(cluster: Cluster) -> None:
    busy = deployment("busy", cpu="90m")
    busy["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m"}}
    cluster.apply(busy)
    target = {"type": "Utilization", "averageUtilization": 50}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"},
        "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    metadata = {"name": "busy"}
    cluster.apply(
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}
    )
    ports = [{"port": 80}]
    balanced = {"type": "LoadBalancer", "selector": {"app": "busy"}, "ports": ports}
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": balanced})
    cluster.clock.advance("5m")
    assert cluster.get("hpa/busy")["status"]["desiredReplicas"] == 5
    assert cluster.get("deploy/busy")["status"]["readyReplicas"] == 5
    assert cluster.get("svc/busy")["status"]["loadBalancer"]["ingress"][0]["ip"].startswith("10.130.0.")
