"""Which local port leads to which port of the pod."""

from __future__ import annotations

import pytest

from wherry.cli.errors import Refused
from wherry.cli.pods.ports import Forward, parse

POD = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "a", "ports": [{"name": "http", "containerPort": 8080}]}]},
}
SERVICE = {
    "metadata": {"name": "s"},
    "spec": {
        "clusterIP": "10.0.0.1",
        "ports": [
            {"name": "web", "port": 80, "targetPort": "http"},
            {"name": "api", "port": 81, "targetPort": 9000},
            {"name": "same", "port": 82},
            {"name": "dns", "port": 53, "protocol": "UDP"},
        ],
    },
}


@pytest.mark.parametrize(
    ("text", "service", "expected"),
    [
        ("8080:80", None, Forward(8080, 80)),
        ("80", None, Forward(80, 80)),
        (":80", None, Forward(0, 80)),
        ("0:80", None, Forward(0, 80)),
        ("http", None, Forward(8080, 8080)),
        ("1:http", None, Forward(1, 8080)),
        ("80", SERVICE, Forward(80, 8080)),
        ("8000:web", SERVICE, Forward(8000, 8080)),
        ("81", SERVICE, Forward(81, 9000)),
        ("same", SERVICE, Forward(82, 82)),
        ("80", {**SERVICE, "spec": {**SERVICE["spec"], "clusterIP": "None"}}, Forward(80, 80)),  # type: ignore[dict-item]
    ],
)
def test_ports(text: str, service: dict[str, object] | None, expected: Forward) -> None:
    assert parse(text, POD, service) == expected


@pytest.mark.parametrize(
    ("text", "service", "message"),
    [
        ("nope", None, "does not have a named port 'nope'"),
        ("x:80", None, "invalid port: 'x'"),
        ("80:0", None, "invalid port: '0'"),
        ("99999", None, "invalid port"),
        ("83", SERVICE, "Service s does not have a service port 83"),
        ("53", SERVICE, "UDP protocol is not supported for 53"),
    ],
)
def test_refusals(text: str, service: dict[str, object] | None, message: str) -> None:
    with pytest.raises(Refused, match=message):
        parse(text, POD, service)
