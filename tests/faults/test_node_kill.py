"""The agent dies at every edge that matters; the next one brings the pod to where it should be, once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from wherry.api.errors import NotFound
from wherry.base.clock import RealClock
from wherry.base.failpoints import ENVIRONMENT, EXIT_STATUS
from wherry.client.client import Client
from wherry.testing.apiserver import client_of
from wherry.testing.pods import container, pod
from wherry.testing.served import Served, served

PROGRAM = Path(__file__).with_name("node_process.py")
SOURCES = Path(__file__).parents[2] / "src"

STARTING = (
    "node.set-up.attached",
    "node.set-up.sandbox",
    "node.start.created",
    "node.start.described",
    "node.start.started",
)
STOPPING = ("node.stop.signalled", "node.over.released", "node.remove.confirmed", "node.remove.sandbox")


class Cluster:
    def __init__(self, server: Served, directory: Path) -> None:
        self.client: Client = client_of(server.server, clock=RealClock())
        self.directory = directory
        self._server = server

    @contextmanager
    def agent(self, failpoint: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """An agent until the block ends, then it is killed as by kill -9."""
        server = self._server
        arguments = (server.url, server.authority.pair.certificate, server.admin.certificate, server.admin.key)
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), ENVIRONMENT: f"{failpoint}=exit" if failpoint else ""}
        command = [sys.executable, str(PROGRAM), *map(str, arguments), str(self.directory)]
        with (self.directory / "agent.log").open("ab") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    async def died(self, process: subprocess.Popen[bytes]) -> None:
        await self.until(lambda: process.poll() is not None)
        assert process.returncode == EXIT_STATUS, (self.directory / "agent.log").read_text()

    async def until(self, holds: Callable[[], object], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.02)

    async def create(self) -> None:
        beat = f"echo beat >> {self.directory}/beats; exec sleep 1000"
        app = container("a", image="wherry.local/host", imagePullPolicy="IfNotPresent", command=["sh", "-c", beat])
        wanted = pod(app, nodeName="n1", terminationGracePeriodSeconds=1)
        wanted["metadata"] = {"name": "p", "namespace": "default"}
        await self.client.create("pods", wanted)

    async def is_ready(self) -> bool:
        status = (await self.client.get("pods", "p", namespace="default")).get("status") or {}
        return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ())

    async def ready(self) -> None:
        async with asyncio.timeout(20):
            while not await self.is_ready():
                await asyncio.sleep(0.02)

    async def gone(self) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    await self.client.get("pods", "p", namespace="default")
                except NotFound:
                    return
                await asyncio.sleep(0.02)

    def beats(self) -> int:
        """How often the container's command has run."""
        path = self.directory / "beats"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def left(self) -> list[str]:
        """What is on the node of any pod."""
        folders = ("runtime/containers", "runtime/sandboxes", "agent/pods", "agent/files")
        found = [path for folder in folders for path in sorted((self.directory / folder).glob("*"))]
        network = self.directory / "network.json"
        addresses = orjson.loads(network.read_bytes()) if network.exists() else {}
        return [*map(str, found), *addresses]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with served(tmp_path / "server") as server:
        made = Cluster(server, tmp_path / "node")
        made.directory.mkdir()
        metadata = {"namespace": "default"}
        await made.client.create("serviceaccounts", {"metadata": {**metadata, "name": "default"}})
        authority = {"metadata": {**metadata, "name": "kube-root-ca.crt"}, "data": {"ca.crt": "none"}}
        await made.client.create("configmaps", authority)
        yield made


@pytest.mark.parametrize("failpoint", STARTING)
async def test_killed_while_starting(cluster: Cluster, failpoint: str) -> None:
    await cluster.create()
    with cluster.agent(failpoint) as process:
        await cluster.died(process)
    with cluster.agent():
        await cluster.ready()
        await cluster.until(lambda: cluster.beats() > 0)
        assert cluster.beats() == 1
        found = await cluster.client.get("pods", "p", namespace="default")
        assert found["status"]["containerStatuses"][0]["restartCount"] == 0
        await cluster.client.delete("pods", "p", namespace="default")
        await cluster.gone()
        await cluster.until(lambda: not cluster.left())


@pytest.mark.parametrize("failpoint", STOPPING)
async def test_killed_while_stopping(cluster: Cluster, failpoint: str) -> None:
    await cluster.create()
    with cluster.agent(failpoint) as process:
        await cluster.ready()
        await cluster.client.delete("pods", "p", namespace="default")
        await cluster.died(process)
    with cluster.agent():
        await cluster.gone()
        await cluster.until(lambda: not cluster.left())
    assert cluster.beats() == 1
