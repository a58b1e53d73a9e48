"""A node's server over a fake runtime, with one running pod that has two containers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from wherry.api.types import Object
from wherry.base.clock import RealClock
from wherry.base.tasks import cancel_and_wait
from wherry.node.network_port import PodAttachment
from wherry.node.runtimes.fake.behaviour import Behaviour, ExecResult
from wherry.node.runtimes.fake.runtime import FakeRuntime
from wherry.node.runtimes.port import Container, Sandbox
from wherry.node.server.app import NodeServer
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin, connect
from wherry.wire.messages import ByteStream

UID = "uid-1"
APP_ID, SIDE_ID = "a" * 64, "b" * 64


def pod_object() -> Object:
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": UID},
        "spec": {"nodeName": "n1", "containers": [{"name": "app"}, {"name": "side"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": "app", "containerID": f"fake://{APP_ID}", "state": running},
                {"name": "side", "state": {"waiting": {"reason": "ContainerCreating"}}},
            ],
        },
    }


class Pods:
    """A `PodLookup` over what the test puts in."""

    def __init__(self) -> None:
        self.items: list[Object] = [pod_object()]

    def pods(self) -> Sequence[Object]:
        return self.items

    def pod(self, namespace: str, name: str) -> Object | None:
        wanted = (namespace, name)
        return next((p for p in self.items if (p["metadata"]["namespace"], p["metadata"]["name"]) == wanted), None)


class Network:
    """A `PodNetwork` in which every pod's port is a port of this machine."""

    node_addresses = ("127.0.0.1",)
    dns_servers = ()
    nameserver_reachable = True

    def __init__(self) -> None:
        self.connected: list[tuple[str, int, str | None]] = []
        self.port_map: dict[int, int] = {}

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment:
        return self.attached()[pod_uid]

    async def detach(self, pod_uid: str) -> None: ...

    def attached(self) -> Mapping[str, PodAttachment]:
        return {UID: PodAttachment(pod_uid=UID, addresses=("10.0.0.2",), port_map=self.port_map)}

    async def connect(self, address: str, port: int, *, pod_uid: str | None = None) -> ByteStream:
        self.connected.append((address, port, pod_uid))
        return await connect(Origin(host=address, port=port))


def commands(arguments: Sequence[str]) -> ExecResult:
    """What the commands in the fake container do."""
    return {
        "cat": ExecResult(echo=True),
        "false": ExecResult(exit_code=3, stdout=b"out", stderr=b"err"),
        "missing": ExecResult(start_error='exec: "missing": executable file not found in $PATH'),
    }.get(arguments[0], ExecResult(stdout=" ".join(arguments).encode()))


class Node:
    """What a test needs of the running node."""

    def __init__(self, server: NodeServer, pods: Pods, network: Network, runtime: FakeRuntime) -> None:
        self.server = server
        self.pods = pods
        self.network = network
        self.runtime = runtime
        self.client = HttpClient()

    @property
    def origin(self) -> Origin:
        return Origin(host="127.0.0.1", port=self.server.port)


async def start_containers(runtime: FakeRuntime, directory: Path) -> None:
    sandbox = Sandbox(pod_uid=UID, pod_name="web", pod_namespace="default", hostname="web")
    await runtime.create_sandbox(sandbox)
    image = await runtime.images.pull("busybox")
    container = Container(
        id=APP_ID,
        sandbox=sandbox,
        name="app",
        attempt=0,
        image=image,
        arguments=("sleep",),
        environment=(),
        log_path=str(directory / "0.log"),
    )
    await runtime.create(container)
    await runtime.start(APP_ID)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    lines = (("stdout", "one"), ("stderr", "two"))
    runtime = FakeRuntime(clock=RealClock(), behave=lambda _: Behaviour(output=lines, exec=commands))
    await runtime.open()
    await start_containers(runtime, tmp_path)
    pods, network = Pods(), Network()
    server = NodeServer(
        pods=pods,
        runtime=runtime,
        network=network,
        authorize=lambda request: request.headers.get("x-denied") is None,
        clock=RealClock(),
        tls=None,
        node_name="n1",
        hosts=("127.0.0.1",),
        port=0,
    )
    running = asyncio.create_task(server.run())
    await server.wait_listening()
    node = Node(server, pods, network, runtime)
    yield node
    await node.client.aclose()
    await cancel_and_wait(running)
