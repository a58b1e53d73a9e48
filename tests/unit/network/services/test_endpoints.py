from typing import Any

import pytest

from wherry.api.types import Object
from wherry.network.services.endpoints import Choice, Place, candidates, choose

HERE = Place(node="n1", zone="z1")


def endpoint(address: str, node: str = "n2", **more: Any) -> Object:
    conditions = {name: more.pop(name) for name in ("ready", "serving", "terminating") if name in more}
    return {"addresses": [address], "nodeName": node, "conditions": conditions, **more}


def slice_(*endpoints: Object, **more: Any) -> Object:
    return {"addressType": "IPv4", "endpoints": list(endpoints), "ports": [{"name": "http", "port": 80}], **more}


def chosen(*endpoints: Object, local_too: bool = False, place: Place = HERE) -> tuple[list[str], list[str], bool]:
    choice = choose(
        candidates([slice_(*endpoints)], port="http", protocol="TCP", place=place, family="IPv4"),
        place=place,
        local_too=local_too,
    )
    assert isinstance(choice, Choice)
    return [e.address for e in choice.cluster], [e.address for e in choice.local], choice.anywhere


def test_ready_endpoints_are_used_and_unknown_means_ready() -> None:
    assert chosen(endpoint("10.0.0.1"), endpoint("10.0.0.2", ready=True), endpoint("10.0.0.3", ready=False)) == (
        ["10.0.0.1", "10.0.0.2"],
        [],
        True,
    )


def test_endpoints_that_end_serve_only_where_nothing_else_is_left() -> None:
    ending = endpoint("10.0.0.2", ready=False, serving=True, terminating=True)
    dead = endpoint("10.0.0.3", ready=False, serving=False, terminating=True)
    assert chosen(endpoint("10.0.0.1"), ending, dead)[0] == ["10.0.0.1"]
    assert chosen(ending, dead)[0] == ["10.0.0.2"]
    assert chosen(dead) == ([], [], False)


def test_the_nodes_own_endpoints_are_chosen_for_themselves() -> None:
    near = endpoint("10.0.0.1", node="n1")
    far = endpoint("10.0.0.2")
    assert chosen(near, far, local_too=True) == (["10.0.0.1", "10.0.0.2"], ["10.0.0.1"], True)
    assert chosen(far, local_too=True) == (["10.0.0.2"], [], True)
    near_ending = endpoint("10.0.0.1", node="n1", ready=False, serving=True, terminating=True)
    assert chosen(near_ending, far, local_too=True) == (["10.0.0.2"], ["10.0.0.1"], True)


def test_everything_is_local_to_a_proxy_for_all_nodes() -> None:
    assert chosen(endpoint("10.0.0.1"), local_too=True, place=Place(node="", everywhere=True))[1] == ["10.0.0.1"]


def hints(*, nodes: str = "", zones: str = "") -> Object:
    found = {"forNodes": [{"name": n} for n in nodes.split()], "forZones": [{"name": z} for z in zones.split()]}
    return {"hints": found}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"zones": "z1"}, {"zones": "z2"}, ["10.0.0.1"]),
        ({"zones": "z1"}, {}, ["10.0.0.1", "10.0.0.2"]),
        ({"zones": "z3"}, {"zones": "z2"}, ["10.0.0.1", "10.0.0.2"]),
        ({"nodes": "n1", "zones": "z1"}, {"nodes": "n2", "zones": "z1"}, ["10.0.0.1"]),
        ({"nodes": "n3", "zones": "z2"}, {"nodes": "n2", "zones": "z1"}, ["10.0.0.2"]),
    ],
)
def test_hints_count_where_every_endpoint_has_them_and_one_is_meant_for_here(
    first: dict[str, str], second: dict[str, str], expected: list[str]
) -> None:
    assert chosen(endpoint("10.0.0.1", **hints(**first)), endpoint("10.0.0.2", **hints(**second)))[0] == expected


def test_slices_are_joined_by_port_name_protocol_and_family() -> None:
    slices = [
        slice_(endpoint("10.0.0.2"), endpoint("10.0.0.1", ready=False)),
        slice_(endpoint("10.0.0.1")),
        slice_(endpoint("fd00::1"), addressType="IPv6"),
        slice_(endpoint("10.0.0.3"), ports=[{"name": "http", "port": 80, "protocol": "UDP"}]),
        slice_(endpoint("10.0.0.4"), ports=[{"name": "other", "port": 80}]),
        slice_(endpoint("10.0.0.5"), ports=[{"name": "http", "port": 8080}]),
    ]
    found = candidates(slices, port="http", protocol="TCP", place=HERE, family="IPv4")
    assert [(c.endpoint.address, c.endpoint.port, c.ready) for c in found] == [
        ("10.0.0.1", 80, True),
        ("10.0.0.2", 80, True),
        ("10.0.0.5", 8080, True),
    ]
