"""The expirer, against the real API server, on a clock that the tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from expirer import ANNOTATION, Expirer, seconds_left

from wherry.api.errors import NotFound
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.testing.apiserver import client_of, in_process_server


@asynccontextmanager
async def world() -> AsyncIterator[tuple[Client, FakeClock]]:
    """An API server, and an expirer that works against it."""
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        client = client_of(server, clock=clock)
        expirer = asyncio.ensure_future(Expirer(client).run())
        try:
            yield client, clock
        finally:
            await cancel_and_wait(expirer)


async def make(client: Client, name: str, life: Any = None) -> None:
    annotations = {} if life is None else {ANNOTATION: str(life)}
    await client.create("configmaps", {"metadata": {"name": name, "annotations": annotations}}, namespace="default")


async def is_there(client: Client, name: str) -> bool:
    try:
        await client.get("configmaps", name, namespace="default")
    except NotFound:
        return False
    return True


@pytest.mark.asyncio
async def test_a_config_map_lives_as_long_as_it_says() -> None:
    async with world() as (client, clock):
        await make(client, "note", 3600)
        await clock.advance(3599)
        assert await is_there(client, "note")
        await clock.advance(1)
        assert not await is_there(client, "note")


@pytest.mark.asyncio
async def test_what_says_nothing_stays_for_a_year() -> None:
    async with world() as (client, clock):
        await make(client, "plain")
        await make(client, "odd", "soon")
        await clock.advance(365 * 86400)
        assert await is_there(client, "plain")
        assert await is_there(client, "odd")


@pytest.mark.asyncio
async def test_a_longer_life_counts_from_when_it_is_given() -> None:
    async with world() as (client, clock):
        await make(client, "note", 60)
        await clock.advance(30)
        change = {"metadata": {"annotations": {ANNOTATION: "3600"}}}
        await client.patch("configmaps", "note", change, namespace="default")
        await clock.advance(3569)
        assert await is_there(client, "note")
        await clock.advance(1)
        assert not await is_there(client, "note")


@pytest.mark.asyncio
async def test_a_hundred_expire_each_at_its_time() -> None:
    async with world() as (client, clock):
        for number in range(1, 101):
            await make(client, f"note-{number}", number * 60)
        for left in (70, 40, 10, 0):
            await clock.advance(30 * 60)
            found = await client.list("configmaps", namespace="default")
            assert len(found["items"]) == left


def test_the_rule_by_itself() -> None:
    made = {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {ANNOTATION: "10"}}}
    assert seconds_left(made, 1_767_225_604.0) == 6.0
    assert seconds_left({"metadata": {}}, 0.0) is None
