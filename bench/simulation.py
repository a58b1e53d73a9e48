"""Simulated scale: forks of a cluster, and fake pods from Deployments to Running."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from typing import Any

from bench.cluster import Cluster, cluster
from bench.report import Row, at_most

_PODS, _DEPLOYMENTS, _NODES = 10_000, 10, 1000
_PATIENCE_SECONDS = 300.0


def measure(*, quick: bool, processes: str) -> Iterator[Row]:
    """Forks are made in this process, whatever `processes` says."""
    yield at_most("fork of a cluster with 1,000 objects", _fork(10 if quick else 30) * 1000, 20, "ms", note="median")
    pods = _PODS // 5 if quick else _PODS
    with cluster("--runtime", "fake", "--nodes", str(_NODES), "--memory", "--processes", processes) as one:
        rate = pods / asyncio.run(_run(one, pods))
    what = f"{pods:,} fake pods from Deployments to Running, {_NODES:,} nodes"
    yield Row(what, f"{rate:,.0f} pods/s", ">= 500 pods/s", rate >= 500)


def _fork(times: int) -> float:
    """The median of the seconds until a fork answers."""
    from wherry.testing import Cluster as TestCluster

    seconds = []
    with TestCluster(nodes=10) as base:
        base.apply([_config_map(number) for number in range(950)])
        base.apply(_deployment(0, 50))
        base.wait_for("deployment/d0", "Available")
        for _ in range(times):
            began = time.monotonic()
            twin = base.fork()
            seconds.append(time.monotonic() - began)
            twin.close()
    return statistics.median(seconds)


async def _run(one: Cluster, pods: int) -> float:
    """Seconds from the first request until every pod is ready."""
    from wherry.base.clock import RealClock
    from wherry.client import kubeconfig
    from wherry.client.client import Client
    from wherry.client.http_transport import HttpTransport

    clock = RealClock()
    connection = kubeconfig.connection(kubeconfig.load([one.kubeconfig]))
    client = Client(HttpTransport.of(connection, clock=clock), clock=clock)
    try:
        began = clock.monotonic()
        for number in range(_DEPLOYMENTS):
            await client.create("deployments.apps", _deployment(number, pods // _DEPLOYMENTS), namespace="default")
        while await _ready(client) < pods:
            if clock.monotonic() - began > _PATIENCE_SECONDS:
                raise RuntimeError(f"{await _ready(client)} of {pods} pods are ready after {_PATIENCE_SECONDS:.0f} s")
            await clock.sleep(0.1)
        return clock.monotonic() - began
    finally:
        await client.aclose()


async def _ready(client: Any) -> int:
    found = await client.list("deployments.apps", namespace="default")
    return sum(each["status"].get("readyReplicas", 0) for each in found["items"])


def _config_map(number: int) -> dict[str, Any]:
    metadata = {"name": f"c{number}", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": "x" * 200}}


def _deployment(number: int, replicas: int) -> dict[str, Any]:
    labels = {"app": f"d{number}"}
    resources = {"requests": {"cpu": "10m", "memory": "8Mi"}}
    container = {"name": "main", "image": "app:1", "resources": resources}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"d{number}", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
