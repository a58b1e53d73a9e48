"""From figures to replicas."""

from __future__ import annotations

import pytest

from wherry.api.types import Object
from wherry.controllers.autoscaler.calculator import (
    Tolerances,
    by_average,
    by_utilization,
    by_value,
    by_value_per_pod,
)
from wherry.controllers.autoscaler.grouping import CannotCompute, Groups, Sample, group, requests

NOW = 1_767_225_600.0
START, READY_AT = "2025-12-31T23:00:00Z", "2025-12-31T23:00:10Z"


def samples(*values: int) -> dict[str, Sample]:
    return {f"p{index}": Sample(value, NOW) for index, value in enumerate(values)}


def utilization(
    values: dict[str, Sample], groups: Groups, *, target: int = 50, current: int = 3, tolerance: float = 0.1
) -> int:
    names = values.keys() | groups.missing | groups.unready
    asked = dict.fromkeys(names, 1000)
    tolerances = Tolerances(tolerance, tolerance)
    return by_utilization(values, groups, asked, target=target, current=current, tolerances=tolerances).replicas


@pytest.mark.parametrize(
    ("groups", "values", "expected"),
    [
        (Groups(ready=3), (1000, 1000, 1000), 6),
        (Groups(ready=3), (100, 100, 100), 1),
        (Groups(ready=3), (520, 520, 520), 3),  # within the tolerance
        (Groups(ready=2, missing={"m"}), (900, 900), 4),  # missing use nothing when scaling up: 60 % of 50 %
        (Groups(ready=2, missing={"m"}), (100, 100), 3),  # and all of it when scaling down: 40 %, 2.4 pods
        (Groups(ready=2, unready={"u"}), (1000, 1000), 4),
        (Groups(ready=2, unready={"u"}), (100, 100), 1),  # who starts holds nobody back
        (Groups(ready=1, missing={"m", "n"}), (600,), 3),  # would turn round
    ],
)
def test_by_utilization(groups: Groups, values: tuple[int, ...], expected: int) -> None:
    assert utilization(samples(*values), groups) == expected


def test_a_target_above_a_hundred_is_what_missing_pods_are_taken_to_use() -> None:
    groups = Groups(ready=2, missing={"m"})
    assert utilization(samples(500, 500), groups, target=200) == 2
    assert utilization(samples(1900, 1900), groups, target=200, tolerance=0.01) == 3


def test_tolerance_may_differ_by_direction() -> None:
    values, groups = samples(600, 600), Groups(ready=2)
    asked = dict.fromkeys(values, 1000)

    def result(up: float, down: float) -> int:
        tolerances = Tolerances(up, down)
        return by_utilization(values, groups, asked, target=50, current=2, tolerances=tolerances).replicas

    assert result(0.1, 0.9) == 3
    assert result(0.3, 0.0) == 2


def test_by_average_and_its_failures() -> None:
    tolerances = Tolerances()
    found = by_average(samples(30_000, 10_000), Groups(ready=2), target=10_000, current=2, tolerances=tolerances)
    assert (found.replicas, found.average) == (4, 20_000)
    found = by_average(samples(5_000), Groups(ready=1, missing={"m"}), target=10_000, current=2, tolerances=tolerances)
    assert found.replicas == 2
    with pytest.raises(CannotCompute, match="did not receive metrics for targeted pods"):
        by_average({}, Groups(missing={"m"}), target=1, current=1, tolerances=tolerances)
    with pytest.raises(CannotCompute, match="no metrics returned matched known pods"):
        by_utilization(samples(1), Groups(ready=1), {}, target=1, current=1, tolerances=tolerances)


def test_one_figure_for_all_pods() -> None:
    tolerances = Tolerances()
    assert by_value(30, target=10, ready=2, current=2, tolerances=tolerances).replicas == 6
    assert by_value(10, target=10, ready=1, current=2, tolerances=tolerances).replicas == 2
    assert by_value(25, target=10, ready=0, current=0, tolerances=tolerances).replicas == 3
    found = by_value_per_pod(45, target=10, replicas=2, tolerances=tolerances)
    assert (found.replicas, found.average) == (5, 23)
    assert by_value_per_pod(21, target=10, replicas=2, tolerances=tolerances).replicas == 2
    assert by_value_per_pod(21, target=10, replicas=0, tolerances=tolerances).replicas == 3


def pod(
    name: str, *, phase: str = "Running", ready: str = "True", since: str = READY_AT, started: str = START
) -> Object:
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": since}
    status: Object = {"phase": phase, "conditions": [condition]}
    if started:
        status["startTime"] = started
    return {"metadata": {"name": name}, "spec": {"containers": []}, "status": status}


def grouped(one: Object, *, sampled: bool = True, cpu: bool = True, at: float = NOW) -> str:
    found = group([one], {"p": Sample(1, at, 15.0)} if sampled else {}, cpu=cpu, now=NOW)
    return next((name for name in ("unready", "missing", "ignored") if getattr(found, name)), "ready")


def test_which_pods_count() -> None:
    assert grouped(pod("p")) == "ready"
    assert grouped(pod("p"), sampled=False) == "missing"
    assert grouped(pod("p", phase="Pending")) == "unready"
    assert grouped(pod("p", phase="Failed")) == "ignored"
    gone = pod("p")
    gone["metadata"]["deletionTimestamp"] = START
    assert grouped(gone) == "ignored"


def test_cpu_of_pods_that_start_does_not_count() -> None:
    fresh = "2025-12-31T23:58:00Z"
    assert grouped(pod("p", started="")) == "unready"
    assert grouped(pod("p", started=fresh, since=fresh, ready="False")) == "unready"
    assert grouped(pod("p", started=fresh, since="2025-12-31T23:59:55Z")) == "unready"  # window not past readiness yet
    assert grouped(pod("p", started=fresh, since="2025-12-31T23:59:40Z")) == "ready"
    assert grouped(pod("p", ready="False")) == "unready"  # has never been ready
    assert grouped(pod("p", ready="False", since="2025-12-31T23:30:00Z")) == "ready"  # was ready once
    assert grouped(pod("p", started="", ready="False"), cpu=False) == "ready"


def test_requests_of_containers_sidecars_and_whole_pods() -> None:
    def container(name: str, cpu: str | None, **more: str) -> Object:
        return {"name": name, **more, "resources": {"requests": {"cpu": cpu}} if cpu else {}}

    one: Object = {
        "metadata": {"name": "p"},
        "spec": {
            "containers": [container("a", "100m"), container("b", "200m")],
            "initContainers": [container("s", "50m", restartPolicy="Always"), container("i", "9")],
        },
    }
    assert requests([one], "cpu") == {"p": 350}
    assert requests([one], "cpu", "b") == {"p": 200}
    one["spec"]["resources"] = {"requests": {"cpu": "1"}}
    assert requests([one], "cpu") == {"p": 1000}
    del one["spec"]["resources"]
    one["spec"]["containers"].append(container("c", None))
    with pytest.raises(CannotCompute, match="missing request for cpu in container c of Pod p"):
        requests([one], "cpu")
