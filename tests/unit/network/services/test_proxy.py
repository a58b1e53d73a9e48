import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.network.services.dataplane import DataplaneFailure, Services
from wherry.network.services.endpoints import Place
from wherry.network.services.model import Key
from wherry.network.services.proxy import DataplaneKeeper
from wherry.testing.apiserver import client_of, in_process_server

WEB = ("default", "web")


class Recorder:
    """A dataplane that remembers what it was told, and fails while it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[Key, Any], Collection[Key] | None]] = []
        self.failures = 0
        self.closed = False

    async def apply(self, services: Services, changed: Collection[Key] | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise DataplaneFailure("not now")
        self.calls.append((dict(services), changed))

    async def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def keeper(plane: Recorder) -> AsyncIterator[tuple[Client, FakeClock]]:
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        client = client_of(server, clock=clock)
        informers = SharedInformers(client)
        kept = DataplaneKeeper(informers=informers, dataplane=plane, clock=clock, place=Place(node="n1"))
        tasks = [asyncio.ensure_future(informers.run()), asyncio.ensure_future(kept.run())]
        try:
            await clock.settle()
            yield client, clock
        finally:
            await cancel_and_wait(*tasks)


def service() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"ports": [{"port": 80}]},
    }


def slice_(*addresses: str, name: str = "web-1") -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]} for address in addresses],
        "ports": [{"name": "", "port": 8080}],
    }


async def test_the_first_state_is_applied_whole_and_later_only_what_changed() -> None:
    plane = Recorder()
    async with keeper(plane) as (client, clock):
        assert [changed for _, changed in plane.calls] == [None]
        await client.create("services", service())
        await clock.settle()
        services, changed = plane.calls[-1]
        assert changed == {WEB}
        assert services[WEB][0].port == 80
        await client.create("endpointslices.discovery.k8s.io", slice_("10.0.0.1"))
        await clock.advance(0.1)
        assert [e.address for e in plane.calls[-1][0][WEB][0].cluster_endpoints] == ["10.0.0.1"]
    assert plane.closed


async def test_what_comes_in_quick_succession_is_applied_together() -> None:
    plane = Recorder()
    async with keeper(plane) as (client, clock):
        await client.create("services", service())
        await clock.settle()
        before = len(plane.calls)
        for number in range(5):
            await client.create("endpointslices.discovery.k8s.io", slice_(f"10.0.0.{number + 1}", name=f"web-{number}"))
        await clock.settle()
        assert len(plane.calls) == before
        await clock.advance(0.1)
        assert len(plane.calls) == before + 1
        assert len(plane.calls[-1][0][WEB][0].cluster_endpoints) == 5


async def test_a_change_that_means_nothing_here_applies_nothing() -> None:
    plane = Recorder()
    async with keeper(plane) as (client, clock):
        await client.create("services", service())
        await clock.advance(1)
        before = len(plane.calls)
        await client.patch("services", "web", {"metadata": {"labels": {"a": "b"}}}, namespace="default")
        await clock.advance(1)
        assert len(plane.calls) == before


async def test_a_service_that_is_deleted_leaves_the_model() -> None:
    plane = Recorder()
    async with keeper(plane) as (client, clock):
        await client.create("services", service())
        await clock.advance(1)
        await client.delete("services", "web", namespace="default")
        await clock.advance(1)
        services, changed = plane.calls[-1]
        assert (WEB in services, changed) == (False, {WEB})


async def test_after_a_failure_everything_is_applied_again_with_what_is_newest() -> None:
    plane = Recorder()
    async with keeper(plane) as (client, clock):
        plane.failures = 2
        await client.create("services", service())
        await clock.settle()
        before = len(plane.calls)
        await client.create("endpointslices.discovery.k8s.io", slice_("10.0.0.1"))
        await clock.advance(1)
        assert len(plane.calls) > before
        services, changed = plane.calls[before]
        assert changed is None
        assert services[WEB][0].cluster_endpoints
