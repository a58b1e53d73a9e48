"""kill -9 of any process, at any moment: the next command repairs, nothing runs twice, nothing is left behind.

`test_kill.py` has the common cases; here are the single processes, the moments within a command, and what `down` leaves.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from wherry.api.errors import StatusError
from wherry.base.clock import RealClock
from wherry.cli.connect import client_of
from wherry.client import kubeconfig
from wherry.client.client import Client

from .conftest import Shell, environment_of, eventually
from .traces import traces

pytestmark = [pytest.mark.e2e, pytest.mark.root]

T = TypeVar("T")

NAME = "survivor"
PORT = "26443"  # not among those that other tests' clusters choose while ours is dead
MADE_WITH = ("--runtime", "oci", "--port", PORT)
SECONDS = "86417"  # of sleep: tells our containers from others on this machine


DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "sleepers"},
    "spec": {
        "selector": {"matchLabels": {"app": "sleepers"}},
        "template": {
            "metadata": {"labels": {"app": "sleepers"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "main", "image": "wherry.local/host", "command": ["sleep", SECONDS]}],
            },
        },
    },
}


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A place for a cluster, not started yet; removed afterwards, and then no trace of it may be left."""
    home = tmp_path_factory.mktemp(NAME)
    shell = Shell(NAME, home, environment_of(home))
    index = 0
    try:
        yield shell
    finally:
        with suppress(OSError):
            index = json.loads((home / NAME / "cluster.json").read_bytes())["index"]
        shell.wherry("down", NAME)
    assert traces(NAME, home, index) == []


def up(shell: Shell, *options: str) -> None:
    shell.wherry("up", NAME, *MADE_WITH, *options)


def ask(shell: Shell, question: Callable[[Client], Awaitable[T]]) -> T:
    """Do something with a client of the cluster, over TLS."""

    async def work() -> T:
        async with asyncio.timeout(30):
            client = api(shell)
            try:
                return await question(client)
            finally:
                await client.aclose()

    return asyncio.run(work())


def api(shell: Shell) -> Client:
    connection = kubeconfig.connection(kubeconfig.load([shell.home / NAME / "kubeconfig"]))
    return client_of(connection, clock=RealClock())


