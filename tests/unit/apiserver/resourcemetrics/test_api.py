"""`metrics.k8s.io` over HTTP, in front of nodes that a test speaks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from wherry.api.types import Object
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.resourcemetrics.api import ResourceMetrics
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.policy.user import AUTHENTICATED, User
from wherry.store.memory import open_memory
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api

METRICS = "/apis/metrics.k8s.io/v1beta1"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


class Nodes:
    """Every container uses half a core; counts how often nodes are asked."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._began = clock.now()
        self.pods: list[str] = []
        self.silent: set[str] = set()
        self.asked = 0

    async def __call__(self, nodes: Iterable[Object]) -> dict[str, str]:
        self.asked += 1
        names = [node["metadata"]["name"] for node in nodes]
        return {name: self._page(name) for name in names if name not in self.silent}

    def _page(self, name: str) -> str:
        now = self._clock.now()
        used, stamp = 100 + (now - self._began) / 2, int(now * 1000)
        lines = [f"node_cpu_usage_seconds_total {used * 2} {stamp}", f"node_memory_working_set_bytes 2097152 {stamp}"]
        for pod in self.pods if name == "node-1" else ():
            for container in ("main", "side"):
                labels = f'{{container="{container}",namespace="default",pod="{pod}"}}'
                lines += [
                    f"container_cpu_usage_seconds_total{labels} {used} {stamp}",
                    f"container_memory_working_set_bytes{labels} 1048576 {stamp}",
                    f"container_start_time_seconds{labels} {self._began - 1000}",
                ]
        return "\n".join(lines)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Api, Nodes]]:
    clock, store = FakeClock(), open_memory()
    nodes = Nodes(clock)
    metrics = ResourceMetrics(store=store, fetch=nodes, clock=clock)
    config = ServerConfig(rbac=True)
    async with in_process_server(clock=clock, store=store, aggregated=[metrics.api], config=config) as server:
        tasks = [asyncio.ensure_future(each) for each in (server.run(), metrics.scraper.run())]
        api = Api(server, clock)
        for name in ("node-1", "node-2"):
            await api.create("/api/v1/nodes", {"metadata": {"name": name, "labels": {"zone": name[-1]}}})
        await clock.settle()
        yield api, nodes
        await cancel_and_wait(*tasks)
    await store.close()


async def pod(api: Api, nodes: Nodes, name: str, phase: str = "Running", **labels: str) -> None:
    containers = [{"name": "main", "image": "x"}, {"name": "side", "image": "x"}]
    body = {"metadata": {"name": name, "labels": labels}, "spec": {"nodeName": "node-1", "containers": containers}}
    await api.create("/api/v1/namespaces/default/pods", body)
    await api.patch(f"/api/v1/namespaces/default/pods/{name}/status", {"status": {"phase": phase}})
    nodes.pods.append(name)


async def ask(api: Api, path: str, **headers: str) -> Object:
    """The answer to the first question, which takes a second of the clock."""
    question = asyncio.ensure_future(api("GET", METRICS + path, headers=headers))
    await api.clock.settle()
    await api.clock.advance(1.0)
    answer = await question
    assert answer.status == 200, answer.raw
    body: Object = answer.body
    return body


async def test_a_pod_says_what_each_container_uses_now() -> None:
    async with serving() as (api, nodes):
        await pod(api, nodes, "web", app="web")
        found = await ask(api, "/namespaces/default/pods/web")
        # Over the second that was waited for, not the thousand since its start.
        assert found == {
            "kind": "PodMetrics",
            "apiVersion": "metrics.k8s.io/v1beta1",
            "metadata": {
                "name": "web",
                "namespace": "default",
                "creationTimestamp": found["timestamp"],
                "labels": {"app": "web"},
            },
            "timestamp": found["timestamp"],
            "window": "1s",
            "containers": [
                {"name": "main", "usage": {"cpu": "500m", "memory": "1Mi"}},
                {"name": "side", "usage": {"cpu": "500m", "memory": "1Mi"}},
            ],
        }


