"""A machine that does not give what a cluster wants: one clear line with a way out, exit code 1, and nothing broken."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from wherry.api.errors import StatusError
from wherry.base.clock import RealClock
from wherry.cli.connect import client_of
from wherry.client import kubeconfig
from wherry.client.client import Client

from .conftest import Shell, environment_of, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.root]

T = TypeVar("T")
NAME = "poor"
PORT = 26543
FAKE = ("--runtime", "fake", "--port", str(PORT))


@pytest.fixture
def shell(tmp_path: Path, disk: Callable[[int], Path]) -> Iterator[Shell]:
    """A place of its own for a cluster, which is removed afterwards if it is there: before its disk goes."""
    shell = Shell(NAME, tmp_path / "home", environment_of(tmp_path / "home"))
    shell.home.mkdir()
    try:
        yield shell
    finally:
        shell.wherry("down", NAME)


def refused(shell: Shell, *arguments: str) -> str:
    """Run a command that must fail; gives the one line that says why."""
    done = subprocess.run(
        [sys.executable, "-m", "wherry", *arguments], env=shell.environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith(" ")]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("error: ")
    return said[0]


def ask(place: Path, question: Callable[[Client], Awaitable[T]]) -> T:
    """Do something with a client of the cluster in that directory."""

    async def work() -> T:
        async with asyncio.timeout(20):
            connection = kubeconfig.connection(kubeconfig.load([place / "kubeconfig"]))
            client = client_of(connection, clock=RealClock())
            try:
                return await question(client)
            finally:
                await client.aclose()

    return asyncio.run(work())


def config_map(name: str, size: int = 0) -> dict[str, object]:
    return {"metadata": {"name": name}, "data": {"filler": "x" * size}}


# -- ports and rights


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def test_a_port_in_use_is_said_when_a_cluster_is_made(shell: Shell) -> None:
    with taken(PORT):
        assert f"port {PORT} is in use: choose another with --port" in refused(shell, "up", NAME, *FAKE)
    assert not (shell.home / NAME).exists()


@pytest.mark.parametrize("processes", ["one", "many"])
def test_a_port_taken_meanwhile_is_said_and_another_one_helps(shell: Shell, processes: str) -> None:
    shell.wherry("up", NAME, *FAKE, "--processes", processes)
    shell.wherry("stop", NAME, "--grace", "0")
    with taken(PORT):
        said = refused(shell, "start", NAME)
        assert f"cannot listen on 127.0.0.1:{PORT}: address already in use" in said
        assert f"wherry up {NAME} --port P" in said
        shell.wherry("up", NAME, "--port", str(PORT + 1))


def without_rights(*arguments: str) -> list[str]:
    """As another user: in a user namespace, so that this works wherever the interpreter and the sources are."""
    return ["unshare", "--user", "--map-user=1234", sys.executable, "-m", "wherry", *arguments]


def test_without_rights_pods_are_processes(shell: Shell, tmp_path: Path) -> None:
    environment = {**shell.environment, "HOME": str(tmp_path / "user")}
    del environment["WHERRY_HOME"], environment["KUBECONFIG"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = without_rights(*arguments)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=40)

    refusal = run("up", NAME, "--runtime", "oci")
    assert refusal.returncode == 1
    assert refusal.stderr == (
        "error: --runtime oci needs root (user 1234): run as root: sudo wherry up, or use --runtime process\n"
    )
    try:
        done = run("up", NAME)
        assert done.returncode == 0, done.stderr
        assert "No root: pods run as plain processes" in done.stderr
        place = tmp_path / f"user/.local/state/wherry/{NAME}"
        container = {"name": "main", "image": "wherry.local/host", "command": ["sh", "-c", "id -u; exec sleep 86421"]}
        pod = {"metadata": {"name": "one"}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}}
        eventually(lambda: ask(place, lambda client: client.get("serviceaccounts", "default", namespace="default")))
        ask(place, lambda client: client.create("pods", pod, namespace="default"))
        eventually(
            lambda: ask(place, lambda client: client.get("pods", "one", namespace="default"))["status"].get("podIP")
        )
        eventually(lambda: run("logs", "one").stdout == "1234\n")
    finally:
        gone = run("down", NAME)
    assert gone.returncode == 0, gone.stderr
    assert not place.exists()


def test_a_state_directory_that_cannot_be_written_is_said(shell: Shell) -> None:
    said = refused(shell, "up", NAME, *FAKE, "--state-dir", "/proc/wherry")
    assert said.startswith("error: cannot write to /proc/wherry: ")
    assert said.endswith("; choose another place with --state-dir")


# -- a full disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of that many KiB; called again it changes its size."""
    place = tmp_path / "disk"
    place.mkdir()

    def sized(kibibytes: int) -> Path:
        options = f"size={kibibytes}k" + (",remount" if place.is_mount() else "")
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
        return place

    try:
        yield sized
    finally:
        if place.is_mount():
            subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("kibibytes", [4, 16, 64])
