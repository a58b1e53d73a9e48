"""`/wherry/clock` over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from wherry.apiserver.config import ServerConfig
from wherry.base.clock import Clock, RealClock
from wherry.base.virtual_clock import VirtualClock
from wherry.client.answers import content
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import ADMIN, client_of, in_process_server


async def ask(clock: Clock, method: str, body: Any = None, user: User = ADMIN) -> tuple[int, Any]:
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        client = client_of(server, clock=clock, user=user)
        answer = await client.raw(method, "/wherry/clock", body=b"" if body is None else json.dumps(body).encode())
        return answer.status, json.loads(content(answer))


async def test_it_shows_what_it_is() -> None:
    status, shown = await ask(RealClock(), "GET")
    assert (status, shown["clock"]) == (200, "real")
    status, shown = await ask(VirtualClock(start=0.0, ticking=False), "GET")
    assert (shown["clock"], shown["now"]) == ("virtual", "1970-01-01T00:00:00Z")


async def test_it_moves_a_virtual_clock() -> None:
    clock = VirtualClock(start=0.0, ticking=False)
    sleeper = asyncio.ensure_future(clock.sleep(3600))
    status, shown = await ask(clock, "POST", {"advance": 86400})
    assert (status, shown["now"], sleeper.done()) == (200, "1970-01-02T00:00:00Z", True)


async def test_a_real_clock_is_not_moved() -> None:
    status, answer = await ask(RealClock(), "POST", {"advance": 1})
    assert status == 409
    assert "make one on a virtual clock with `wherry up NAME --runtime fake --clock virtual`" in answer["message"]


@pytest.mark.parametrize("body", [{}, [], {"advance": "soon"}, {"advance": -1}, {"advance": 1e12}])
async def test_what_is_no_way_ahead(body: Any) -> None:
    status, _ = await ask(VirtualClock(ticking=False), "POST", body)
    assert status == 400


async def test_only_administrators_may() -> None:
    status, _ = await ask(VirtualClock(ticking=False), "POST", {"advance": 1}, User("joe", (AUTHENTICATED,)))
    assert status == 403
