"""The pytest plugin in a pytest of its own, as users have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src"

TESTS = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def prepared(wherry_cluster):
    wherry_cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}})

@pytest.mark.parametrize("number", range(4))
def test_each_has_its_own(cluster, number):
    assert cluster.get("cm/shared")
    assert [c["metadata"]["name"] for c in cluster.list("configmaps", namespace="default")] == ["kube-root-ca.crt", "shared"]
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"own-{number}"}})

@pytest.mark.wherry(nodes=3, clock="stopped")
def test_marked(cluster):
    assert len(cluster.list("nodes")) == 3
"""

FAILING = """
def test_fails(cluster):
    assert cluster.seed == 0
"""


def run(folder: Path, *arguments: str) -> str:
    """A pytest with no plugins but ours and those named."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "wherry.testing.pytest_plugin",
        *arguments,
    ]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def test_fixtures_with_workers(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    assert "5 passed" in run(tmp_path, "-p", "xdist", "-n", "2")


def test_a_failure_tells_the_seed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FAILING)
    said = run(tmp_path, "--wherry-seed", "12345")
    assert "1 failed" in said
    assert "run it again with the same chance: --wherry-seed 12345" in said


def test_unused_it_loads_nothing() -> None:
    code = "import sys, wherry.testing.pytest_plugin; print(*[m for m in sys.modules if m.startswith('wherry')])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == {"wherry", "wherry.testing", "wherry.testing.pytest_plugin"}
