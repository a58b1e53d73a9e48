"""The cluster's own kubeconfig is written where it says something else, and only there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from wherry.base.clock import RealClock
from wherry.client import kubeconfig as files
from wherry.distro import kubeconfig
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.pki import Authority

CONFIG = ClusterConfig(name="one", index=0, runtime="fake", port=6443)


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path)


@pytest.fixture
def authority(state: StateDirectory) -> Authority:
    made = Authority(state.pki, clock=RealClock())
    made.ensure()
    return made


def test_is_written_once(state: StateDirectory, authority: Authority) -> None:
    kubeconfig.write(state, CONFIG, authority)
    before = state.kubeconfig.stat()
    kubeconfig.write(state, CONFIG, authority)
    assert state.kubeconfig.stat().st_ino == before.st_ino


@pytest.mark.parametrize("change", [{"port": 644}, {"name": "other"}])
def test_is_written_anew_when_the_cluster_is_somewhere_else(
    state: StateDirectory, authority: Authority, change: dict[str, object]
) -> None:
    kubeconfig.write(state, CONFIG, authority)
    changed = dataclasses.replace(CONFIG, **change)
    kubeconfig.write(state, changed, authority)
    connection = files.connection(files.load([state.kubeconfig]))
    assert connection.server == changed.server
