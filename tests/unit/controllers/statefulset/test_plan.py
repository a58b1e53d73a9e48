"""The next steps of a stateful set, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.controllers.statefulset import plan
from wherry.controllers.statefulset.plan import View

NOW = 1_767_225_600.0


def pod(ordinal: int, revision: str = "new", *, ready: bool = True, phase: str = "Running", **metadata: Any) -> Object:
    labels = {
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": f"web-{ordinal}",
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    since = rfc3339(NOW - metadata.pop("ready_for", 3600))
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": since}
    found = {"name": f"web-{ordinal}", "labels": labels, "uid": f"u{ordinal}", **metadata}
    return {"metadata": found, "spec": {}, "status": {"phase": phase, "conditions": [condition]}}


def steps(*pods: Object, replicas: int = 3, **spec: Any) -> plan.Steps:
    body = {"metadata": {"name": "web", "namespace": "d", "uid": "u"}, "spec": {"replicas": replicas, **spec}}
    by_ordinal = {int(p["metadata"]["name"][4:]): p for p in pods}
    return plan.steps(View(body, by_ordinal, "old", "new", NOW))


def rolling(**more: Any) -> dict[str, Any]:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": more}}


def deleted(found: plan.Steps) -> list[str]:
    return [p["metadata"]["name"] for p in found.delete]


PARALLEL = {"podManagementPolicy": "Parallel"}


def test_one_after_another_where_order_is_kept() -> None:
    assert steps().create == [0]
    assert steps(pod(0)).create == [1]
    assert steps(pod(0, ready=False)).create == []
    assert steps(**PARALLEL).create == [0, 1, 2]


def test_a_hole_is_filled_before_anything_else() -> None:
    found = steps(pod(0, "old"), pod(2, "old"))
    assert (found.create, deleted(found)) == ([1], [])


def test_ready_is_not_yet_available() -> None:
    found = steps(pod(0, ready_for=4), minReadySeconds=10)
    assert (found.create, found.wait) == ([], 6.0)
    assert steps(pod(0, ready_for=10), minReadySeconds=10).create == [1]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (rolling(partition=0), ["web-3"]),
        (rolling(partition=3), ["web-3"]),
        (rolling(partition=4), []),
        (rolling(partition=0, maxUnavailable=2), ["web-3", "web-2"]),
        (rolling(partition=0, maxUnavailable="50%"), ["web-3", "web-2"]),
        (rolling(partition=0, maxUnavailable="10%"), ["web-3"]),
        (rolling(partition=2, maxUnavailable=4), ["web-3", "web-2"]),
        ({"updateStrategy": {"type": "OnDelete"}}, []),
    ],
)
def test_who_is_replaced_next(spec: dict[str, Any], expected: list[str]) -> None:
    assert deleted(steps(*(pod(i, "old") for i in range(4)), replicas=4, **spec)) == expected


def test_what_is_missing_already_counts() -> None:
    pods = [pod(0, "old"), pod(1, "old"), pod(2, "old"), pod(3, ready=False)]
    assert deleted(steps(*pods, replicas=4, **PARALLEL, **rolling(maxUnavailable=1))) == []
    assert deleted(steps(*pods, replicas=4, **PARALLEL, **rolling(maxUnavailable=2))) == ["web-2"]


def test_ordinals_start_where_they_are_told() -> None:
    found = steps(pod(0), pod(1), pod(2), replicas=2, ordinals={"start": 1})
    assert deleted(found) == ["web-0"], "below the start"
    assert steps(replicas=2, ordinals={"start": 5}).create == [5]
    partition = rolling(partition=1)
    assert deleted(steps(pod(5, "old"), pod(6, "old"), replicas=2, ordinals={"start": 5}, **partition)) == ["web-6"]


def test_an_ended_pod_goes_first_and_only_once() -> None:
    found = steps(pod(0), pod(1, phase="Failed"), pod(2, "old"))
    assert [p["metadata"]["name"] for p in found.recreate] == ["web-1"]
    assert deleted(found) == []
    going = steps(pod(0), pod(1, phase="Succeeded", deletionTimestamp=rfc3339(NOW)), pod(2, "old"))
    assert (going.recreate, going.create, deleted(going)) == ([], [], [])


def test_shrinking_waits_for_the_last_to_go() -> None:
    going = pod(2, deletionTimestamp=rfc3339(NOW))
    assert deleted(steps(pod(0), pod(1), going, replicas=1)) == []
    assert deleted(steps(pod(0), pod(1), going, replicas=1, **PARALLEL)) == ["web-1"]
    assert deleted(steps(pod(0, ready=False), pod(1), pod(2), replicas=1)) == []
