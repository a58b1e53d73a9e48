"""`wherry.testing.AsyncCluster`: the same cluster for tests that are coroutines, on whatever event loop they run.

    async with AsyncCluster() as cluster:
        await cluster.apply("deployment.yaml")
        await cluster.wait_for("deployment/web", "Available")
        await cluster.advance("24h")

What does not wait (`url`, `kubeconfig`, `token`, `seed`, `environment`, `faults`, `clock.now()`) is at `cluster.sync`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any

from wherry.api.types import Object
from wherry.testing.cluster import actions
from wherry.testing.cluster.cluster import Cluster
from wherry.testing.cluster.home import home
from wherry.testing.cluster.objects import Found, Manifests
from wherry.testing.cluster.waiting import Condition, wait_for


class AsyncCluster:
    """Up when its block is entered. Options are those of `Cluster`; one that is there already may be given."""

    def __init__(self, *, cluster: Cluster | None = None, **options: Any) -> None:
        self._options = options
        self._given = cluster
        self._cluster: Cluster | None = cluster

    @property
    def sync(self) -> Cluster:
        """The cluster's other face. Raises `RuntimeError` before it is up."""
        if self._cluster is None:
            raise RuntimeError("use `async with AsyncCluster() as cluster:`")
        return self._cluster

    @property
    def url(self) -> str:
        return self.sync.url

    @property
    def kubeconfig(self) -> Path:
        return self.sync.kubeconfig

    async def get(self, what: str, name: str = "", *, namespace: str | None = None) -> Object:
        return await home().run_async(self.sync._objects.get(what, name, namespace))

    async def list(
        self, what: str, *, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> Found:
        return await home().run_async(self.sync._objects.list(what, namespace, label_selector, field_selector))

    async def apply(self, manifests: Manifests, *, namespace: str | None = None) -> Found:
        return await home().run_async(self.sync._objects.apply(manifests, namespace))

    async def patch(
        self, what: str, patch: Any, *, namespace: str | None = None, type: str = "merge", subresource: str = ""
    ) -> Object:
        return await home().run_async(self.sync._objects.patch(what, "", patch, namespace, type, subresource))

    async def delete(
        self, what: str, name: str = "", *, namespace: str | None = None, grace: int | None = None
    ) -> None:
        await home().run_async(self.sync._objects.delete(what, name, namespace, grace))

    async def wait_for(
        self, what: str, condition: Condition = "exists", *, namespace: str | None = None, timeout: float | str = 30
    ) -> Object | None:
        plane, seconds = self.sync._plane, actions.seconds_of(timeout)
        work = wait_for(plane, self.sync._objects, what, condition, namespace=namespace, timeout=seconds)
        return await home().run_async(work)

    async def logs(self, pod: str, *, container: str = "", namespace: str | None = None) -> str:
        return await home().run_async(self.sync._objects.logs(pod, container, namespace))

    async def kubectl(self, *arguments: str, input: str = "", check: bool = True) -> str:
        return await asyncio.to_thread(self.sync.kubectl, *arguments, input=input, check=check)

    async def advance(self, span: float | str) -> float:
        """Move the clock ahead; gives what it shows then."""
        return await home().run_async(actions.advance(self.sync._plane, span))

    async def settle(self) -> None:
        await home().run_async(actions.settle(self.sync._plane))

    async def kill_node(self, name: str) -> None:
        await home().run_async(actions.node_down(self.sync._plane, name, True))

    async def partition_node(self, name: str) -> None:
        await home().run_async(actions.node_down(self.sync._plane, name, False))

    async def restore_node(self, name: str) -> None:
        await home().run_async(self.sync._plane.node_up(name))

    async def kill(self, part: str) -> None:
        await home().run_async(self.sync._plane.kill(part))

    async def start(self, part: str) -> None:
        await home().run_async(actions.start_part(self.sync._plane, part))

    async def fork(self, *, seed: int | None = None) -> AsyncCluster:
        """Close it, too."""
        return AsyncCluster(cluster=await asyncio.to_thread(self.sync.fork, seed=seed))

    async def close(self) -> None:
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.close)

    async def __aenter__(self) -> AsyncCluster:
        if self._cluster is None:
            self._cluster = await asyncio.to_thread(lambda: Cluster(**self._options))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
