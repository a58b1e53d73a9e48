"""The scheduler against the real API server in the same process, on virtual time; and objects to schedule."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from wherry.api.types import Object
from wherry.apiserver.app import ApiServer
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.in_process import InProcessTransport
from wherry.client.informer import SharedInformers
from wherry.policy.user import AUTHENTICATED, User
from wherry.scheduler.scheduler import Scheduler
from wherry.testing.apiserver import client_of, in_process_server
from wherry.wire.messages import Reply, Request

SCHEDULER = User("system:kube-scheduler", (AUTHENTICATED,))


def node(
    name: str = "n",
    *,
    cpu: str = "4",
    memory: str = "8Gi",
    pods: int = 110,
    labels: Mapping[str, str] | None = None,
    taints: list[Object] | None = None,
    more: Mapping[str, str] | None = None,
    **spec: Any,
) -> Object:
    """A node; `more` are further allocatable resources."""
    allocatable = {"cpu": cpu, "memory": memory, "pods": str(pods), **(more or {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": {**spec, **({"taints": taints} if taints else {})},
        "status": {"allocatable": allocatable, "capacity": allocatable},
    }


def pod(
    name: str = "p",
    *,
    cpu: str = "",
    memory: str = "",
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
    node_name: str = "",
    requests: Mapping[str, str] | None = None,
    **spec: Any,
) -> Object:
    """A pod of one container; its uid is `namespace/name`, so that tests of plugins can name it."""
    asked = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value} | dict(requests or {})
    container: Object = {"name": "c", "image": "example.org/image:1"}
    if asked:
        container["resources"] = {"requests": asked}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": f"{namespace}/{name}", "labels": dict(labels or {})},
        "spec": {
            "containers": [container],
            **({"nodeName": node_name} if node_name else {}),
            **spec,
        },
    }


class TestScheduler:
    """A scheduler that runs, and an administrator's client to play the cluster around it."""

    __test__ = False

    def __init__(self, server: ApiServer, clock: FakeClock, **options: Any) -> None:
        self.clock = clock
        self.client: Client = client_of(server, clock=clock)
        self.refuse_bindings = 0
        """How many of the next bindings fail for lack of a connection."""
        self.own_client = Client(InProcessTransport(self._handle, user=SCHEDULER), clock=clock)
        self._server = server
        self.informers = SharedInformers(self.own_client)
        self.scheduler = Scheduler(
            client=self.own_client, informers=self.informers, clock=clock, **{"rng": random.Random(1), **options}
        )

    def _handle(self, request: Request) -> Reply | Awaitable[Reply]:
        if self.refuse_bindings and request.method == "POST" and request.path.endswith("/binding"):
            self.refuse_bindings -= 1
            raise ConnectionError("refused by the test")
        return self._server.handle(request)

    async def create(self, *objects: Object) -> None:
        """Create nodes, pods and other objects; let the scheduler act."""
        for obj in objects:
            metadata = {key: value for key, value in obj["metadata"].items() if key != "uid"}
            resource = _RESOURCES[obj["kind"]]
            await self.client.create(resource, {**obj, "metadata": metadata})
            if resource == "nodes":
                # A new node is not ready; the lifecycle controller would take the taint away.
                await self.client.patch("nodes", metadata["name"], {"spec": {"taints": obj["spec"].get("taints")}})
        await self.clock.settle()

    async def pod(self, name: str = "p") -> Object:
        return await self.client.get("pods", name, namespace="default")

    async def node_of(self, name: str = "p") -> str | None:
        """Where a pod has been put."""
        found: str | None = (await self.pod(name))["spec"].get("nodeName")
        return found

    async def condition(self, name: str = "p") -> Object:
        """PodScheduled of a pod."""
        conditions = (await self.pod(name))["status"].get("conditions") or ()
        return next((each for each in conditions if each["type"] == "PodScheduled"), {})

    async def events(self, reason: str) -> list[str]:
        found = (await self.client.list("events", namespace="default"))["items"]
        return [event["message"] for event in found if event["reason"] == reason]


_RESOURCES = {
    "Node": "nodes",
    "Pod": "pods",
    "Namespace": "namespaces",
    "Service": "services",
    "PriorityClass": "priorityclasses.scheduling.k8s.io",
    "PodDisruptionBudget": "poddisruptionbudgets.policy",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PersistentVolume": "persistentvolumes",
    "StorageClass": "storageclasses.storage.k8s.io",
    "ResourceClaim": "resourceclaims.resource.k8s.io",
    "ResourceClaimTemplate": "resourceclaimtemplates.resource.k8s.io",
    "ResourceSlice": "resourceslices.resource.k8s.io",
    "DeviceClass": "deviceclasses.resource.k8s.io",
    "CSINode": "csinodes.storage.k8s.io",
}


@asynccontextmanager
async def scheduling(*objects: Object, **options: Any) -> AsyncIterator[TestScheduler]:
    """A scheduler in a cluster of these objects; `options` go to `Scheduler`."""
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        cluster = TestScheduler(server, clock, **options)
        tasks = [asyncio.ensure_future(cluster.informers.run()), asyncio.ensure_future(cluster.scheduler.run())]
        try:
            await clock.settle()
            await cluster.create(*objects)
            yield cluster
        finally:
            await cancel_and_wait(*tasks)
            await cluster.own_client.aclose()
