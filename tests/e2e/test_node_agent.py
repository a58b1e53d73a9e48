"""The node agent with everything real below it: runc, namespaces, routes, cgroups; only the API server is in memory.

Needs root, runc, iproute2 and busybox-static.
"""

# ruff: noqa: ASYNC240 -- a test's own event loop may wait for the disk

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.apiserver.app import ApiServer
from wherry.base.clock import RealClock
from wherry.network.nodes.host import HostNetwork
from wherry.network.nodes.node import NodeNetwork
from wherry.network.nodes.plan import NetworkPlan, NodePlan
from wherry.node.agent import NodeAgent
from wherry.node.config import NodeConfig
from wherry.node.images.store import ImageStore
from wherry.node.runtimes.oci.runtime import OciRuntime
from wherry.testing.apiserver import client_of, in_process_server
from wherry.testing.images import busybox_archive
from wherry.testing.pods import container, pod, sidecar

pytestmark = pytest.mark.root

PLAN = NetworkPlan(
    cluster="agenttest",
    index=31,
    node_cidr="10.231.0.0/24",
    host_address="10.231.0.1",
    pod_cidr="10.217.0.0/16",
    service_cidr="10.127.0.0/16",
    dns_address="10.127.0.10",
    nodes=(NodePlan(name="n1", number=1, address="10.231.0.2", pod_cidr="10.217.1.0/24"),),
)
GROUP = f"wherry-agenttest-{os.getpid()}"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    folder = tmp_path_factory.mktemp("images")
    store = ImageStore(folder / "store", clock=RealClock())
    store.import_path(busybox_archive(folder / "busybox.tar"))
    return store


