"""What a pod asks for as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.scheduler.requests import amount, pod_requests, requests_and_weights

MI = 1024 * 1024


def container(cpu: str = "", memory: str = "", **extra: Any) -> dict[str, Any]:
    requests = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"name": extra.pop("name", "c"), "resources": {"requests": requests}, **extra}


def sidecar(cpu: str) -> dict[str, Any]:
    return container(cpu, restartPolicy="Always")


def pod(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **spec: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"containers": list(containers), "initContainers": list(init), **spec}}


@pytest.mark.parametrize(
    ("made", "cpu"),
    [
        (pod(container("100m"), container("1")), 1100),
        (pod(container("1"), init=(container("2"), container("3"))), 3000),
        (pod(container("2"), init=(container("1"),)), 2000),
        (pod(container("1"), init=(sidecar("500m"),)), 1500),
        # The init container runs beside the sidecar that came before it, not beside the one after.
        (pod(container("1"), init=(sidecar("1"), container("2"), sidecar("1"))), 3000),
        (pod(container("1"), init=(container("2"), sidecar("500m"))), 2000),
        (pod(container("1"), overhead={"cpu": "250m"}), 1250),
        (pod(container("1"), container("1"), resources={"requests": {"cpu": "3"}}), 3000),
        (pod(container()), 0),
    ],
)
def test_cpu_of_a_pod(made: dict[str, Any], cpu: int):
    assert pod_requests(made).get("cpu", 0) == cpu


def test_resources_are_added_up_by_name():
    made = pod(container("1", "64Mi"), container("1", "64Mi"))
    made["spec"]["containers"][0]["resources"]["requests"]["example.org/gpu"] = "2"
    assert pod_requests(made) == {"cpu": 2000, "memory": 128 * MI, "example.org/gpu": 2}


def test_containers_without_requests_count_with_defaults_where_nodes_are_compared():
    made = pod(container(), container("50m"), container("0", "0"))
    assert pod_requests(made, nonzero=True) == {"cpu": 150, "memory": 400 * MI}


def test_during_a_resize_the_larger_amount_counts():
    made = pod(container("1", name="a"))
    made["status"] = {"containerStatuses": [{"name": "a", "allocatedResources": {"cpu": "2"}}]}
    assert pod_requests(made)["cpu"] == 2000
    made["status"]["containerStatuses"][0]["resources"] = {"requests": {"cpu": "3"}}
    assert pod_requests(made)["cpu"] == 3000


def test_amounts_are_rounded_up_and_nonsense_is_nothing():
    assert amount("cpu", "1.0001") == 1001
    assert amount("memory", "1500m") == 2
    assert amount("cpu", "much") == 0


@pytest.mark.parametrize(
    "containers",
    [
        (container("100m", "64Mi"), container("1")),
        (container(), container("", "1Gi")),
        (container("0", "0"),),
        ({"name": "c"},),
        (container("1", "1Gi", name="gpu") | {"resources": {"requests": {"cpu": "1", "example.com/gpu": "2"}}},),
    ],
)
def test_the_quick_way_for_plain_pods_gives_the_same(containers: tuple[dict[str, Any], ...]):
    plain = {"metadata": {}, "spec": {"containers": list(containers)}, "status": {"phase": "Pending"}}
    long_way = plain | {"spec": {**plain["spec"], "initContainers": []}}
    assert requests_and_weights(plain) == requests_and_weights(long_way)