def test_a_full_disk_is_said_when_a_cluster_is_made(shell: Shell, disk: Callable[[int], Path], kibibytes: int) -> None:
    place = disk(kibibytes)
    said = refused(shell, "up", NAME, *FAKE, "--state-dir", str(place))
    assert re.search(r"No space left on device|database or disk is full", said)
    assert "make room" in said or "choose another place" in said
    shell.wherry("down", NAME, "--state-dir", str(place))
    assert list(place.iterdir()) == []


def test_a_disk_that_fills_up_refuses_writes_answers_reads_and_forgets_nothing(
    shell: Shell, disk: Callable[[int], Path]
) -> None:
    place = disk(700)
    shell.wherry("up", NAME, *FAKE, "--state-dir", str(place))
    written: list[str] = []

    async def fill(client: Client) -> StatusError:
        for number in range(100):
            try:
                await client.create("configmaps", config_map(f"filler-{number}", 30_000), namespace="default")
            except StatusError as error:
                return error
            written.append(f"filler-{number}")
        raise AssertionError("it never was full")

    async def names(client: Client) -> list[str]:
        answer = await client.list("configmaps", namespace="default")
        return sorted(item["metadata"]["name"] for item in answer["items"] if "filler" in item["metadata"]["name"])

    error = ask(place, fill)
    assert (error.code, error.status_reason) == (507, "InsufficientStorage")
    assert "no room for more" in error.message
    assert ask(place, names) == sorted(written)
    disk(4000)
    ask(place, lambda client: client.create("configmaps", config_map("filler-last"), namespace="default"))
    os.kill(int((place / "run.lock").read_text()), signal.SIGKILL)
    shell.wherry("start", NAME)
    assert ask(place, names) == sorted([*written, "filler-last"])
    assert "Traceback" not in (place / "wherry.log").read_text()
    shell.wherry("down", NAME)
    assert list(place.iterdir()) == []


def test_starting_on_a_full_disk_is_said_at_once_and_reads_are_answered(
    shell: Shell, disk: Callable[[int], Path]
) -> None:
    place = disk(700)
    shell.wherry("up", NAME, *FAKE, "--state-dir", str(place))
    ask(place, lambda client: client.create("configmaps", config_map("there"), namespace="default"))
    shell.wherry("stop", NAME, "--grace", "0")
    with (place / ".kubeconfig.ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space"):
        while True:
            ballast.write(b"b" * 4096)
    command = [sys.executable, "-m", "wherry", "start", NAME, "--no-wait"]
    done = subprocess.run(command, env=shell.environment, capture_output=True, text=True, timeout=60, check=True)
    assert f"the disk of {place} is full: what is there can be read, writes are refused until" in done.stderr
    assert ask(place, lambda client: client.get("configmaps", "there", namespace="default"))
    with pytest.raises(StatusError) as refusal:
        big = config_map("big", 300_000)
        ask(place, lambda client: client.create("configmaps", big, namespace="default"))
    assert refusal.value.code == 507
    (place / ".kubeconfig.ballast").unlink()
    disk(4000)
    ask(place, lambda client: client.create("configmaps", big, namespace="default"))
    shell.wherry("down", NAME)


