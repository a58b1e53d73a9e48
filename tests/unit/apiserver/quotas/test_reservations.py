"""Charges while somebody else writes to the same quotas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from wherry.base.fake_clock import FakeClock
from wherry.store.memory import open_memory
from wherry.store.port import Encode, Entry, Store
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod

QUOTAS = "/api/v1/namespaces/default/resourcequotas"
KEY = "/registry/core/resourcequotas/default/"


class Contended:
    """A store in memory where, once armed, somebody else is quicker: writes a quota's usage just before the next write."""

    def __init__(self) -> None:
        self._store: Store = open_memory()
        self.armed: tuple[str, str] | None = None
        """The quota, and the pods that it will have used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def put(self, key: str, encode: Encode, *, expected: int | None, memo: Any = None) -> Entry:
        if self.armed is not None and key == KEY + self.armed[0]:
            entry, pods = self._store.get(key), self.armed[1]
            self.armed = None
            assert entry is not None
            other = orjson.loads(entry.value)
            other["status"]["used"]["pods"] = pods

            def encode_other(revision: int) -> bytes:
                other["metadata"]["resourceVersion"] = str(revision)
                return orjson.dumps(other)

            await self._store.put(key, encode_other, expected=None)
        return await self._store.put(key, encode, expected=expected, memo=memo)


@pytest.fixture
def store() -> Contended:
    return Contended()


@pytest.fixture
async def api(store: Contended, clock: FakeClock) -> AsyncIterator[Api]:
    async with in_process_server(clock=clock, store=store) as server:
        api = Api(server, clock)
        for name in ("q", "r"):
            await api.create(QUOTAS, {"metadata": {"name": name}, "spec": {"hard": {"pods": "5"}}})
            await api.patch(f"{QUOTAS}/{name}/status", {"status": {"hard": {"pods": "5"}, "used": {"pods": "0"}}})
        yield api
    await store.close()


async def used(api: Api) -> list[str]:
    for _ in range(10):
        await asyncio.sleep(0)
    return [(await api("GET", f"{QUOTAS}/{name}")).body["status"]["used"]["pods"] for name in ("q", "r")]


async def test_what_somebody_else_wrote_is_not_lost(api: Api, store: Contended) -> None:
    store.armed = ("r", "3")
    assert (await api("POST", PODS, pod("a"))).status == 201
    assert await used(api) == ["1", "4"]


async def test_a_charge_that_one_quota_refuses_in_the_end_is_given_back_by_the_others(
    api: Api, store: Contended
) -> None:
    store.armed = ("r", "5")
    refused = await api("POST", PODS, pod("a"))
    assert "exceeded quota: r, requested: pods=1, used: pods=5, limited: pods=5" in refused.message
    assert await used(api) == ["0", "5"]


async def test_nobody_counts_while_a_pod_is_charged_and_not_stored(api: Api) -> None:
    quotas = api.server.parts.quotas
    seen: list[int] = []

    class Watching:
        """Tries to write the status at the moment when the charge is visible and the pod is not."""

        def deliver(self, changes: Any) -> None:
            seen.append(quotas.in_flight("default"))

    api.server.parts.hubs.of(KEY.removesuffix("default/")).attach(Watching())
    await api.create(PODS, pod("a"))
    assert seen == [True, True]
    assert not quotas.in_flight("default")