class Node:
    """A node that can be stopped and started again, and what tests ask of it."""

    def __init__(self, server: ApiServer, images: ImageStore, root: Path) -> None:
        self.root = root
        self.client = client_of(server, clock=RealClock())
        self._server = server
        self._images = images
        self._task: asyncio.Task[None] | None = None
        self.runtime: OciRuntime

    async def start(self) -> None:
        clock = RealClock()
        self.runtime = OciRuntime(root=self.root / "runtime", images=self._images, clock=clock, cgroup=GROUP)
        agent = NodeAgent(
            client=client_of(self._server, clock=clock),
            runtime=self.runtime,
            network=NodeNetwork(PLAN, PLAN.nodes[0], state=self.root / "network"),
            clock=clock,
            config=NodeConfig(name="n1", root=self.root / "agent"),
        )
        self._task = asyncio.ensure_future(agent.run())
        ready = asyncio.ensure_future(agent.ready.wait())
        await asyncio.wait([ready, self._task], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def create(self, wanted: Object) -> None:
        metadata = {"name": wanted["metadata"]["name"], "namespace": "default"}
        spec = {"nodeName": "n1", "terminationGracePeriodSeconds": 1, **wanted["spec"]}
        await self.client.create("pods", {**wanted, "metadata": metadata, "spec": spec})

    async def pod(self, name: str = "p") -> Object:
        return await self.client.get("pods", name, namespace="default")

    async def until(self, holds: Callable[[Object], bool], name: str = "p", seconds: float = 10.0) -> Object:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.pod(name)
                if holds(found):
                    return found
                await asyncio.sleep(0.02)

    async def gone(self, name: str = "p", seconds: float = 15.0) -> None:
        async def exists() -> bool:
            try:
                await self.pod(name)
            except NotFound:
                return False
            return True

        async with asyncio.timeout(seconds):
            while await exists() or self.runtime.sandboxes() or list((self.root / "agent/files").iterdir()):
                await asyncio.sleep(0.02)

    async def delete(self, name: str = "p") -> None:
        await self.client.delete("pods", name, namespace="default")
        await self.gone(name)


def ready(found: Object) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def in_phase(phase: str) -> Callable[[Object], bool]:
    return lambda found: bool(found["status"].get("phase") == phase)


def shell(script: str, name: str = "a", **extra: Any) -> Object:
    return container(name, image="busybox", imagePullPolicy="IfNotPresent", command=["sh", "-c", script], **extra)


@pytest.fixture
async def node(images: ImageStore, tmp_path: Path) -> AsyncIterator[Node]:
    host = HostNetwork(PLAN, state=tmp_path)
    async with in_process_server(clock=RealClock()) as server:
        made = Node(server, images, tmp_path)
        try:
            await host.open()
            await made.start()
            yield made
            for found in (await made.client.list("pods"))["items"]:
                await made.delete(found["metadata"]["name"])
        finally:
            await made.stop()
            await host.remove()
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert not [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(GROUP)]


Check = Callable[[Node], Awaitable[None]]


async def test_web_server_with_probes_survives_the_agent(node: Node) -> None:
    page = {"metadata": {"name": "page", "namespace": "default"}, "data": {"index.html": "hello"}}
    await node.client.create("configmaps", page)
    web = shell(
        "exec httpd -f -p 8080 -h /www",
        ports=[{"name": "http", "containerPort": 8080}],
        readinessProbe={"httpGet": {"path": "/index.html", "port": "http"}},
        livenessProbe={"exec": {"command": ["true"]}, "periodSeconds": 1},
        volumeMounts=[{"name": "page", "mountPath": "/www"}],
    )
    await node.create(pod(web, volumes=[{"name": "page", "configMap": {"name": "page"}}]))
    before = await node.until(ready)
    (state,) = node.runtime.containers()
    assert before["status"]["podIP"].startswith("10.217.1.")
    assert before["status"]["containerStatuses"][0]["containerID"] == f"runc://{state.id}"
    await node.stop()
    await node.start()
    await asyncio.sleep(0.5)
    (again,) = node.runtime.containers()
    assert (again.id, again.pid) == (state.id, state.pid)
    assert (await node.pod())["status"] == before["status"]


async def test_what_a_container_sees(node: Node) -> None:
    script = """
        test "$(hostname)" = web && grep -q "web" /etc/hosts && grep -q 10.127.0.10 /etc/resolv.conf || exit 2
        test "$(id -u):$(id -g)" = 1000:2000 || exit 3
        test "$POD" = p && test "$LIMIT" = 64 || exit 4
        grep -q " /memory tmpfs " /proc/mounts && touch /memory/x /disk/x || exit 5
        test "$(stat -c %g /disk)" = 3000 || exit 6
        touch /read-only 2>/dev/null && exit 7
        test "$(cat /data/deep/key)" = value || exit 8
        echo -n "all is well" > /dev/termination-log
    """
    app = shell(
        script,
        env=[
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        resources={"limits": {"memory": "64Mi"}},
        securityContext={"readOnlyRootFilesystem": True},
        volumeMounts=[
            {"name": "memory", "mountPath": "/memory"},
            {"name": "disk", "mountPath": "/disk"},
            {"name": "data", "mountPath": "/data"},
        ],
    )
    await node.client.create(
        "secrets", {"metadata": {"name": "s", "namespace": "default"}, "stringData": {"k": "value"}}
    )
    volumes = [
        {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "disk", "emptyDir": {}},
        {"name": "data", "secret": {"secretName": "s", "items": [{"key": "k", "path": "deep/key"}]}},
    ]
    security = {"runAsUser": 1000, "runAsGroup": 2000, "fsGroup": 3000}
    await node.create(pod(app, policy="Never", hostname="web", volumes=volumes, securityContext=security))
    found = await node.until(lambda one: one["status"].get("phase") in ("Succeeded", "Failed"))
    end = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert end["exitCode"] == 0 and end["message"] == "all is well", end


async def test_out_of_memory(node: Node) -> None:
    app = shell("x=a; while true; do x=$x$x; done", resources={"limits": {"memory": "16Mi"}})
    await node.create(pod(app, policy="Never"))
    found = await node.until(in_phase("Failed"))
    end = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137)


async def test_command_that_is_not_there(node: Node) -> None:
    await node.create(pod(container("a", image="busybox", imagePullPolicy="IfNotPresent", command=["/no/such"])))
    waiting = {"RunContainerError", "CrashLoopBackOff"}
    state = lambda one: (one["status"].get("containerStatuses") or [{}])[0].get("state") or {}
    found = await node.until(lambda one: state(one).get("waiting", {}).get("reason") in waiting)
    assert "/no/such" in state(found)["waiting"]["message"] or state(found)["waiting"]["reason"] == "CrashLoopBackOff"
    found = await node.until(lambda one: state(one).get("waiting", {}).get("reason") == "CrashLoopBackOff")
    assert found["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 128


async def test_init_sidecar_and_hooks(node: Node) -> None:
    shared = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    helper = sidecar(
        "s",
        image="busybox",
        imagePullPolicy="IfNotPresent",
        command=["sh", "-c", "trap 'exit 0' TERM; touch /v/sidecar; while true; do sleep 0.1; done"],
        startupProbe={"exec": {"command": ["test", "-e", "/v/sidecar"]}, "periodSeconds": 1},
        **shared,
    )
    first = shell("test -e /v/sidecar && touch /v/init", "i", **shared)
    hooks = {"postStart": {"exec": {"command": ["touch", "/v/started"]}}, "preStop": {"sleep": {"seconds": 0}}}
    app = shell(
        "trap 'exit 0' TERM; test -e /v/init || exit 1; while true; do sleep 0.1; done", lifecycle=hooks, **shared
    )
    await node.create(pod(app, init=(helper, first), volumes=[{"name": "v", "emptyDir": {}}]))
    found = await node.until(ready)
    assert [entry["restartCount"] for entry in found["status"]["initContainerStatuses"]] == [0, 0]
    volume = next((node.root / "agent/files").glob("*/volumes/emptyDir~v"))
    assert {path.name for path in volume.iterdir()} == {"sidecar", "init", "started"}


async def test_pods_deleted_while_the_agent_is_away(node: Node) -> None:
    await node.create(pod(shell("exec sleep 1000")))
    await node.until(ready)
    await node.stop()
    await node.client.delete("pods", "p", namespace="default", grace_period_seconds=0)
    await node.start()
    async with asyncio.timeout(10):
        while node.runtime.containers() or node.runtime.sandboxes():
            await asyncio.sleep(0.05)


async def test_host_network_is_the_nodes(node: Node) -> None:
    await node.create(pod(shell("ip -o addr; exec sleep 1000"), hostNetwork=True))
    found = await node.until(ready)
    assert found["status"]["podIP"] == found["status"]["hostIP"] == "10.231.0.2"
    (state,) = node.runtime.containers()
    assert "10.231.0.2/" in Path(state.log_path).read_text()
