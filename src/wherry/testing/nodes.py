"""A whole node in the test's process: a real agent over the fake runtime and network, on the API server in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.apiserver.app import ApiServer
from wherry.base.fake_clock import FakeClock
from wherry.client.client import Client
from wherry.node.agent import NodeAgent
from wherry.node.config import NodeConfig
from wherry.node.runtimes.fake.behaviour import Behave, Behaviour
from wherry.node.runtimes.fake.images import FakeImages
from wherry.node.runtimes.fake.machine import FakeMachine
from wherry.node.runtimes.fake.runtime import FakeRuntime
from wherry.node.runtimes.port import Container, ContainerState
from wherry.testing.apiserver import client_of, in_process_server
from wherry.testing.pod_network import FakePodNetwork


class TestNode:
    """One node, its agent, and everything that a test may want to look at or change.

    `behaviours` are by container name. `restart` plays the death of the agent: the machine and the network stay.
    """

    __test__ = False

    def __init__(self, server: ApiServer, clock: FakeClock, root: Path, **options: Any) -> None:
        self.clock = clock
        self.client: Client = client_of(server, clock=clock)
        self.network = FakePodNetwork()
        self.images = FakeImages()
        self.machine = FakeMachine(clock)
        self.behaviours: dict[str, Behaviour] = {}
        self.config = NodeConfig(name="node-1", root=root, **{"capacity": {"cpu": "4", "memory": "8Gi"}, **options})
        self._server = server
        self._task: asyncio.Task[None] | None = None
        self.agent: NodeAgent

    def _behave(self, container: Container) -> Behaviour:
        return self.behaviours.get(container.name, Behaviour())

    async def start(self) -> None:
        behave: Behave = self._behave
        self.runtime = FakeRuntime(clock=self.clock, behave=behave, images=self.images, machine=self.machine)
        self.agent = NodeAgent(
            client=client_of(self._server, clock=self.clock),
            runtime=self.runtime,
            network=self.network,
            clock=self.clock,
            config=self.config,
        )
        await self.start_again()

    async def start_again(self) -> None:
        """Run the agent that was stopped."""
        self._task = asyncio.ensure_future(self.agent.run())
        await self.clock.settle()
        while not self.agent.ready.is_set() and not self._task.done():
            await self.clock.advance(0.1)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def run_pod(self, pod: Object, *, seconds: float = 0.5) -> Object:
        """Create a pod on this node, let time pass, and give it as it then is."""
        metadata = {key: value for key, value in pod["metadata"].items() if key != "uid"}
        metadata["namespace"] = "default"
        wanted = {**pod, "metadata": metadata, "spec": {"nodeName": self.config.name, **pod["spec"]}}
        await self.client.create("pods", wanted)
        await self.clock.advance(seconds)
        return await self.pod(metadata["name"])

    async def pod(self, name: str = "p") -> Object:
        return await self.client.get("pods", name, namespace="default")

    async def status(self, name: str = "p") -> Object:
        return (await self.pod(name))["status"]

    async def container(self, name: str = "a", *, pod: str = "p") -> Object:
        """The status of one container."""
        status = await self.status(pod)
        fields = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        return next(entry for field in fields for entry in status.get(field, ()) if entry["name"] == name)

    async def exists(self, name: str = "p") -> bool:
        try:
            await self.pod(name)
        except NotFound:
            return False
        return True

    async def delete(self, name: str = "p", **options: Any) -> None:
        await self.client.delete("pods", name, namespace="default", **options)

    async def events(self, *reasons: str) -> list[str]:
        """Messages, oldest first; of these reasons, or of all."""
        found = (await self.client.list("events", namespace="default"))["items"]
        found.sort(key=lambda event: event["metadata"]["name"].rpartition(".")[2])
        return [event["message"] for event in found if not reasons or event["reason"] in reasons]

    def states(self, name: str) -> list[ContainerState]:
        """The runtime's containers of that name, oldest attempt first."""
        found = [state for state in self.runtime.containers() if state.name == name]
        return sorted(found, key=lambda state: state.attempt)

    def made(self, name: str) -> Container:
        """What the runtime was told to make, newest attempt."""
        newest = self.states(name)[-1]
        return self.machine.containers[newest.id].spec


@asynccontextmanager
async def test_node(root: Path, **options: Any) -> AsyncIterator[TestNode]:
    """A started node; `options` go to `NodeConfig`."""
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        node = TestNode(server, clock, root, **options)
        await node.start()
        try:
            yield node
        finally:
            await node.stop()
            await node.network.close()


test_node.__test__ = False  # type: ignore[attr-defined]