def sleepers() -> dict[int, str]:
    """Our containers' processes by pid, each with the moment it started."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "cmdline").read_bytes() == f"sleep\0{SECONDS}\0".encode():
                    found[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()[19]
    return found


def apply(shell: Shell, replicas: int) -> None:
    body = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": replicas}}
    ask(shell, lambda client: client.create("deployments.apps", body, namespace="default"))


def deploy(shell: Shell, replicas: int) -> dict[int, str]:
    apply(shell, replicas)
    return running(shell, replicas)


def running(shell: Shell, replicas: int) -> dict[int, str]:
    """Wait until they are, and each once; gives the processes."""
    eventually(lambda: ready(shell) == replicas and len(sleepers()) == replicas, seconds=25)
    return sleepers()


def scale(shell: Shell, replicas: int) -> bool:
    """False when the server did not answer."""
    change = {"spec": {"replicas": replicas}}
    try:
        ask(shell, lambda client: client.patch("deployments.apps", "sleepers", change, namespace="default"))
    except (StatusError, OSError):
        return False
    return True


def ready(shell: Shell) -> int:
    deployment = ask(shell, lambda client: client.get("deployments.apps", "sleepers", namespace="default"))
    return deployment["status"].get("readyReplicas", 0)


def restarts(shell: Shell) -> list[int]:
    pods = ask(shell, lambda client: client.list("pods", namespace="default"))["items"]
    return sorted(one["restartCount"] for pod in pods for one in pod["status"]["containerStatuses"])


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# -- writes


def test_objects_that_live_while_the_server_dies_are_as_last_acknowledged_or_one_step_further(shell: Shell) -> None:
    """Each writer owns an object: creates it, changes it again and again, deletes it, starts anew."""
    up(shell)
    acknowledged: dict[str, int | None] = {}
    newest = 0

    async def live(client: Client, name: str) -> None:
        nonlocal newest
        for step in itertools.count(1):
            if step % 6 == 1:
                body = {"metadata": {"name": name}, "data": {"step": str(step), "copy": str(step) * 50}}
                stored = await client.create("configmaps", body, namespace="default")
            elif step % 6:
                change = {"data": {"step": str(step), "copy": str(step) * 50}}
                stored = await client.patch("configmaps", name, change, namespace="default")
            else:
                await client.delete("configmaps", name, namespace="default")
            acknowledged[name] = step
            newest = max(newest, int(stored["metadata"]["resourceVersion"]))

    async def until_killed() -> None:
        client = api(shell)

        async def one(number: int) -> None:
            with suppress(StatusError, OSError):
                await live(client, f"life-{number}")

        lives = [asyncio.ensure_future(one(number)) for number in range(200)]
        while sum(filter(None, acknowledged.values())) < 1500:
            await asyncio.sleep(0.005)
        os.kill(shell.pid(), signal.SIGKILL)
        await asyncio.gather(*lives)
        await client.aclose()

    asyncio.run(until_killed())
    shell.wherry("start", NAME)
    found = ask(shell, lambda client: client.list("configmaps", namespace="default"))
    there = {item["metadata"]["name"]: item["data"] for item in found["items"]}
    assert int(found["metadata"]["resourceVersion"]) >= newest
    for name, step in acknowledged.items():
        data = there.get(name)
        seen = int(data["step"]) if data else None
        possible = {None if one % 6 == 0 else one for one in (step or 0, (step or 0) + 1)}
        assert seen in possible, f"{name}: acknowledged {step}, found {seen}"
        assert data is None or data["copy"] == data["step"] * 50


# -- single processes


def test_each_process_below_the_cluster_may_die_alone(shell: Shell) -> None:
    up(shell)
    before = deploy(shell, 4)
    container, with_shim, *others = before
    (nursery,) = children(shell.pid())
    os.kill(nursery, signal.SIGKILL)
    os.kill(container, signal.SIGKILL)
    os.kill(parent(with_shim), signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{container}").exists() and not Path(f"/proc/{with_shim}").exists())
    after = running(shell, 4)
    assert {pid: after[pid] for pid in others} == {pid: before[pid] for pid in others}
    assert restarts(shell) == [0, 0, 1, 1]
    assert children(shell.pid()) != [nursery]


def test_a_shim_and_the_cluster_die_together(shell: Shell) -> None:
    up(shell)
    first, second, third = deploy(shell, 3)
    shims = [parent(pid) for pid in (first, second)]
    os.kill(shell.pid(), signal.SIGKILL)
    os.kill(shims[0], signal.SIGKILL)
    os.kill(second, signal.SIGKILL)
    shell.wherry("start", NAME)
    after = running(shell, 3)
    assert third in after
    assert restarts(shell) == [0, 1, 1]


@pytest.mark.parametrize("containers", [1, 5])
def test_the_cluster_dies_while_ten_pods_start(shell: Shell, containers: int) -> None:
    up(shell)
    apply(shell, 10)
    eventually(lambda: len(sleepers()) >= containers, every=0.002)
    os.kill(shell.pid(), signal.SIGKILL)
    survivors = sleepers()
    shell.wherry("start", NAME)
    after = running(shell, 10)
    assert survivors.items() <= after.items()
    assert restarts(shell) == [0] * 10


# -- a process for each part


def test_each_part_comes_back_alone_and_does_its_work(shell: Shell) -> None:
    up(shell, "--processes", "many")
    before = deploy(shell, 1)
    for replicas, part in enumerate(children(shell.pid()), start=2):
        os.kill(part, signal.SIGKILL)
        eventually(lambda part=part: part not in children(shell.pid()) and len(children(shell.pid())) == 5)
        eventually(lambda replicas=replicas: scale(shell, replicas))
        assert before.items() <= running(shell, replicas).items()
        before = sleepers()
    assert set(restarts(shell)) == {0}


@pytest.mark.parametrize("replicas", [0, 5])
def test_with_the_supervisor_its_parts_end_and_the_next_start_goes_on(shell: Shell, replicas: int) -> None:
    """Once with pods that run, once while they are made."""
    up(shell, "--processes", "many")
    before = {} if replicas else deploy(shell, 3)
    if replicas:
        apply(shell, replicas)
        eventually(lambda: len(sleepers()) >= 2, every=0.002)
    parts = children(shell.pid())
    os.kill(shell.pid(), signal.SIGKILL)
    shell.wherry("start", NAME)
    assert before.items() <= running(shell, replicas or 3).items()
    assert set(restarts(shell)) == {0}
    eventually(lambda: not any(Path(f"/proc/{part}").exists() for part in parts))


# -- in the middle of a command


def interrupted(shell: Shell, moment: Callable[[], object], *arguments: str) -> None:
    """Run a command and kill it, and the cluster's process if it is there, as soon as `moment` is true."""
    command = subprocess.Popen(
        [sys.executable, "-m", "wherry", *arguments], env=shell.environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not moment() and command.poll() is None and time.monotonic() < deadline:
        time.sleep(0.0005)
    command.kill()
    command.wait()
    with suppress(OSError, ValueError):
        os.kill(shell.pid(), signal.SIGKILL)


UP = {
    "configuration": "cluster.json",
    "authority": "pki/ca.key",
    "certificates": "pki/sa.key",
    "store": "store.db",
    "node": f"nodes/{NAME}-1/runtime/agent.lock",
}


@pytest.mark.parametrize("part", UP)
def test_up_is_killed_and_the_next_one_repairs(shell: Shell, part: str) -> None:
    place = shell.home / NAME / UP[part]
    interrupted(shell, place.exists, "up", NAME, *MADE_WITH)
    assert (shell.home / NAME / "cluster.json").exists()
    up(shell)
    assert ask(shell, lambda client: client.get("nodes", f"{NAME}-1"))["status"]["conditions"]


def test_up_is_killed_and_down_takes_away_what_it_made(shell: Shell) -> None:
    interrupted(shell, lambda: list(shell.home.glob(f"{NAME}/nodes/*")), "up", NAME, *MADE_WITH, "--nodes", "2")
    shell.wherry("down", NAME)


def test_down_is_killed_and_the_next_one_ends_it(shell: Shell) -> None:
    state = shell.home / NAME
    sandboxes = state / f"nodes/{NAME}-1/runtime/sandboxes"
    moments: dict[str, Callable[[], object]] = {
        "its process has ended": lambda: not Path(f"/proc/{pid}").exists(),
        "the first pod is gone": lambda: not sandboxes.exists() or len(list(sandboxes.iterdir())) < 3,
        "the store is gone": lambda: not (state / "store.db").exists(),
    }
    for moment in moments.values():
        up(shell)
        pid = shell.pid()
        deploy(shell, 3)
        interrupted(shell, moment, "down", NAME)
        shell.wherry("down", NAME)
        assert not state.exists()
        assert sleepers() == {}


# -- commands one after another


def test_reset_throws_away_objects_and_keeps_the_rest(shell: Shell) -> None:
    up(shell)
    deploy(shell, 2)
    authority = (shell.home / NAME / "pki/ca.crt").read_bytes()
    shell.wherry("reset", NAME)
    assert ask(shell, lambda client: client.list("deployments.apps"))["items"] == []
    assert sleepers() == {}
    assert (shell.home / NAME / "pki/ca.crt").read_bytes() == authority
    deploy(shell, 1)


def test_two_clusters_started_at_once_live_side_by_side(shell: Shell) -> None:
    other = f"{NAME}-2"
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "wherry", "up", name], env=shell.environment, stderr=subprocess.PIPE, text=True
        )
        for name in (NAME, other)
    ]
    try:
        assert [(command.wait(30), command.communicate()[1])[0] for command in commands] == [0, 0]
        configs = [json.loads((shell.home / name / "cluster.json").read_bytes()) for name in (NAME, other)]
        for key in ("index", "port"):
            assert len({config[key] for config in configs}) == 2
        shell.wherry("down", other)
        assert traces(other, shell.home, configs[1]["index"]) == []
        assert shell.wherry("get", "nodes", "-o", "name", "--context", f"wherry-{NAME}") == f"node/{NAME}-1\n"
    finally:
        shell.wherry("down", other)
