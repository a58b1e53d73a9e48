from __future__ import annotations

from random import Random
from typing import Any

import pytest

from wherry.api.errors import BadRequest, ServiceUnavailable
from wherry.apiserver.proxying.targets import (
    Name,
    Target,
    parse_name,
    pod_target,
    service_port_name,
    service_target,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("web", Name("", "web", "")),
        ("web:80", Name("", "web", "80")),
        ("web:http", Name("", "web", "http")),
        ("https:web:443", Name("https", "web", "443")),
        ("https:web:", Name("https", "web", "")),
        (":web:1", Name("", "web", "1")),
    ],
)
def test_names(text: str, name: Name) -> None:
    assert parse_name(text, "pod") == name


@pytest.mark.parametrize("text", ["", ":80", "ftp:web:21", "a:b:c:d", "http::80"])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(BadRequest, match=f'invalid pod request "{text}"'):
        parse_name(text, "pod")


def pod(address: str, *ports: int) -> dict[str, Any]:
    containers = [{"name": "a"}, {"name": "b", "ports": [{"containerPort": port} for port in ports]}]
    return {"spec": {"containers": containers}, "status": {"podIPs": [{"ip": address}]}}


def test_pods() -> None:
    assert pod_target(parse_name("web", "pod"), pod("10.0.0.1", 8080, 1)) == Target(False, "10.0.0.1", 8080)
    assert pod_target(parse_name("web", "pod"), pod("10.0.0.1")) == Target(False, "10.0.0.1", 80)
    assert pod_target(parse_name("https:web:", "pod"), pod("fd00::1")) == Target(True, "fd00::1", 443)
    assert pod_target(parse_name("web:99", "pod"), pod("10.0.0.1", 8080)) == Target(False, "10.0.0.1", 99)


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "", "::1", "224.0.0.1", "example.com"])
def test_addresses_that_are_not_allowed(address: str) -> None:
    with pytest.raises(BadRequest, match="address not allowed"):
        pod_target(parse_name("web", "pod"), pod(address, 80))


SERVICE = {"spec": {"ports": [{"name": "http", "port": 80}, {"port": 81}]}}


def test_ports_of_a_service() -> None:
    assert service_port_name(parse_name("web:80", "service"), SERVICE) == "http"
    assert service_port_name(parse_name("web:81", "service"), SERVICE) == ""
    assert service_port_name(parse_name("web:http", "service"), SERVICE) == "http"
    assert service_port_name(parse_name("web", "service"), SERVICE) == ""
    with pytest.raises(ServiceUnavailable, match='no service port 82 found for service "web"'):
        service_port_name(parse_name("web:82", "service"), SERVICE)


def test_endpoints_of_a_service() -> None:
    slices: list[dict[str, Any]] = [
        {
            "ports": [{"name": "http", "port": 8080}, {"name": "other", "port": 1}],
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": True}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
                {"addresses": ["127.0.0.1"]},
                {"addresses": ["10.0.0.3"]},
            ],
        },
        {"ports": None, "endpoints": None},
    ]
    name = parse_name("http:web:http", "service")
    chance = Random(1)
    found = {service_target(name, "http", slices, chance) for _ in range(50)}
    assert found == {Target(False, "10.0.0.1", 8080), Target(False, "10.0.0.3", 8080)}
    with pytest.raises(ServiceUnavailable, match='no endpoints available for service "http:web:http"'):
        service_target(name, "missing", slices, chance)