# -- a damaged state directory


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a cluster that was stopped."""
    home = tmp_path_factory.mktemp("pristine")
    shell = Shell(NAME, home, environment_of(home))
    shell.wherry("up", NAME, *FAKE)
    ask(home / NAME, lambda client: client.create("configmaps", config_map("keep"), namespace="default"))
    shell.wherry("stop", NAME, "--grace", "0")
    return home / NAME


@pytest.fixture
def place(shell: Shell, pristine: Path) -> Path:
    """A copy of it that may be damaged."""
    return shutil.copytree(pristine, shell.home / NAME, symlinks=True)


def truncated(place: Path) -> None:
    os.truncate(place / "store.db", 9000)


def of_the_future(place: Path) -> None:
    with closing(sqlite3.connect(place / "store.db")) as store:
        store.execute("PRAGMA user_version = 99")


def somebody_elses(place: Path) -> None:
    (place / "store.db").unlink()
    with closing(sqlite3.connect(place / "store.db")) as store:
        store.execute("CREATE TABLE mine (thesis TEXT)")


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda place: (place / name).write_bytes(content)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated store": (truncated, r"store\.db: the file is damaged \(.*\); restore a copy of it, or move it"),
    "empty store": (write("store.db", b""), r"store\.db: the file is damaged \(it is empty\)"),
    "garbage store": (
        write("store.db", os.urandom(50_000)),
        r"store\.db: the file is damaged \(file is not a database",
    ),
    "store of somebody else": (somebody_elses, r"store\.db: the file is damaged \(it is not a Wherry store\)"),
    "store of the future": (of_the_future, r"store\.db: has layout 99, this Wherry knows \d+; use the one that wrote"),
    "garbage authority": (write("pki/ca.crt", b"garbage"), "authority in .* is damaged: remove that directory"),
    "half a signing key": (write("pki/sa.key", b"-----BEGIN"), r"sa\.key is damaged: remove it"),
    "garbage configuration": (
        write("cluster.json", b"{"),
        "cluster.json is damaged .*: remove the cluster with `wherry",
    ),
    "empty configuration": (write("cluster.json", b""), "cluster.json is damaged"),
    "configuration of other types": (
        write("cluster.json", b'{"format": 1, "name": "poor", "index": "x", "runtime": "fake", "port": 1}'),
        "cluster.json is damaged .index is 'x'.",
    ),
    "configuration of the future": (
        write("cluster.json", b'{"format": 99}'),
        "format 99, this Wherry reads 1: use the",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_state_is_said_and_can_be_removed(shell: Shell, place: Path, damage: str) -> None:
    make, words = DAMAGE[damage]
    make(place)
    assert re.search(words, refused(shell, "start", NAME))
    shell.wherry("down", NAME)
    assert not place.exists()


@pytest.mark.parametrize("processes", ["one", "many"])
def test_a_damaged_store_is_repaired_and_it_is_said(shell: Shell, place: Path, processes: str) -> None:
    with (place / "store.db").open("r+b") as store:
        store.write(bytes(100))
    shell.wherry("up", NAME, "--processes", processes)
    told = (place / "wherry.log").read_text()
    assert re.search(
        r"the store was damaged \(.*\): \d+ objects recovered, nothing is known to be lost; the damaged", told
    )
    assert len(list(place.glob("store.db.damaged-*"))) == 1
    assert ask(place, lambda client: client.get("configmaps", "keep", namespace="default"))
    shell.wherry("down", NAME)
    assert not place.exists()


def test_a_damaged_cluster_does_not_stand_in_the_way_of_others(shell: Shell, place: Path) -> None:
    (place / "cluster.json").write_text("{")
    try:
        shell.wherry("up", f"{NAME}-2", "--runtime", "fake", "--port", str(PORT + 2))
        assert f"{NAME}-2" in shell.wherry("list")
    finally:
        shell.wherry("down", f"{NAME}-2")


@pytest.mark.parametrize("processes", ["one", "many"])
def test_a_store_in_use_is_said(shell: Shell, place: Path, processes: str) -> None:
    import fcntl

    shell.wherry("up", NAME, "--processes", processes)
    shell.wherry("stop", NAME, "--grace", "0")
    with (place / "store.db.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert re.search(r"store\.db: in use by .*; stop it first", refused(shell, "start", NAME))
    shell.wherry("start", NAME)


def test_certificates_that_are_gone_are_made_anew(shell: Shell, place: Path) -> None:
    shutil.rmtree(place / "pki")
    shell.wherry("start", NAME)
    assert ask(place, lambda client: client.get("configmaps", "keep", namespace="default"))
    shell.wherry("stop", NAME, "--grace", "0")
    (place / "pki/apiserver.key").write_text("garbage")
    shell.wherry("start", NAME)
    assert ask(place, lambda client: client.get("configmaps", "keep", namespace="default"))


def test_a_damaged_kubeconfig_of_the_user_is_left_alone(shell: Shell, place: Path) -> None:
    users = Path(shell.environment["KUBECONFIG"])
    users.write_text("{{{ mine")
    said = refused(shell, "start", NAME)
    assert "the cluster is up, but its context cannot be put into your kubeconfig" in said
    assert f"export KUBECONFIG={place}/kubeconfig" in said
    assert users.read_text() == "{{{ mine"
    assert ask(place, lambda client: client.get("configmaps", "keep", namespace="default"))
    assert "the cluster is gone, but not its context" in refused(shell, "down", NAME)
    assert not place.exists()


def test_a_directory_with_something_else_in_it_is_never_touched(shell: Shell, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "pki").mkdir(parents=True)
    (mine / "thesis.txt").write_text("years of work")
    for command in (("up", NAME, *FAKE), ("down", NAME), ("reset", NAME)):
        refused(shell, *command, "--state-dir", str(mine))
    assert sorted(path.name for path in mine.iterdir()) == ["pki", "thesis.txt"]
