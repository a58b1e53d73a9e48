"""Every example does what it says, on the shared cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Shell

pytestmark = [pytest.mark.e2e, pytest.mark.root]

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_SECONDS = 60
OPTIONS = {"01-hello": ["--name", "e2e"]}
"""The first example starts its cluster itself; here it is told to use the one that is there."""


def programs() -> list[Path]:
    """Each example's one program."""
    return sorted([*EXAMPLES.glob("[0-9][0-9]-*/run.py"), *EXAMPLES.glob("[0-9][0-9]-*/run.sh")])


@pytest.fixture(scope="session")
def path_with_wherry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which `wherry` and `python` are this tree's."""
    folder = tmp_path_factory.mktemp("bin")
    for name, command in (("wherry", f'{sys.executable} -m wherry "$@"'), ("python", f'{sys.executable} "$@"')):
        script = folder / name
        script.write_text(f"#!/bin/sh\nexec {command}\n")
        script.chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])


@pytest.fixture(scope="session")
def simulated_home(tmp_path_factory: pytest.TempPathFactory, path_with_wherry: str) -> Iterator[str]:
    """Where the examples on fake nodes keep the cluster that they share; it is removed at the end."""
    home = str(tmp_path_factory.mktemp("simulated"))
    yield home
    environment = {**os.environ, "PATH": path_with_wherry, "WHERRY_HOME": home, "KUBECONFIG": f"{home}/kubeconfig"}
    subprocess.run(["wherry", "down", "simulated"], env=environment, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("program", programs(), ids=lambda program: program.parent.name)
def test_example(program: Path, cluster: Shell, path_with_wherry: str, simulated_home: str) -> None:
    command = [sys.executable, str(program)] if program.suffix == ".py" else [str(program)]
    done = subprocess.run(
        [*command, *OPTIONS.get(program.parent.name, [])],
        env={**cluster.environment, "PATH": path_with_wherry, "EXAMPLES_HOME": simulated_home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_example_has_a_program_and_a_page() -> None:
    folders = {path for path in EXAMPLES.iterdir() if path.is_dir() and path.name[:2].isdigit()}
    assert {program.parent for program in programs()} == folders
    overview = (EXAMPLES / "README.md").read_text()
    for folder in folders:
        assert f"({folder.name}/)" in overview, f"examples/README.md does not name {folder.name}"
        assert folder.name == "01-hello" or (folder / "README.md").exists()
