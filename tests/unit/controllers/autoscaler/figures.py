"""The metrics APIs with what a test says, and a cluster in front of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.apiserver.aggregation.backend import InProcessApi
from wherry.base.fake_clock import FakeClock
from wherry.base.times import rfc3339
from wherry.machinery import selectors
from wherry.testing.controllers import Cluster, running, workload
from wherry.wire.messages import Request, Response

VERSIONS = {"metrics.k8s.io": "v1beta1", "custom.metrics.k8s.io": "v1beta2", "external.metrics.k8s.io": "v1beta1"}


class Figures:
    """`cpu`: what each pod uses, by its name or by default. `values`: custom and external metrics by the end of the path."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.default: str | None = "100m"
        self.cpu: dict[str, str | None] = {}
        self.containers: Sequence[str] = ("main",)
        self.window = "15s"
        self.values: dict[str, str] = {}
        self.per_pod: dict[str, str] = {}
        self.asked: list[str] = []
        self.pods: Any = list

    def apis(self) -> list[InProcessApi]:
        return [InProcessApi(group=group, version=v, handler=self.handle) for group, v in VERSIONS.items()]

    def handle(self, request: Request) -> Response:
        if not request.path.startswith("/apis/"):
            return Response(404)
        group, _, rest = request.path.removeprefix("/apis/").partition("/")
        path = rest.partition("/")[2]
        if not path:
            body: Object = {"kind": "APIResourceList", "resources": []}
            return Response(200, orjson.dumps(body))
        self.asked.append(request.target)
        found = self._pod_metrics(request.query()) if group == "metrics.k8s.io" else self._values(path)
        if found is None:
            return Response(404, orjson.dumps({"kind": "Status", "code": 404, "message": f"no metric {path}"}))
        return Response(200, orjson.dumps({"kind": "List", "items": found}))

    def _pod_metrics(self, query: Mapping[str, list[str]]) -> list[Object]:
        matches = selectors.parse(query.get("labelSelector", [""])[0]).matches
        return [
            self._pod(name, used)
            for pod in self.pods()
            if matches(pod["metadata"]["labels"])
            for name in (pod["metadata"]["name"],)
            if (used := self.cpu.get(name, self.default)) is not None
        ]

    def _pod(self, name: str, used: str) -> Object:
        usage = {"cpu": used, "memory": "64Mi"}
        return {
            "metadata": {"name": name, "namespace": "default"},
            "timestamp": rfc3339(self._clock.now()),
            "window": self.window,
            "containers": [{"name": each, "usage": usage} for each in self.containers],
        }

    def _values(self, path: str) -> list[Object] | None:
        if "/pods/*/" in path:
            return [
                {"describedObject": {"kind": "Pod", "name": name}, "value": value}
                for name, value in self.per_pod.items()
            ]
        return [{"value": self.values[path]}] if path in self.values else None


@asynccontextmanager
async def autoscaled(*, replicas: int = 2, request: str | None = "100m") -> AsyncIterator[tuple[Cluster, Figures]]:
    """A Deployment `web` whose pods ask for some CPU and have been running for ten minutes, and no autoscaler yet."""
    clock = FakeClock()
    figures = Figures(clock)
    names = ("horizontalpodautoscaling", "deployment", "replicaset")
    async with running(*names, clock=clock, aggregated=figures.apis()) as cluster:
        informer = cluster.kubelet.pods
        figures.pods = informer.items
        body = workload("web", replicas=replicas)
        if request:
            body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": request}}
        await cluster.client.create("deployments.apps", body)
        await cluster.settle(600)
        yield cluster, figures


def autoscaler(*metrics: Object, least: int = 1, most: int = 10, target: Object | None = None, **spec: Any) -> Object:
    reference = target or {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body: Object = {"scaleTargetRef": reference, "minReplicas": least, "maxReplicas": most, **spec}
    if metrics:
        body["metrics"] = list(metrics)
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": body}


def cpu(percent: int = 50) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


async def scale(cluster: Cluster, *metrics: Object, seconds: float = 16, **options: Any) -> Object:
    """Make an autoscaler and let it look once."""
    await cluster.client.create("horizontalpodautoscalers.autoscaling", autoscaler(*metrics, **options))
    await cluster.settle(seconds)
    return await seen(cluster)


async def seen(cluster: Cluster) -> Object:
    return await cluster.get("horizontalpodautoscalers.autoscaling", "web")


async def replicas(cluster: Cluster) -> int:
    found: int = (await cluster.get("deployments.apps", "web"))["spec"]["replicas"]
    return found


def condition(autoscaler: Object, kind: str) -> tuple[str, str, str]:
    found = next(each for each in autoscaler["status"]["conditions"] if each["type"] == kind)
    return found["status"], found["reason"], found["message"]
