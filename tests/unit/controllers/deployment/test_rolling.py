"""How many pods each replica set should have, as plain decisions."""

from __future__ import annotations

import random

import pytest

from wherry.api.types import Object
from wherry.controllers.deployment import rolling
from wherry.controllers.deployment.template_hash import same_template, template_hash


def deployment(replicas: int, surge: int | str = "25%", unavailable: int | str = "25%") -> Object:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    return {"metadata": {"name": "d"}, "spec": {"replicas": replicas, "strategy": strategy}, "status": {}}


def rs(name: str, replicas: int, available: int | None = None, **annotations: str) -> Object:
    metadata = {
        "name": name,
        "creationTimestamp": f"2026-01-01T00:00:0{len(name)}Z",
        "annotations": {f"deployment.kubernetes.io/{k.replace('_', '-')}": v for k, v in annotations.items()},
    }
    status = {"availableReplicas": replicas if available is None else available}
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": status}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (4, 0, 1, (0, 1)),
        (3, 0, "10%", (0, 1)),
        (0, "25%", "25%", (0, 1)),
    ],
)
def test_fenceposts(replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]) -> None:
    assert rolling.fenceposts(deployment(replicas, surge, unavailable)) == expected


def test_the_new_set_grows_into_the_surge() -> None:
    wanted = deployment(10)
    old, new = rs("old", 10), rs("new", 0)
    assert rolling.new_size(wanted, [old, new], new) == 3
    assert rolling.new_size(wanted, [rs("old", 13), new], new) == 0
    assert rolling.new_size(wanted, [rs("old", 2), rs("new", 8)], rs("new", 8)) == 10
    assert rolling.new_size(wanted, [rs("new", 12)], rs("new", 12)) == 10


def test_unhealthy_old_pods_go_first() -> None:
    wanted = deployment(10)
    older, old, new = rs("o", 4, available=1), rs("old", 6), rs("new", 3, available=0)
    assert [(r["metadata"]["name"], size) for r, size in rolling.old_sizes(wanted, [old, older], new)] == [("o", 2)]


def test_a_new_size_is_shared_by_proportion() -> None:
    wanted = deployment(20)
    notes = {"desired_replicas": "10", "max_replicas": "13"}
    sets = [rs("old", 8, **notes), rs("newer", 5, **notes)]
    assert rolling.is_scaling(wanted, sets)
    sizes = {r["metadata"]["name"]: size for r, size in rolling.scaled_sizes(wanted, sets[:1], sets[1])}
    assert sizes == {"old": 15, "newer": 10}


@pytest.mark.parametrize("seed", range(20))
def test_no_step_breaks_a_promise(seed: int) -> None:
    """Random sizes and availabilities: never too many pods, never too few available ones by our doing."""
    rng = random.Random(seed)
    for _ in range(50):
        wanted = deployment(rng.randrange(1, 20), rng.choice([0, 1, 3, "30%"]), rng.choice([0, 1, 2, "40%"]))
        surge, unavailable = rolling.fenceposts(wanted)
        total = wanted["spec"]["replicas"]
        size = rng.randrange(total + 1)
        old, new = rs("old", total, rng.randrange(total + 1)), rs("new", size, rng.randrange(size + 1))
        after = rolling.new_size(wanted, [old, new], new)
        assert after <= max(size, total)
        assert after == size or after + total <= total + surge
        before = old["status"]["availableReplicas"] + new["status"]["availableReplicas"]
        for changed, smaller in rolling.old_sizes(wanted, [old], new):
            lost = max(0, changed["status"]["availableReplicas"] - smaller)
            assert before - lost >= min(before, total - unavailable)


def test_the_hash_is_of_the_meaning() -> None:
    one = {"metadata": {"labels": {"a": "b"}, "creationTimestamp": None}, "spec": {"containers": [], "x": 1}}
    other = {"spec": {"x": 1}, "metadata": {"labels": {"pod-template-hash": "h", "a": "b"}}}
    assert same_template(one, other)
    assert template_hash(one) == template_hash(other) == template_hash(dict(reversed(one.items())))
    assert template_hash(one, 1) != template_hash(one)
    assert template_hash({"spec": {"x": 2}}) != template_hash(one)
