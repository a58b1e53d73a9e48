"""What clients see when a cluster's API server ends: not ready first, whole answers, watches that end like any other."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import orjson
import pytest

from wherry.base.clock import RealClock
from wherry.base.fake_clock import FakeClock
from wherry.distro import credentials as credentials_of
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.control_plane import ControlPlane, open_control_plane
from wherry.distro.credentials import Credentials
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.listen import listen


def free_port() -> int:
    (sock,) = listen(("127.0.0.1",), 0)
    port: int = sock.getsockname()[1]
    sock.close()
    return port


def trusting(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(credentials.authority.pair.certificate))
    context.load_cert_chain(credentials.kubelet_client.certificate, credentials.kubelet_client.key)
    return context


async def opened(directory: Path) -> tuple[ControlPlane, Origin]:
    state, clock = StateDirectory(directory), RealClock()
    config = ClusterConfig(name="drain", index=1, runtime="fake", port=free_port(), memory=True, network="fake")
    credentials = credentials_of.ensure(state, config, clock)
    plane = await open_control_plane(state, config, credentials, clock)
    return plane, Origin(host="127.0.0.1", port=config.port, tls=trusting(credentials))


@pytest.mark.parametrize("delay", [0.0, 5.0])
async def test_watches_end_whole_and_readiness_goes_first(tmp_path: Path, delay: float) -> None:
    plane, origin = await opened(tmp_path)
    plane.shutdown_delay, plane.clock = delay, FakeClock()
    http = HttpClient()
    running = asyncio.ensure_future(plane.run())
    watch = await http.stream(origin, "GET", "/api/v1/namespaces?watch=1", timeout=20)
    first = await anext(aiter(watch))
    assert orjson.loads(first.splitlines()[0])["type"] == "ADDED"
    assert (await http.request(origin, "GET", "/readyz", timeout=20)).status == 200
    running.cancel()
    await asyncio.sleep(0)
    if delay:
        ready = await http.request(origin, "GET", "/readyz", timeout=20)
        assert ready.status == 500
        assert dict(ready.headers)["Connection"].lower() == "close"
        assert (await http.request(origin, "GET", "/api/v1/namespaces/default", timeout=20)).status == 200
        assert isinstance(plane.clock, FakeClock)
        await plane.clock.advance(delay)
    rest = [piece async for piece in watch]  # raises where the body is cut short
    assert all(orjson.loads(line) for line in b"".join(rest).splitlines())
    await asyncio.gather(running, return_exceptions=True)
    await http.aclose()
