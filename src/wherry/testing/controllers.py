"""Controllers against the real API server in the same process, on virtual time, with a kubelet that only pretends.

Smaller and quicker than a whole cluster: no scheduler, no node, no network.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Any, Protocol

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.base.times import rfc3339
from wherry.client.client import Client
from wherry.client.in_process import InProcessTransport
from wherry.client.informer import SharedInformers
from wherry.controllers.context import Config
from wherry.controllers.manager import ControllerManager
from wherry.testing.apiserver import ADMIN, client_of, in_process_server
from wherry.wire.messages import Handler, Reply, Request

_LOG = Logger("testing")


class ClusterFactory(Protocol):
    """Starts clusters with these controllers, for as long as the test runs."""

    async def __call__(
        self, *controllers: str, config: Config = ..., nodes: Collection[str] = ..., **options: Any
    ) -> Cluster: ...


class Kubelet:
    """Puts every pod on a node, runs it and makes it ready at once, unless a test says otherwise; removes deleted ones."""

    def __init__(self, client: Client, clock: FakeClock, informers: SharedInformers) -> None:
        self._client = client
        self._clock = clock
        self.pods = informers.informer("pods")
        self.pods.add_handler(self._seen, lambda old, new: self._seen(new))
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self.ready: Callable[[Object], bool] = lambda pod: True
        self.runs: Callable[[Object], bool] = lambda pod: True
        self.removes: Callable[[Object], bool] = lambda pod: True
        self.node: Callable[[Object], str] = lambda pod: "node-1"

    def _seen(self, pod: Object) -> None:
        task = asyncio.ensure_future(self._act(pod))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("the kubelet that pretends failed", error=repr(error))

    def look_again(self) -> None:
        """The answers of `ready`, `runs` or `removes` have changed."""
        for pod in self.pods.items():
            self._seen(pod)

    async def _act(self, pod: Object) -> None:
        metadata = pod["metadata"]
        try:
            if metadata.get("deletionTimestamp"):
                if self.removes(pod):
                    if metadata.get("finalizers") and pod["status"].get("phase") == "Running":
                        await self.finish(pod, "Failed")  # its containers were killed
                    await self._client.delete(
                        "pods", metadata["name"], namespace=metadata["namespace"], grace_period_seconds=0
                    )
            elif not pod["spec"].get("nodeName"):
                binding = {
                    "apiVersion": "v1",
                    "kind": "Binding",
                    "metadata": {"name": metadata["name"]},
                    "target": {"apiVersion": "v1", "kind": "Node", "name": self.node(pod)},
                }
                try:
                    await self._client.create(
                        "pods", binding, namespace=metadata["namespace"], name=metadata["name"], subresource="binding"
                    )
                except NotFound:
                    await self._run(pod)
            elif pod["status"].get("phase") in ("Pending", "Running"):
                await self._run(pod)
        except NotFound:
            return

    async def _run(self, pod: Object) -> None:
        if not self.runs(pod):
            return
        ready = "True" if self.ready(pod) else "False"
        now = rfc3339(self._clock.now())
        current = {c["type"]: c for c in pod["status"].get("conditions") or ()}.get("Ready", {})
        if pod["status"].get("phase") == "Running" and current.get("status") == ready:
            return
        self._count += 1
        address = pod["status"].get("podIP") or f"10.0.{self._count // 250}.{self._count % 250 + 1}"
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now,
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": now}],
        }
        metadata = pod["metadata"]
        await self._client.patch(
            "pods", metadata["name"], {"status": status}, namespace=metadata["namespace"], subresource="status"
        )

    async def finish(self, pod: Object, phase: str = "Succeeded", **more: Any) -> None:
        """Let a pod end."""
        metadata = pod["metadata"]
        status = {"phase": phase, "conditions": [], **more}
        await self._client.patch(
            "pods", metadata["name"], {"status": status}, namespace=metadata["namespace"], subresource="status"
        )

    async def stop(self) -> None:
        await cancel_and_wait(*self._tasks)


class Faults:
    """Stands between the controllers and the API server, and refuses or loses what a test wants refused or lost."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.refuse: Callable[[str, str], Exception | None] = lambda method, path: None
        """Told method and path; the error that it gives is the answer, and the server never hears of the request."""
        self.lose: Callable[[str, str], bool] = lambda method, path: False
        """Whether the server does what is asked, but its answer gets lost."""
        self.seen: list[tuple[str, str]] = []
        """Every write that came by."""

    async def handle(self, request: Request) -> Reply:
        if request.method != "GET":
            self.seen.append((request.method, request.path))
        if (error := self.refuse(request.method, request.path)) is not None:
            raise error
        reply = self._handler(request)
        answer = await reply if isawaitable(reply) else reply
        if self.lose(request.method, request.path):
            raise ConnectionResetError("the answer was lost")
        return answer


