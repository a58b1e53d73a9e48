"""Which daemon pods are replaced next, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.controllers.daemonset import placement

NOW = 1_767_225_600.0


def pod(node: str, revision: str = "old", *, ready: bool = True, since: float = 3600, going: bool = False) -> Object:
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": rfc3339(NOW - since)}
    metadata: Object = {"name": f"{node}-{revision}", "labels": {"controller-revision-hash": revision}}
    if going:
        metadata["deletionTimestamp"] = rfc3339(NOW)
    return {
        "metadata": metadata,
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "conditions": [condition]},
    }


def rolling(*pods: Object, desired: int = 4, min_ready: int = 0, **strategy: Any) -> placement.Steps:
    update = {"type": "RollingUpdate", "rollingUpdate": strategy}
    daemonset = {"metadata": {"name": "d"}, "spec": {"updateStrategy": update, "minReadySeconds": min_ready}}
    placed = placement.by_node(pods)
    return placement.rolling_steps(daemonset, placed, "new", desired, NOW)


def deleted(found: placement.Steps) -> list[str]:
    return sorted(pod["metadata"]["name"] for pod in found.delete)


OLD = [pod(f"n{i}") for i in range(4)]


@pytest.mark.parametrize(
    ("value", "count"), [(1, 1), (2, 2), ("25%", 1), ("26%", 2), ("100%", 4), ("1%", 1)]
)  # fmt: skip
def test_how_many_nodes_may_be_without(value: int | str, count: int) -> None:
    assert len(rolling(*OLD, maxUnavailable=value).delete) == count


def test_who_does_not_work_goes_at_once() -> None:
    pods = [pod("n0", ready=False), pod("n1", ready=False), pod("n2"), pod("n3")]
    assert deleted(rolling(*pods, maxUnavailable=1)) == ["n0-old", "n1-old", "n2-old"]


def test_new_pods_that_are_not_available_yet_hold_the_others() -> None:
    pods = [pod("n0", "new", since=5), *OLD[1:]]
    assert deleted(rolling(*pods, maxUnavailable=1, min_ready=10)) == []
    assert deleted(rolling(*pods, maxUnavailable=1)) == ["n1-old"]
    going = [pod("n0", going=True), *OLD[1:]]
    assert deleted(rolling(*going, maxUnavailable=1)) == []


@pytest.mark.parametrize(("value", "nodes"), [(1, 1), ("50%", 2), ("26%", 2), ("100%", 4)])
def test_surging_starts_as_many_as_it_may(value: int | str, nodes: int) -> None:
    found = rolling(*OLD, maxSurge=value, maxUnavailable=0)
    assert (len(found.create_on), found.delete) == (nodes, [])


def test_surging_deletes_the_old_one_when_the_new_one_is_available() -> None:
    pods = [*OLD, pod("n0", "new"), pod("n1", "new", ready=False)]
    found = rolling(*pods, maxSurge=1, maxUnavailable=0)
    assert (deleted(found), found.create_on) == (["n0-old"], [])
    found = rolling(*pods, maxSurge=2, maxUnavailable=0)
    assert (deleted(found), len(found.create_on)) == (["n0-old"], 1)


def test_surging_replaces_at_once_what_does_not_work() -> None:
    pods = [pod("n0", ready=False), *OLD[1:]]
    found = rolling(*pods, maxSurge=1, maxUnavailable=0)
    assert "n0" in found.create_on
    assert len(found.create_on) == 2
