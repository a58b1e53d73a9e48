"""What a cluster's start must not load before its API server answers: loading is most of the start."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOAD = "import sys, wherry.cli.launch, wherry.distro.assembly; print(*sys.modules)"


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "cryptography",
        "email",
        "http.client",
        "importlib.metadata",
        "numpy",
        "unittest",
        "wherry.controllers",
        "wherry.dashboard",
        "wherry.network.dns",
        "wherry.node",
        "wherry.platform",
        "wherry.scheduler",
        "xml",
        "yaml",
    ],
)
def test_not_needed_before_the_api_server_answers(loaded: set[str], module: str) -> None:
    assert module not in loaded