class Cluster:
    """An API server, controllers and a kubelet under one clock."""

    def __init__(
        self,
        *,
        client: Client,
        clock: FakeClock,
        kubelet: Kubelet,
        faults: Faults,
        make: Callable[[], ControllerManager],
    ) -> None:
        self.client = client
        self.clock = clock
        self.kubelet = kubelet
        self.faults = faults
        self._make = make
        self.manager = make()
        self._task = asyncio.ensure_future(self.manager.run())

    async def restart(self) -> None:
        """Kill the controllers at this very moment, and start them again with nothing that they knew."""
        await self.stop()
        self.manager = self._make()
        self._task = asyncio.ensure_future(self.manager.run())

    async def stop(self) -> None:
        await cancel_and_wait(self._task)

    async def settle(self, seconds: float = 0.0) -> None:
        """Let everything happen that happens within some virtual seconds (or at once)."""
        for _ in range(6):
            await self.clock.settle()
        await self.clock.advance(seconds)
        for _ in range(6):
            await self.clock.settle()

    async def all(self, resource: str, namespace: str | None = "default", label_selector: str = "") -> list[Object]:
        return (await self.client.list(resource, namespace=namespace, label_selector=label_selector))["items"]

    async def pods(self, label_selector: str = "") -> list[Object]:
        return await self.all("pods", label_selector=label_selector)

    async def get(self, resource: str, name: str, namespace: str = "default") -> Object:
        return await self.client.get(resource, name, namespace=namespace)

    async def exists(self, resource: str, name: str, namespace: str = "default") -> bool:
        try:
            await self.get(resource, name, namespace)
        except NotFound:
            return False
        return True

    async def patch(self, resource: str, name: str, patch: Object, **more: Any) -> Object:
        return await self.client.patch(resource, name, patch, namespace="default", **more)

    async def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) of the events about objects of a name, oldest first."""
        found = [e for e in await self.all("events") if e["involvedObject"]["name"] == name]
        found.sort(key=lambda e: int(e["metadata"]["resourceVersion"]))
        return [(e["reason"], e["message"]) for e in found]


@asynccontextmanager
async def running(
    *controllers: str,
    config: Config | None = None,
    nodes: Collection[str] = ("node-1",),
    clock: FakeClock | None = None,
    **options: Any,
) -> AsyncIterator[Cluster]:
    """A cluster with these controllers; `options` go to the API server."""
    clock = clock or FakeClock()
    async with in_process_server(clock=clock, **options) as server:
        client = client_of(server, clock=clock)
        faults = Faults(server.handle)
        theirs = Client(InProcessTransport(faults.handle, user=ADMIN), clock=clock, user_agent="controllers")
        for name in nodes:
            await client.create("nodes", {"metadata": {"name": name}})
            await client.patch("nodes", name, {"spec": {"taints": None}})
        informers = SharedInformers(client)
        kubelet = Kubelet(client, clock, informers)
        task = asyncio.ensure_future(informers.run())
        cluster = Cluster(
            client=client,
            clock=clock,
            kubelet=kubelet,
            faults=faults,
            make=lambda: ControllerManager(theirs, clock, config or Config(), enabled=controllers),
        )
        try:
            await cluster.settle()
            await cluster.manager.wait_synced()
            await cluster.settle()
            yield cluster
        finally:
            await cluster.stop()
            await cancel_and_wait(task)
            await kubelet.stop()


def template(labels: dict[str, str], image: str = "app:1") -> Object:
    return {
        "metadata": {"labels": labels},
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": image}]},
    }


def workload(name: str, replicas: int = 3, image: str = "app:1", **spec: Any) -> Object:
    """A Deployment's or ReplicaSet's body; the resource says which."""
    labels = {"app": name}
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template(labels, image),
            **spec,
        },
    }
