"""Where the host sends connections to load balancers that keep the caller's address."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.network.nodes.balancer_routes import commands, routes
from wherry.network.nodes.plan import NetworkPlan, NodePlan

PLAN = NetworkPlan(
    cluster="x",
    index=3,
    node_cidr="10.203.0.0/24",
    host_address="10.203.0.1",
    pod_cidr="10.241.0.0/16",
    service_cidr="10.99.0.0/16",
    dns_address="10.99.0.10",
    load_balancers=("10.133.0.0/24",),
    nodes=tuple(
        NodePlan(name=f"x-{n}", number=n, address=f"10.203.0.{n + 1}", pod_cidr=f"10.241.{n}.0/24") for n in (1, 2)
    ),
)


def service(*addresses: str, policy: str = "Local") -> Object:
    return {
        "metadata": {"namespace": "d", "name": "web"},
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy},
        "status": {"loadBalancer": {"ingress": [{"ip": each} for each in addresses]}},
    }


def slice_(*endpoints: tuple[str, dict[str, Any]]) -> Object:
    entries = [{"addresses": ["1.1.1.1"], "nodeName": node, "conditions": said} for node, said in endpoints]
    return {
        "metadata": {"namespace": "d", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": entries,
    }


READY, GOING, DEAD = {"ready": True}, {"ready": False, "serving": True}, {"ready": False, "serving": False}


def test_to_the_nodes_that_have_ready_endpoints() -> None:
    both = [slice_(("x-1", READY), ("x-2", READY))]
    assert routes([service("10.133.0.1")], both, PLAN) == {"10.133.0.1": ("10.203.0.2", "10.203.0.3")}
    second = [slice_(("x-1", GOING), ("x-2", READY), ("elsewhere", READY))]
    assert routes([service("10.133.0.1")], second, PLAN) == {"10.133.0.1": ("10.203.0.3",)}
    going = [slice_(("x-1", GOING), ("x-2", DEAD))]
    assert routes([service("10.133.0.1")], going, PLAN) == {"10.133.0.1": ("10.203.0.2",)}


def test_the_rest_goes_with_the_pool() -> None:
    slices = [slice_(("x-1", READY))]
    assert routes([service("10.133.0.1", policy="Cluster")], slices, PLAN) == {}
    assert routes([service("9.9.9.9")], slices, PLAN) == {}  # somebody else's address
    assert routes([service("10.133.0.1")], [slice_(("x-1", DEAD))], PLAN) == {}


def test_commands_change_only_what_differs() -> None:
    before = {"10.133.0.1": ("10.203.0.2",), "10.133.0.2": ("10.203.0.2",), "10.133.0.3": ("10.203.0.2",)}
    after = {"10.133.0.1": ("10.203.0.2",), "10.133.0.2": ("10.203.0.2", "10.203.0.3")}
    assert commands(before, after, "wherry3") == [
        "route delete 10.133.0.3/32",
        "route replace 10.133.0.2/32 nexthop via 10.203.0.2 dev wherry3 onlink "
        "nexthop via 10.203.0.3 dev wherry3 onlink",
    ]
    assert commands({}, {"10.133.0.1": ("10.203.0.2",)}, "wherry3") == [
        "route replace 10.133.0.1/32 via 10.203.0.2 dev wherry3 onlink"
    ]
