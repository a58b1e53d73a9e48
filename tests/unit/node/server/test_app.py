from __future__ import annotations

from typing import Any

import orjson
import pytest

from wherry.node.server.app import only_names
from wherry.wire.messages import Peer, Request

from .conftest import APP_ID, UID, Node


async def body(node: Node, path: str) -> tuple[int, bytes]:
    response = await node.client.request(node.origin, "GET", path, timeout=5)
    assert isinstance(response.body, bytes)
    return response.status, response.body


async def test_only_the_authorized_enter(node: Node) -> None:
    response = await node.client.request(node.origin, "GET", "/pods", headers=[("X-Denied", "1")])
    assert response.status == 401


def test_names_of_client_certificates() -> None:
    authorize = only_names({"apiserver"})

    def asked_by(*subject: tuple[tuple[str, str], ...]) -> bool:
        certificate: dict[str, Any] = {"subject": subject}
        return authorize(Request.make("GET", "/", peer=Peer("10.0.0.1", 1, certificate)))

    assert asked_by((("organizationName", "x"),), (("commonName", "apiserver"),))
    assert not asked_by((("organizationName", "apiserver"),), (("commonName", "eve"),))
    assert not authorize(Request.make("GET", "/"))


async def test_pods_and_health(node: Node) -> None:
    status, listed = await body(node, "/pods")
    assert status == 200
    assert orjson.loads(listed)["items"] == node.pods.items
    assert await body(node, "/healthz") == (200, b"ok")
    assert (await body(node, "/nothing"))[0] == 404
    assert (await body(node, "/exec/too/short"))[0] == 404


async def test_logs(node: Node) -> None:
    assert await body(node, "/containerLogs/default/web/app") == (200, b"one\ntwo\n")
    assert await body(node, "/containerLogs/default/web/app?tailLines=1&stream=All") == (200, b"two\n")
    stream = await node.client.stream(node.origin, "GET", "/containerLogs/default/web/app?follow=true")
    assert await stream.read() == b"one\ntwo\n"
    await node.runtime.kill(APP_ID)
    assert await stream.read_all() == b""
    await stream.aclose()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("default/none/app", 404, 'pod "none" not found'),
        ("default/web/none", 404, 'container "none" not found in pod "web"'),
        ("default/web/side", 400, 'container "side" in pod "web" is waiting to start: ContainerCreating'),
        ("default/web/app?previous=true", 400, 'previous terminated container "app" in pod "web" not found'),
        ("default/web/app?tailLines=-1", 422, "tailLines must be at least 0"),
    ],
)
async def test_logs_that_cannot_be_had(node: Node, path: str, status: int, text: str) -> None:
    assert await body(node, f"/containerLogs/{path}") == (status, text.encode())


async def test_stats(node: Node) -> None:
    status, summary = await body(node, "/stats/summary")
    assert status == 200
    parsed = orjson.loads(summary)
    assert parsed["node"]["nodeName"] == "n1"
    assert parsed["node"]["memory"]["workingSetBytes"] > 0
    (pod,) = parsed["pods"]
    assert pod["podRef"] == {"name": "web", "namespace": "default", "uid": UID}
    assert pod["memory"]["workingSetBytes"] == pod["containers"][0]["memory"]["workingSetBytes"] == 1 << 20
    status, page = await body(node, "/metrics/resource")
    assert status == 200
    labels = b'{container="app",namespace="default",pod="web"}'
    assert b"container_memory_working_set_bytes" + labels + b" 1048576 " in page
    assert b'pod_cpu_usage_seconds_total{namespace="default",pod="web"}' in page
    assert b"# TYPE node_cpu_usage_seconds_total counter" in page


async def test_stats_of_a_container_that_just_ended(node: Node) -> None:
    await node.runtime.kill(APP_ID)
    assert orjson.loads((await body(node, "/stats/summary"))[1])["pods"] == []
