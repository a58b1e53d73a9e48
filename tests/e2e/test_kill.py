"""kill -9 at bad moments: what was acknowledged is there, nothing runs twice, nothing stays behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from wherry.api.errors import StatusError
from wherry.base.clock import RealClock
from wherry.cli.connect import client_of as client_of_connection
from wherry.client import kubeconfig
from wherry.client.client import Client

from .conftest import Shell, environment_of, eventually
from .traces import traces

pytestmark = [pytest.mark.e2e, pytest.mark.root]

NAME = "killed"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleepers}
spec:
  replicas: 3
  selector: {matchLabels: {app: sleepers}}
  template:
    metadata: {labels: {app: sleepers}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: wherry.local/host, command: [sleep, "86399"]}]
"""


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A cluster of the test's own, which it may kill."""
    home = tmp_path_factory.mktemp("killed")
    shell = Shell(NAME, home, environment_of(home))
    try:
        shell.wherry("up", NAME, "--runtime", "oci")
        yield shell
    finally:
        shell.wherry("down", NAME)


def client_of(shell: Shell) -> Client:
    connection = kubeconfig.connection(kubeconfig.load([shell.home / NAME / "kubeconfig"]))
    return client_of_connection(connection, clock=RealClock())


def kill(shell: Shell) -> None:
    os.kill(shell.pid(), signal.SIGKILL)


def sleeping() -> dict[int, str]:
    """Processes of the Deployment, by pid, with when they started."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "cmdline").read_bytes() == b"sleep\x0086399\x00":
                    found[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()[19]
    return found


@pytest.mark.parametrize("acknowledged", [30, 400])
def test_every_acknowledged_write_survives(shell: Shell, acknowledged: int) -> None:
    async def write_until_killed() -> dict[str, int]:
        client, known = client_of(shell), {}

        async def write(number: int) -> None:
            with suppress(StatusError, OSError, ConnectionError):
                body = {"metadata": {"name": f"map-{number}"}, "data": {"key": "value" * 20}}
                stored = await client.create("configmaps", body, namespace="default")
                known[stored["metadata"]["uid"]] = int(stored["metadata"]["resourceVersion"])

        writing = [asyncio.ensure_future(write(number)) for number in range(1000)]
        while len(known) < acknowledged:
            await asyncio.sleep(0.002)
        kill(shell)
        await asyncio.gather(*writing)
        await client.aclose()
        return known

    async def check(known: dict[str, int]) -> None:
        client = client_of(shell)
        found = (await client.list("configmaps", namespace="default"))["items"]
        there = {item["metadata"]["uid"]: int(item["metadata"]["resourceVersion"]) for item in found}
        assert {uid: there.get(uid) for uid in known} == known
        later = await client.create("configmaps", {"metadata": {"name": "later"}}, namespace="default")
        assert int(later["metadata"]["resourceVersion"]) > max(there.values())
        await client.aclose()

    known = asyncio.run(write_until_killed())
    shell.wherry("start", NAME)
    asyncio.run(check(known))


def test_containers_outlive_the_cluster_and_are_found_again(shell: Shell, tmp_path: Path) -> None:
    manifest = tmp_path / "sleepers.yaml"
    manifest.write_text(DEPLOYMENT)
    shell.wherry("apply", "-f", str(manifest))
    before = eventually(lambda: len(found := sleeping()) == 3 and found)
    eventually(lambda: _ready(shell) == 3)
    kill(shell)
    assert sleeping() == before
    shell.wherry("start", NAME)
    eventually(lambda: _ready(shell) == 3)
    assert sleeping() == before
    counts = shell.wherry("get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}")
    assert counts.split() == ["0", "0", "0"]


def _ready(shell: Shell) -> int:
    text = shell.wherry("get", "deployment", "sleepers", "-o", "jsonpath={.status.readyReplicas}")
    return int(text or 0)


def test_a_start_that_was_killed_halfway_is_repaired_by_the_next(shell: Shell, tmp_path: Path) -> None:
    manifest = tmp_path / "sleepers.yaml"
    manifest.write_text(DEPLOYMENT)
    shell.wherry("apply", "-f", str(manifest))  # pods are being made while the process dies
    kill(shell)
    shell.wherry("start", NAME, "--no-wait")
    kill(shell)
    shell.wherry("start", NAME)
    eventually(lambda: _ready(shell) == 3)
    assert len(sleeping()) == 3


def test_stop_ends_the_containers_and_start_brings_them_back(shell: Shell, tmp_path: Path) -> None:
    manifest = tmp_path / "sleepers.yaml"
    manifest.write_text(DEPLOYMENT)
    shell.wherry("apply", "-f", str(manifest))
    eventually(lambda: _ready(shell) == 3)
    shell.wherry("stop", NAME, "--grace", "0")
    assert sleeping() == {}
    shell.wherry("start", NAME)
    eventually(lambda: len(sleeping()) == 3)


def test_down_leaves_nothing_behind_even_after_a_kill(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    home = tmp_path_factory.mktemp("down")
    shell = Shell(NAME, home, environment_of(home))
    index = 0
    try:
        shell.wherry("up", NAME, "--nodes", "2")
        index = json.loads((home / NAME / "cluster.json").read_bytes())["index"]
        manifest = tmp_path / "sleepers.yaml"
        manifest.write_text(DEPLOYMENT)
        shell.wherry("apply", "-f", str(manifest))
        eventually(lambda: len(sleeping()) == 3)
        assert traces(NAME, home, index) != []
        kill(shell)
    finally:
        shell.wherry("down", NAME)
    assert traces(NAME, home, index) == []
    assert sleeping() == {}
    assert not (home / NAME).exists()
    assert NAME not in (home / "kubeconfig").read_text()


def test_parts_in_processes_of_their_own_come_back_when_killed(
    make_cluster: Callable[..., Shell], tmp_path: Path
) -> None:
    shell = make_cluster("parts", "--processes", "many")
    manifest = tmp_path / "sleepers.yaml"
    manifest.write_text(DEPLOYMENT)
    shell.wherry("apply", "-f", str(manifest))
    eventually(lambda: _ready(shell) == 3)
    parts = _children(shell.pid())
    assert len(parts) >= 4
    for pid in parts:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(_children(shell.pid()) - parts) == len(parts))
    eventually(lambda: "web-again created" in shell.wherry("create", "-f", "-", input=CONFIG_MAP, check=False))
    eventually(lambda: _ready(shell) == 3)
    assert len(sleeping()) == 3
    os.kill(shell.pid(), signal.SIGKILL)
    eventually(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in _children(shell.pid()) | parts))


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-again}\n"


def _children(pid: int) -> set[int]:
    try:
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()