async def test_lists_by_namespace_and_labels_hold_running_pods() -> None:
    async with serving() as (api, nodes):
        for name, phase in (("b", "Running"), ("a", "Running"), ("done", "Succeeded")):
            await pod(api, nodes, name, phase, app=name)
        nodes.pods.append("gone")

        def names(body: Object) -> list[str]:
            return [item["metadata"]["name"] for item in body["items"]]

        assert names(await ask(api, "/pods")) == ["a", "b"]
        assert names(await ask(api, "/namespaces/default/pods?labelSelector=app%3Db")) == ["b"]
        assert names(await ask(api, "/pods?fieldSelector=metadata.name%3Da")) == ["a"]
        assert names(await ask(api, "/namespaces/other/pods")) == []
        nodes_found = await ask(api, "/nodes?labelSelector=zone%3D2")
        assert (nodes_found["kind"], names(nodes_found)) == ("NodeMetricsList", ["node-2"])
        assert nodes_found["items"][0]["usage"] == {"cpu": "1", "memory": "2Mi"}


async def test_tables_have_cpu_memory_and_window() -> None:
    async with serving() as (api, nodes):
        await pod(api, nodes, "web")
        table = await ask(api, "/namespaces/default/pods", **TABLE)
        assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
        assert table["rows"][0]["cells"] == ["web", "1", "2Mi", "1s"]
        assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_failures_are_told_as_metrics_server_does() -> None:
    async with serving() as (api, nodes):
        await ask(api, "/nodes")
        missing = await api("GET", f"{METRICS}/namespaces/default/pods/x")
        assert (missing.status, missing.message) == (404, 'pods "default/x" not found')
        await pod(api, nodes, "young", "Pending")
        young = await api("GET", f"{METRICS}/namespaces/default/pods/young")
        assert (young.status, young.message) == (404, 'podmetrics.metrics.k8s.io "default/young" not found')
        assert (await api("GET", f"{METRICS}/nodes/x")).message == 'nodes "x" not found'
        assert (await api("DELETE", f"{METRICS}/nodes/node-1")).status == 405
        assert (await api("GET", f"{METRICS}/pods?labelSelector=a%20b")).status == 400
        assert (await api("GET", f"{METRICS}/things")).status == 404


async def test_nodes_are_asked_only_while_somebody_wants_to_know() -> None:
    async with serving() as (api, nodes):
        await api.clock.advance(600)
        assert nodes.asked == 0
        await ask(api, "/nodes")
        assert nodes.asked == 2
        await asyncio.gather(*(api("GET", f"{METRICS}/nodes") for _ in range(5)))
        assert nodes.asked == 2
        await api.clock.advance(60)
        assert nodes.asked == 6
        answer = (await api("GET", f"{METRICS}/nodes/node-1")).body
        assert (answer["window"], answer["usage"]["cpu"]) == ("15s", "1")
        await api.clock.advance(1000)
        assert nodes.asked <= 27
        await ask(api, "/nodes")
        assert nodes.asked <= 29


async def test_a_node_that_is_silent_has_no_figures_until_it_speaks_again() -> None:
    async with serving() as (api, nodes):
        await pod(api, nodes, "web")
        await ask(api, "/nodes")
        nodes.silent.add("node-1")
        await api.clock.advance(15)
        listed = (await api("GET", f"{METRICS}/nodes")).body
        assert [item["metadata"]["name"] for item in listed["items"]] == ["node-2"]
        assert (await api("GET", f"{METRICS}/namespaces/default/pods/web")).status == 404
        nodes.silent.clear()
        await api.clock.advance(15)
        again = (await api("GET", f"{METRICS}/namespaces/default/pods/web")).body
        assert (again["window"], again["containers"][0]["usage"]["cpu"]) == ("29s", "500m")


async def test_discovery_the_api_service_and_who_may_read() -> None:
    async with serving() as (api, _):
        groups = (await api("GET", "/apis")).body["groups"]
        assert "metrics.k8s.io" in [group["name"] for group in groups]
        resources = (await api("GET", METRICS)).body["resources"]
        assert [(each["name"], each["kind"], each["namespaced"]) for each in resources] == [
            ("nodes", "NodeMetrics", False),
            ("pods", "PodMetrics", True),
        ]
        service = (await api("GET", "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io")).body
        assert service["status"]["conditions"][0]["status"] == "True"
        await ask(api, "/nodes")
        api.user = User("ann", (AUTHENTICATED,))
        assert (await api("GET", f"{METRICS}/nodes")).status == 403
        api.user = User("kubernetes-admin", ("system:masters", AUTHENTICATED))
        binding = {
            "metadata": {"name": "ann"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}],
        }
        await api.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        await api.clock.settle()
        api.user = User("ann", (AUTHENTICATED,))
        assert (await api("GET", f"{METRICS}/nodes")).status == 200
