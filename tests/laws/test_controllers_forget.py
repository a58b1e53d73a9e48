"""What is gone is forgotten: after workloads have come, failed and gone, no controller holds more than before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.api.types import Object
from wherry.controllers.daemonset import placement
from wherry.controllers.manager import CONTROLLERS
from wherry.testing.controllers import Cluster, running, workload

LEFT_OUT = {"csrsigning", "nodelifecycle"}
"""One needs an authority; the other one would find that the nodes are silent."""
BOUNDED = {"garbagecollector._absent"}
"""Holds the latest few hundred, whatever comes."""
KINDS = {
    "deployments.apps": "web",
    "replicasets.apps": "set",
    "statefulsets.apps": "db",
    "daemonsets.apps": "agent",
    "jobs.batch": "work",
    "cronjobs.batch": "tick",
    "poddisruptionbudgets.policy": "keep",
    "services": "svc",
}


def sizes(found: Any, path: str, seen: set[int]) -> Iterator[tuple[str, int]]:
    """Every container that a controller holds, and how much is in it."""
    if id(found) in seen:
        return
    seen.add(id(found))
    if isinstance(found, dict | set | list):
        yield path, len(found)
    elif type(found).__module__.startswith("wherry.controllers"):
        names = [*getattr(found, "__dict__", ()), *getattr(type(found), "__slots__", ())]
        for name in names:
            yield from sizes(getattr(found, name, None), f"{path}.{name}", seen)


def remembered(cluster: Cluster) -> dict[str, int]:
    seen: set[int] = set()
    return {
        path: size
        for name, found in cluster.manager._controllers.items()
        for path, size in sizes(found, name, seen)
    }  # fmt: skip


def body(kind: str, name: str) -> Object:
    made = workload(name, 2)
    pod = made["spec"]["template"]["spec"]
    if kind in ("jobs.batch", "cronjobs.batch"):
        job = {"template": {"spec": {**pod, "restartPolicy": "Never"}}, "parallelism": 2, "completions": 4}
        made["spec"] = job if kind == "jobs.batch" else {"schedule": "* * * * *", "jobTemplate": {"spec": job}}
    elif kind == "services":
        made["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    elif kind == "poddisruptionbudgets.policy":
        made["spec"] = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 1}
    elif kind == "daemonsets.apps":
        del made["spec"]["replicas"], pod["nodeName"]
    return made


async def churn(cluster: Cluster, number: int) -> None:
    for kind, name in KINDS.items():
        await cluster.client.create(kind, body(kind, f"{name}{number}"))
    await cluster.settle(70)
    for pod in (await cluster.pods())[::2]:
        await cluster.kubelet.finish(pod, "Failed")
    await cluster.settle(20)
    for kind, name in KINDS.items():
        await cluster.client.delete(kind, f"{name}{number}", namespace="default", propagation_policy="Background")
    await cluster.settle(120)


async def test_controllers_forget() -> None:
    names = [name for name in CONTROLLERS if name not in LEFT_OUT]
    async with running(*names) as cluster:
        cluster.kubelet.node = lambda pod: placement.node_of(pod) or "node-1"
        await churn(cluster, 0)
        before = remembered(cluster)
        for number in range(1, 4):
            await churn(cluster, number)
        assert await cluster.pods() == []
        await cluster.settle(700)
        after = remembered(cluster)
        grown = {path: (before.get(path, 0), size) for path, size in after.items() if size > before.get(path, 0)}
        assert not {path: pair for path, pair in grown.items() if path not in BOUNDED}
