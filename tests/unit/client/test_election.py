"""Leader election: one leads, and another takes over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.election import LeaderElector
from wherry.client.in_process import InProcessTransport
from wherry.testing.apiserver import client_of, in_process_server
from wherry.wire.messages import Request


class Candidate:
    """An elector whose way to the server can be cut."""

    def __init__(self, client: Client, name: str, clock: FakeClock) -> None:
        self._transport = client.transport
        self.cut = False
        own = Client(InProcessTransport(self._handle), clock=clock)
        self.runs = 0
        self.working = False
        self.elector = LeaderElector(own, name="lock", identity=name, lead=self._lead, clock=clock)
        self.task = asyncio.ensure_future(self.elector.run())

    async def _handle(self, request: Request) -> object:
        if self.cut:
            raise ConnectionError("cut")
        return await self._transport.request(request.method, request.target, headers=request.headers, body=request.body)

    async def _lead(self) -> None:
        self.runs += 1
        self.working = True
        try:
            await asyncio.Event().wait()
        finally:
            self.working = False


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def client(clock: FakeClock) -> AsyncIterator[Client]:
    async with in_process_server(clock=clock) as server:
        yield client_of(server, clock=clock)


async def test_one_leads_and_hands_over_when_it_stops(client: Client, clock: FakeClock) -> None:
    one, two = Candidate(client, "one", clock), Candidate(client, "two", clock)
    await clock.advance(30)
    leader, other = (one, two) if one.working else (two, one)
    assert (leader.working, other.working) == (True, False)
    await cancel_and_wait(leader.task)
    assert not leader.working
    await clock.advance(4)
    assert other.working, "released, so nobody waits for the lease to run out"
    lease = await client.get("leases", "lock", namespace="kube-system")
    assert lease["spec"]["leaseTransitions"] >= 1
    await cancel_and_wait(other.task)


async def test_a_leader_that_is_cut_off_stops_before_another_starts(client: Client, clock: FakeClock) -> None:
    one, two = Candidate(client, "one", clock), Candidate(client, "two", clock)
    await clock.advance(5)
    leader, other = (one, two) if one.working else (two, one)
    leader.cut = True
    for _ in range(60):
        await clock.advance(0.5)
        assert not (leader.working and other.working)
    assert other.working
    leader.cut = False
    await clock.advance(60)
    assert (other.working, leader.working) == (True, False)
    await cancel_and_wait(one.task, two.task)
