"""What every dataplane for Services must do: the contract suite of `wherry.network.services.dataplane`.

A driver's test makes a `Lab` and runs `CHECKS` one by one over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from wherry.network.services.dataplane import Dataplane
from wherry.network.services.model import Endpoint, ServicePort

NODE_PORT = 30080
_UNREACHABLE = (OSError, TimeoutError)


class Lab(Protocol):
    """A dataplane with something to carry to. Two addresses of Services are enough, in the range of its cluster."""

    dataplane: Dataplane
    service_ips: tuple[str, str]
    node_address: str

    async def backend(self, name: str, *, local: bool = True) -> Endpoint:
        """A server that says its name to everybody who connects by TCP, and to each datagram; one per name."""

    async def call(self, address: str, port: int, protocol: str = "TCP") -> str:
        """The name that answers. Raises `ConnectionRefusedError`, or `OSError` or `TimeoutError`."""


Check = Callable[[Lab], Awaitable[None]]


async def _apply(lab: Lab, *ports: ServicePort, first: bool = False) -> None:
    services: dict[tuple[str, str], tuple[ServicePort, ...]] = {}
    for port in ports:
        services[port.service] = (*services.get(port.service, ()), port)
    await lab.dataplane.apply(services, None if first else [("default", "web"), ("default", "other")])


def _web(lab: Lab, *endpoints: Endpoint, **options: Any) -> ServicePort:
    port = ServicePort(
        service=("default", "web"),
        name="http",
        protocol="TCP",
        port=8080,
        cluster_ips=(lab.service_ips[0],),
        node_port=NODE_PORT,
        cluster_endpoints=endpoints,
        local_endpoints=tuple(endpoint for endpoint in endpoints if endpoint.local),
        has_endpoints=bool(endpoints),
    )
    return replace(port, **options)


async def _callers(lab: Lab, address: str, port: int = 8080, *, calls: int = 1, protocol: str = "TCP") -> Counter[str]:
    return Counter([await lab.call(address, port, protocol) for _ in range(calls)])


async def _refused(lab: Lab, address: str, port: int = 8080) -> None:
    try:
        name = await lab.call(address, port)
    except ConnectionRefusedError:
        return
    raise AssertionError(f"{name} answered where nobody should")


async def check_cluster_ip_spreads_over_all_endpoints(lab: Lab) -> None:
    one, two = await lab.backend("one"), await lab.backend("two")
    await _apply(lab, _web(lab, one, two), first=True)
    answers = await _callers(lab, lab.service_ips[0], calls=40)
    assert set(answers) == {"one", "two"}
    assert min(answers.values()) >= 7, answers


async def check_node_port_leads_to_the_service(lab: Lab) -> None:
    await _apply(lab, _web(lab, await lab.backend("one")), first=True)
    assert await _callers(lab, lab.node_address, NODE_PORT) == {"one": 1}


async def check_without_endpoints_connections_are_refused(lab: Lab) -> None:
    await _apply(lab, _web(lab), first=True)
    await _refused(lab, lab.service_ips[0])
    await _refused(lab, lab.node_address, NODE_PORT)
    await _apply(lab, _web(lab, await lab.backend("one")))
    assert await _callers(lab, lab.service_ips[0]) == {"one": 1}
    await _apply(lab, _web(lab))
    await _refused(lab, lab.service_ips[0])


async def check_new_connections_follow_a_change(lab: Lab) -> None:
    one, two = await lab.backend("one"), await lab.backend("two")
    await _apply(lab, _web(lab, one), first=True)
    for endpoint, name in ((two, "two"), (one, "one")):
        await _apply(lab, _web(lab, endpoint))
        assert await _callers(lab, lab.service_ips[0], calls=3) == {name: 3}
        assert await _callers(lab, lab.node_address, NODE_PORT, calls=3) == {name: 3}


async def check_a_service_that_is_gone_answers_no_more(lab: Lab) -> None:
    await _apply(lab, _web(lab, await lab.backend("one")), first=True)
    await _apply(lab)
    for address, port in ((lab.service_ips[0], 8080), (lab.node_address, NODE_PORT)):
        try:
            name = await lab.call(address, port)
        except _UNREACHABLE:
            continue
        raise AssertionError(f"{name} still answers")


async def check_services_and_ports_are_kept_apart(lab: Lab) -> None:
    one, two, three = await lab.backend("one"), await lab.backend("two"), await lab.backend("three")
    other = _web(lab, three, service=("default", "other"), cluster_ips=(lab.service_ips[1],), node_port=NODE_PORT + 1)
    await _apply(
        lab, _web(lab, one), _web(lab, two, name="admin", port=8081, node_port=NODE_PORT + 2), other, first=True
    )
    assert await _callers(lab, lab.service_ips[0]) == {"one": 1}
    assert await _callers(lab, lab.service_ips[0], 8081) == {"two": 1}
    assert await _callers(lab, lab.service_ips[1]) == {"three": 1}
    assert await _callers(lab, lab.node_address, NODE_PORT + 2) == {"two": 1}


async def check_a_change_leaves_other_services_alone(lab: Lab) -> None:
    one, two = await lab.backend("one"), await lab.backend("two")
    other = _web(lab, two, service=("default", "other"), cluster_ips=(lab.service_ips[1],), node_port=NODE_PORT + 1)
    await _apply(lab, _web(lab, one), other, first=True)
    await lab.dataplane.apply({other.service: (other,)}, [("default", "web")])
    assert await _callers(lab, lab.service_ips[1]) == {"two": 1}
    assert await _callers(lab, lab.node_address, NODE_PORT + 1) == {"two": 1}


async def check_affinity_holds_as_long_as_the_endpoint(lab: Lab) -> None:
    one, two, three = await lab.backend("one"), await lab.backend("two"), await lab.backend("three")
    await _apply(lab, _web(lab, one, two, affinity_seconds=100), first=True)
    (first,) = await _callers(lab, lab.service_ips[0], calls=6)
    await _apply(lab, _web(lab, one, two, three, affinity_seconds=100))
    assert set(await _callers(lab, lab.service_ips[0], calls=6)) == {first}
    left = {"one": two, "two": one}[first]
    await _apply(lab, _web(lab, left, affinity_seconds=100))
    assert first not in await _callers(lab, lab.service_ips[0], calls=3)


async def check_policy_local_stays_on_the_node(lab: Lab) -> None:
    near, far = await lab.backend("near"), await lab.backend("far", local=False)
    await _apply(lab, _web(lab, near, far, internal_local=True), first=True)
    assert await _callers(lab, lab.service_ips[0], calls=6) == {"near": 6}


async def check_datagrams_reach_an_endpoint_and_come_back(lab: Lab) -> None:
    await _apply(lab, _web(lab, await lab.backend("one"), protocol="UDP"), first=True)
    assert await _callers(lab, lab.service_ips[0], protocol="UDP") == {"one": 1}
    assert await _callers(lab, lab.node_address, NODE_PORT, protocol="UDP") == {"one": 1}


async def check_everything_may_be_applied_again(lab: Lab) -> None:
    port = _web(lab, await lab.backend("one"))
    for _ in range(2):
        await _apply(lab, port, first=True)
        assert await _callers(lab, lab.service_ips[0]) == {"one": 1}


CHECKS: tuple[Check, ...] = tuple(value for name, value in list(globals().items()) if name.startswith("check_"))
