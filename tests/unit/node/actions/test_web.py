"""httpGet, tcpSocket and exec, with the words of Go."""

import asyncio

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.node.actions import health_service, port, web
from wherry.testing.pod_network import FakePodNetwork, page


@pytest.fixture
async def network():
    made = FakePodNetwork()
    yield made
    await made.close()


async def asked(network, **extra):
    wanted = web.Page(address="10.0.0.1", port=80, **extra)
    return await web.check(network, wanted, clock=FakeClock(), timeout=1)


async def test_statuses(network):
    network.serve(80, page(204))
    assert (await asked(network)).success
    network.serve(80, page(404))
    outcome = await asked(network)
    assert not outcome.success and outcome.output == "HTTP probe failed with statuscode: 404"


async def test_headers_and_path(network):
    seen = []

    async def serve(stream):
        seen.append((await stream.read()).decode())
        await stream.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    network.serve(80, serve)
    await asked(network, path="/x?y=1", headers=(("Host", "there"), ("X-A", "b")))
    (request,) = seen
    assert request.startswith("GET /x?y=1 HTTP/1.1\r\n")
    assert "User-Agent: kube-probe/1.36\r\n" in request and "Host: there\r\n" in request and "X-A: b\r\n" in request
    assert request.lower().count("host:") == 1


async def test_redirects(network):
    async def elsewhere(stream):
        await stream.read()
        await stream.write(b"HTTP/1.1 302 Found\r\nlocation: http://other/\r\ncontent-length: 0\r\n\r\n")

    async def here(stream):
        await stream.read()
        await stream.write(b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1:81/next\r\ncontent-length: 0\r\n\r\n")

    network.serve(80, elsewhere)
    assert (await asked(network)).success
    network.serve(80, here)
    network.serve(81, page(500))
    assert (await asked(network)).output == "HTTP probe failed with statuscode: 500"


async def test_refused_and_too_late(network):
    outcome = await asked(network)
    assert outcome.output == 'Get "http://10.0.0.1:80/": dial tcp 10.0.0.1:80: connect: connection refused'

    async def silent(stream):
        await asyncio.Event().wait()

    network.serve(80, silent)
    clock = FakeClock()
    wanted = web.Page(address="10.0.0.1", port=80)
    task = asyncio.ensure_future(web.check(network, wanted, clock=clock, timeout=1))
    await clock.advance(2)
    text = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    assert (await task).output == f'Get "http://10.0.0.1:80/": {text}'


async def test_port(network):
    clock = FakeClock()
    outcome = await port.check(network, "10.0.0.1", 80, clock=clock, timeout=1)
    assert outcome.output == "dial tcp 10.0.0.1:80: connect: connection refused"
    network.serve(80, page(200))
    assert (await port.check(network, "10.0.0.1", 80, clock=clock, timeout=1)).success


def frame(kind, flags, payload):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + (1).to_bytes(4, "big") + payload


@pytest.mark.parametrize(("status", "good"), [(1, True), (2, False)])
async def test_health_service(network, status, good):
    received = []

    async def serve(stream):
        received.append(await stream.read())
        message = b"\0\0\0\0\x02\x08" + bytes((status,))
        await stream.write(frame(4, 0, b"") + frame(1, 4, b"\x88") + frame(0, 0, message))

    network.serve(80, serve)
    outcome = await health_service.check(network, "10.0.0.1", 80, "svc", clock=FakeClock(), timeout=1)
    assert outcome.success is good
    assert received[0].startswith(b"PRI * HTTP/2.0") and b"/grpc.health.v1.Health/Check" in received[0]


async def test_health_service_that_is_none(network):
    async def serve(stream):
        await stream.read()
        await stream.write(frame(1, 5, b"\x88"))

    network.serve(80, serve)
    outcome = await health_service.check(network, "10.0.0.1", 80, "", clock=FakeClock(), timeout=1)
    assert "does not implement the grpc health protocol" in outcome.output
