"""Whatever is asked, refused, lost or killed on the way: in the end the cluster is what was asked for, and stays so."""

from __future__ import annotations

import random

import pytest

from wherry.api.errors import Conflict, InternalError, NotFound, ServerTimeout
from wherry.testing.controllers import Cluster, running, workload

DEPLOYMENTS, SETS = "deployments.apps", "replicasets.apps"
CONTROLLERS = ("deployment", "replicaset", "garbagecollector", "endpointslice", "endpoints")


class History:
    """Random wishes, with random troubles, from one seed."""

    def __init__(self, cluster: Cluster, rng: random.Random) -> None:
        self.cluster = cluster
        self.rng = rng
        self.wanted: dict[str, tuple[int, str]] = {}

    def trouble(self) -> None:
        errors = (Conflict("busy"), InternalError("oops"), ServerTimeout("slow"), ConnectionRefusedError("down"))

        def refuse(method: str, path: str) -> Exception | None:
            return self.rng.choice(errors) if method != "GET" and self.rng.random() < 0.15 else None

        self.cluster.faults.refuse = refuse
        self.cluster.faults.lose = lambda method, path: method != "GET" and self.rng.random() < 0.1

    def calm(self) -> None:
        self.cluster.faults.refuse = lambda method, path: None
        self.cluster.faults.lose = lambda method, path: False

    async def step(self) -> None:
        name = f"app-{self.rng.randrange(3)}"
        action = self.rng.choice(["put", "scale", "image", "delete", "kill pod", "restart", "wait", "wait"])
        replicas, image = self.wanted.get(name, (self.rng.randrange(4), "app:1"))
        if action == "wait":
            await self.cluster.clock.advance(self.rng.random() * 5)
        elif action == "restart":
            await self.cluster.restart()
        elif action == "put" and name not in self.wanted:
            await self._put(name, replicas, image)
        elif name not in self.wanted:
            return
        elif action == "scale":
            replicas = self.rng.randrange(6)
            await self.cluster.patch(DEPLOYMENTS, name, {"spec": {"replicas": replicas}})
            self.wanted[name] = (replicas, image)
        elif action == "image":
            image = f"app:{self.rng.randrange(3)}"
            containers = [{"name": "main", "image": image}]
            patch = {"spec": {"template": {"spec": {"containers": containers}}}}
            await self.cluster.patch(DEPLOYMENTS, name, patch, type="strategic")
            self.wanted[name] = (replicas, image)
        elif action == "delete":
            await self.cluster.client.delete(
                DEPLOYMENTS, name, namespace="default", propagation_policy=self.rng.choice(["Background", "Foreground"])
            )
            del self.wanted[name]
        elif action == "kill pod":
            await self._kill_pod()

    async def _put(self, name: str, replicas: int, image: str) -> None:
        if await self.cluster.exists(DEPLOYMENTS, name):
            return  # still going, in the foreground
        await self.cluster.client.create(DEPLOYMENTS, workload(name, replicas, image))
        self.wanted[name] = (replicas, image)

    async def _kill_pod(self) -> None:
        if pods := await self.cluster.pods():
            try:
                await self.cluster.client.delete("pods", self.rng.choice(pods)["metadata"]["name"], namespace="default")
            except NotFound:
                return


@pytest.mark.parametrize("seed", range(5))
async def test_controllers_converge(seed: int) -> None:
    async with running(*CONTROLLERS) as cluster:
        for i in range(3):
            spec = {"selector": {"app": f"app-{i}"}, "ports": [{"port": 80}]}
            await cluster.client.create(
                "services", {"metadata": {"name": f"app-{i}", "namespace": "default"}, "spec": spec}
            )
        history = History(cluster, random.Random(seed))
        history.trouble()
        for _ in range(60):
            await history.step()
        history.calm()
        await cluster.settle(2000)
        await check(cluster, history.wanted)
        cluster.faults.seen.clear()
        await cluster.settle(3600)
        assert cluster.faults.seen == [], "at rest nothing is written"


async def check(cluster: Cluster, wanted: dict[str, tuple[int, str]]) -> None:
    assert {d["metadata"]["name"] for d in await cluster.all(DEPLOYMENTS)} == set(wanted)
    for i in range(3):
        name = f"app-{i}"
        replicas, image = wanted.get(name, (0, ""))
        pods = await cluster.pods(label_selector=f"app={name}")
        assert len(pods) == replicas
        assert all(pod["spec"]["containers"][0]["image"] == image for pod in pods)
        sets = await cluster.all(SETS, label_selector=f"app={name}")
        assert sum(rs["spec"]["replicas"] for rs in sets) == replicas
        assert bool(sets) == (name in wanted), "no replica set outlives its deployment"
        slices = await cluster.all(
            "endpointslices.discovery.k8s.io", label_selector=f"kubernetes.io/service-name={name}"
        )
        found = [e["targetRef"]["name"] for s in slices for e in s["endpoints"] or ()]
        assert sorted(found) == sorted(pod["metadata"]["name"] for pod in pods)
