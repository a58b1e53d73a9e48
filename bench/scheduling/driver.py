"""Carrying out one workload against a cluster that the real command has started.

Pods are created by 32 workers over TLS, as fast as the API server takes them, while the scheduler binds them; time runs
from the first request until no measured pod is without a node. Nodes are objects only: nobody runs the pods.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.cluster import Cluster, cluster, cpu_seconds, processes
from bench.scheduling import objects
from bench.scheduling.objects import Object
from bench.scheduling.workloads import Make, Workload
from wherry.base.clock import RealClock
from wherry.client import kubeconfig
from wherry.client.client import Client
from wherry.client.http_transport import HttpTransport

WORKERS = 32
LIMIT_SECONDS = 180
_NAMESPACE = "bench"


async def _each(count: int, one: Callable[[int], object]) -> None:
    """Call `one` for every number, 32 at a time."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await one(number)  # type: ignore[misc]

    await asyncio.gather(*(work() for _ in range(WORKERS)))


class Driver:
    """One workload on one cluster."""

    def __init__(self, client: Client, workload: Workload) -> None:
        self._client = client
        self._workload = workload

    async def prepare(self, own_node: str) -> None:
        """The nodes, and the pods that are there before; the cluster's own node takes no part."""
        work = self._workload
        await self._client.patch("nodes", own_node, {"spec": {"unschedulable": True}})
        await self._client.create("namespaces", {"metadata": {"name": _NAMESPACE}})
        await self._until(self._may_have_pods)
        high = {"metadata": {"name": objects.HIGH}, "value": 1000}
        await self._client.create("priorityclasses.scheduling.k8s.io", high)
        await _each(work.nodes, lambda i: self._client.create("nodes", objects.node(f"node-{i}", work.zones, i)))
        await self._until(self._nodes_ready)
        if work.before:
            await self._create("before", work.before, work.make_before)
            if work.waits:
                await self._until(self._all_placed)
            else:
                await asyncio.sleep(2)

    async def measure(self) -> float:
        """Seconds."""
        work = self._workload
        churn = asyncio.ensure_future(self._churn()) if work.churn else None
        began = time.monotonic()
        try:
            await self._create("measured", work.pods, work.make)
            await self._until(self._measured_placed)
            return time.monotonic() - began
        finally:
            if churn is not None:
                churn.cancel()
                with suppress(asyncio.CancelledError):
                    await churn

    async def _create(self, prefix: str, count: int, make: Make) -> None:
        async def one(number: int) -> None:
            pod = make(f"{prefix}-{number}")
            pod["metadata"]["labels"]["group"] = prefix
            await self._client.create("pods", pod, namespace=_NAMESPACE)

        await _each(count, one)

    async def _until(self, done: Callable[[], object]) -> None:
        end = time.monotonic() + LIMIT_SECONDS
        while not await done():  # type: ignore[misc]
            if time.monotonic() > end:
                raise RuntimeError(f"{self._workload.name} did not end within {LIMIT_SECONDS} s")
            await asyncio.sleep(0.1)

    async def _may_have_pods(self) -> bool:
        """Whether the namespace's service account has been made."""
        found = await self._client.list("serviceaccounts", namespace=_NAMESPACE)
        return bool(found["items"])

    async def _nodes_ready(self) -> bool:
        found = await self._client.list("nodes")
        return not any(taint["key"].endswith("/not-ready") for each in found["items"] for taint in _taints(each))

    async def _all_placed(self) -> bool:
        """Whether every pod has a node that has to get one."""
        return await self._waiting("before") + await self._waiting("measured") == 0

    async def _measured_placed(self) -> bool:
        return await self._waiting("measured") == 0

    async def _waiting(self, group: str) -> int:
        """How many pods have no node, or 1 for any: looking through all of them would be a load of its own."""
        found = await self._client.list(
            "pods", namespace=_NAMESPACE, field_selector="spec.nodeName=", label_selector=f"group={group}", limit=1
        )
        return len(found["items"])

    async def _churn(self) -> None:
        """As scheduler_perf's churn in mode recreate: a node, a pod and a Service, one after the other."""
        service = {"metadata": {"name": "churn"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}
        while True:
            await self._client.create("nodes", objects.node("churn"))
            await self._client.create("pods", objects.large_cpu("churn"), namespace=_NAMESPACE)
            await self._client.create("services", service, namespace=_NAMESPACE)
            await asyncio.sleep(1)
            await self._client.delete("nodes", "churn")
            await self._client.delete("pods", "churn", namespace=_NAMESPACE, grace_period_seconds=0)
            await self._client.delete("services", "churn", namespace=_NAMESPACE)


def _taints(node: Object) -> Sequence[Object]:
    return (node.get("spec") or {}).get("taints") or ()


async def _run(one: Cluster, workload: Workload) -> tuple[float, float]:
    connection = kubeconfig.connection(kubeconfig.load([one.kubeconfig]))
    clock = RealClock()
    client = Client(HttpTransport.of(connection, clock=clock), clock=clock, user_agent="wherry-bench")
    driver = Driver(client, workload)
    try:
        await driver.prepare("bench-1")
        before = cpu_seconds(processes(one.pid()))
        seconds = await driver.measure()
        return seconds, cpu_seconds(processes(one.pid())) - before
    finally:
        await client.aclose()


def run(workload: Workload, *, options: Sequence[str] = ()) -> tuple[float, float]:
    """Pods per second, and the cluster's processor time per pod in milliseconds."""
    with cluster("--runtime", "fake", *options) as one:
        try:
            seconds, used = asyncio.run(_run(one, workload))
        except Exception as error:
            log = Path(one.home, "bench", "wherry.log").read_text()[-2000:]
            raise RuntimeError(f"{workload.name} failed: {error}\n{log}") from error
    return workload.pods / seconds, used / workload.pods * 1000
