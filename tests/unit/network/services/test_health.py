"""What a node tells load balancers of a Service."""

from __future__ import annotations

import asyncio
import socket

import orjson

from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.informer import SharedInformers
from wherry.network.services.health import HealthChecks, answer, health_port, local_endpoints
from wherry.testing.apiserver import client_of, in_process_server
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin


def service(policy: str = "Local", kind: str = "LoadBalancer", **spec: object) -> Object:
    said = {
        "type": kind,
        "externalTrafficPolicy": policy,
        "clusterIP": "10.0.0.1",
        "healthCheckNodePort": 30001,
        **spec,
    }
    return {"metadata": {"namespace": "d", "name": "web"}, "spec": said}


def slice_(*endpoints: tuple[str, str, bool]) -> Object:
    entries = [
        {"addresses": [address], "nodeName": node, "conditions": {"ready": ready}} for address, node, ready in endpoints
    ]
    return {"metadata": {"namespace": "d", "name": "web-1"}, "endpoints": entries}


def test_which_services_have_one() -> None:
    assert health_port(service()) == 30001
    assert health_port(service(policy="Cluster")) == 0
    assert health_port(service(kind="NodePort")) == 0
    assert health_port(service(clusterIP="None")) == 0


def test_ready_endpoints_of_the_node_count_once() -> None:
    first = slice_(("1.1.1.1", "n1", True), ("1.1.1.2", "n1", False), ("1.1.1.3", "n2", True))
    again = slice_(("1.1.1.1", "n1", True))
    assert local_endpoints([first, again], "n1") == 1
    assert local_endpoints([first], "n3") == 0


def test_the_answer() -> None:
    said = answer(("d", "web"), 2)
    assert (said.status, dict(said.headers)["X-Load-Balancing-Endpoint-Weight"]) == (200, "2")
    assert orjson.loads(said.body if isinstance(said.body, bytes) else b"") == {
        "service": {"namespace": "d", "name": "web"},
        "localEndpoints": 2,
        "serviceProxyHealthy": True,
    }
    assert answer(("d", "web"), 0).status == 503


def listen(port: int) -> socket.socket:
    """At any port: the one that is asked for may be somebody else's here."""
    listening = socket.create_server(("127.0.0.1", 0))
    PORTS.append(listening.getsockname()[1])
    return listening


PORTS: list[int] = []


async def test_listens_while_the_service_wants_it() -> None:
    PORTS.clear()
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        client = client_of(server, clock=clock)
        informers = SharedInformers(client)
        checks = HealthChecks(informers=informers, node="n1", listen=listen, clock=clock)
        tasks = [asyncio.ensure_future(each.run()) for each in (informers, checks)]
        spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]}
        await client.create("services", {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
        for _ in range(20):
            await clock.advance(1)
        http = HttpClient(clock=clock)
        (port,) = PORTS
        asked = await http.request(Origin(host="127.0.0.1", port=port, tls=None), "GET", "/")
        assert asked.status == 503
        await client.patch("services", "web", {"spec": {"externalTrafficPolicy": "Cluster"}}, namespace="default")
        for _ in range(20):
            await clock.advance(1)
        refused = socket.socket()
        assert refused.connect_ex(("127.0.0.1", port)) != 0
        refused.close()
        await http.aclose()
        await cancel_and_wait(*tasks)
