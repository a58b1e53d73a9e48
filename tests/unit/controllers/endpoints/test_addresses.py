"""What pods offer to services, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.controllers.endpoints import addresses, endpoints

NODE = {"metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "a"}}}


def service(**spec: Any) -> Object:
    return {"metadata": {"name": "web", "namespace": "d"}, "spec": {"ports": [{"port": 80}], **spec}}


def pod(name: str = "p", ip: str = "10.0.0.1", *, ready: bool = True, going: bool = False, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "d", "uid": name}
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [condition]}
    return {"metadata": metadata, "spec": {"nodeName": "n1", "containers": [], **spec}, "status": status}


def endpoint(made: Object, **spec: Any) -> Object:
    return addresses.endpoint(made, service(**spec), NODE, "IPv4")


@pytest.mark.parametrize(
    ("ready", "going", "publish", "expected"),
    [
        (True, False, False, (True, True, False)),
        (False, False, False, (False, False, False)),
        (True, True, False, (False, True, True)),
        (False, True, False, (False, False, True)),
        (False, False, True, (True, False, False)),
        (True, True, True, (True, True, True)),
    ],
)
def test_ready_serving_terminating(ready: bool, going: bool, publish: bool, expected: tuple[bool, ...]) -> None:
    found = endpoint(pod(ready=ready, going=going), publishNotReadyAddresses=publish)["conditions"]
    assert (found["ready"], found["serving"], found["terminating"]) == expected


@pytest.mark.parametrize(
    ("wish", "hints"),
    [
        (None, None),
        ("PreferClose", {"forZones": [{"name": "a"}]}),
        ("PreferSameZone", {"forZones": [{"name": "a"}]}),
        ("PreferSameNode", {"forNodes": [{"name": "n1"}], "forZones": [{"name": "a"}]}),
    ],
)
def test_who_should_prefer_an_endpoint(wish: str | None, hints: Object | None) -> None:
    assert endpoint(pod(), trafficDistribution=wish).get("hints") == hints
    assert endpoint(pod(ready=False), trafficDistribution=wish).get("hints") is None


def test_the_zone_is_the_nodes() -> None:
    found = endpoint(pod())
    assert (found["zone"], found["nodeName"]) == ("a", "n1")


def test_host_names_are_for_the_service_that_is_their_domain() -> None:
    assert endpoint(pod(hostname="db-0", subdomain="web"))["hostname"] == "db-0"
    assert "hostname" not in endpoint(pod(hostname="db-0", subdomain="other"))


def many(count: int, *, ready: bool = True, first: int = 0) -> list[Object]:
    numbers = range(first, first + count)
    return [pod(f"p{i}", f"10.0.{i // 250}.{i % 250 + 1}", ready=ready) for i in numbers]


def test_a_thousand_addresses_and_no_more_ready_ones_first() -> None:
    found = endpoints.subsets(service(), [*many(900), *many(300, ready=False, first=900)])
    (kept,), over = endpoints.truncated(found)
    assert over
    assert (len(kept["addresses"]), len(kept["notReadyAddresses"])) == (900, 100)
    found = endpoints.subsets(service(), [*many(1000)])
    assert endpoints.truncated(found) == (found, False)
