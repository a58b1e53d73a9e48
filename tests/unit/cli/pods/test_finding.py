"""Which pod and which container is meant."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.cli.errors import Refused
from wherry.cli.pods.containers import choose, names
from wherry.cli.pods.finding import preference


def _pod(name: str, phase: str, *, ready: bool = False, node: str = "n", created: str = "2026-01-01") -> Any:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"name": name, "creationTimestamp": created},
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": conditions},
    }


def test_the_best_pod_comes_first() -> None:
    pods = [
        _pod("nowhere", "Pending", node=""),
        _pod("pending", "Pending"),
        _pod("running", "Running"),
        _pod("young", "Running", ready=True, created="2026-01-02"),
        _pod("old", "Running", ready=True),
        _pod("done", "Succeeded"),
    ]
    found = [pod["metadata"]["name"] for pod in sorted(pods, key=preference)]
    assert found == ["old", "young", "running", "pending", "done", "nowhere"]


POD: Any = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]},
}


def test_containers(capsys: pytest.CaptureFixture[str]) -> None:
    assert names(POD) == ["i", "a", "b"]
    assert choose(POD, "") == "a"
    assert capsys.readouterr().err == 'Defaulted container "a" out of: a, b, i (init)\n'
    assert choose(POD, "i") == "i"
    marked = {**POD, "metadata": {"name": "p", "annotations": {"kubectl.kubernetes.io/default-container": "b"}}}
    assert choose(marked, "") == "b"
    with pytest.raises(Refused, match="container x is not valid for pod p"):
        choose(POD, "x")
