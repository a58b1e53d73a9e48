"""A real cluster for the end-to-end tests: started by the command line, driven by the real kubectl, gone afterwards."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from wherry.api.errors import StatusError

MINIMUM_KUBECTL = (1, 32)


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands against one cluster."""

    name: str
    home: Path
    environment: dict[str, str]

    def wherry(self, *arguments: str, check: bool = True, input: str | None = None, timeout: float = 60) -> str:
        return self._run([sys.executable, "-m", "wherry", *arguments], check=check, input=input, timeout=timeout)

    def kubectl(self, *arguments: str, check: bool = True, input: str | None = None, timeout: float = 60) -> str:
        """Standard output; raises `AssertionError` with all that was said when it fails."""
        return self._run([kubectl_path(), *arguments], check=check, input=input, timeout=timeout)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.kubectl(*arguments, "-o", "json"))

    def _run(self, command: list[str], *, check: bool, input: str | None, timeout: float) -> str:
        done = subprocess.run(
            command, env=self.environment, input=input, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout if check else done.stdout + done.stderr

    def pid(self) -> int:
        return int((self.home / self.name / "run.lock").read_text())


def kubectl_path() -> str:
    """The real kubectl, at least 1.32. Where there is none, the test that wants it is reported as not run, with why."""
    path = shutil.which("kubectl")
    if path is None:
        pytest.skip("kubectl is not on PATH: install 1.32 or later to run this test")
    found = re.search(r"v(\d+)\.(\d+)", _kubectl_version(path))
    if found is None or (int(found[1]), int(found[2])) < MINIMUM_KUBECTL:
        pytest.skip(f"kubectl is too old ({_kubectl_version(path)}): install 1.32 or later to run this test")
    return path


@cache
def _kubectl_version(path: str) -> str:
    command = [path, "version", "--client"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def environment_of(home: Path) -> dict[str, str]:
    """An environment in which `wherry` and kubectl see only what is below `home`."""
    source = Path(__file__).parents[2] / "src"
    return {
        **os.environ,
        "WHERRY_HOME": str(home),
        "KUBECONFIG": str(home / "kubeconfig"),
        "PYTHONPATH": str(source),
        "KUBECACHEDIR": str(home / "kubectl-cache"),
    }


@pytest.fixture(scope="session")
def make_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Shell]]:
    """Starts clusters: `make_cluster("name", "--nodes", "2")`. They are all removed at the end, whatever happened."""
    made: list[Shell] = []

    def make(name: str, *options: str) -> Shell:
        home = tmp_path_factory.mktemp(name)
        shell = Shell(name, home, environment_of(home))
        made.append(shell)
        shell.wherry("up", name, *options)
        return shell

    try:
        yield make
    finally:
        for shell in made:
            shell.wherry("down", shell.name)


@pytest.fixture(scope="session")
def cluster(make_cluster: Callable[..., Shell]) -> Shell:
    """One cluster with two nodes and real containers, shared by all tests; each uses a namespace of its own."""
    return make_cluster("e2e", "--nodes", "2", "--runtime", "oci")


@pytest.fixture
def namespace(cluster: Shell, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, removed afterwards."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:50].strip("-")
    cluster.kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")


def eventually(check: Callable[[], Any], *, seconds: float = 20, every: float = 0.1) -> Any:
    """Try until it gives something true; raises what it last raised, or `AssertionError`. What is not there yet is asked for again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if result := check():
                return result
            failure: Exception = AssertionError(f"{check} gave {result!r}")
        except (AssertionError, StatusError, OSError) as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(every)
