"""Feeds: the same events as over the wire, in batches, with the server's own objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from wherry.api.errors import Expired, Forbidden
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.client import feed as feeds
from wherry.client.client import Client
from wherry.client.feed import Feed
from wherry.policy.user import User
from wherry.store.memory import MemoryStore, open_memory
from wherry.store.port import Revision
from wherry.testing.apiserver import client_of, in_process_server

MAPS = "configmaps"


@dataclass
class Rig:
    client: Client
    stranger: Client
    store: MemoryStore

    async def put(self, name: str, value: str) -> None:
        metadata = {"name": name, "namespace": "default", "labels": {"app": value}}
        await self.client.create(MAPS, {"metadata": metadata})

    async def label(self, name: str, value: str) -> None:
        await self.client.patch(MAPS, name, {"metadata": {"labels": {"app": value}}}, namespace="default")


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    clock, store = FakeClock(), open_memory()
    async with in_process_server(clock=clock, store=store, config=ServerConfig(rbac=True)) as server:
        stranger = client_of(server, clock=clock, user=User("nobody", ()))
        yield Rig(client_of(server, clock=clock), stranger, store)
    await store.close()


async def take(feed: Feed) -> list[tuple[str, str]]:
    """One batch: types and names."""
    return [(type_, obj["metadata"]["name"]) for type_, obj in await anext(feed)]


async def test_begins_with_the_state_and_goes_on_in_batches(rig: Rig) -> None:
    await rig.put("a", "x")
    feed = await rig.client.feed(MAPS, namespace="default")
    assert feed.state is not None
    assert [obj["metadata"]["name"] for obj in feed.state] == ["a"]
    assert feed.revision == rig.store.revision
    await rig.label("a", "y")
    await rig.put("b", "x")
    await rig.client.delete(MAPS, "a", namespace="default")
    assert await take(feed) == [("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    await feed.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(feed)


async def test_everybody_is_handed_the_same_object(rig: Rig) -> None:
    one, other = await rig.client.feed(MAPS), await rig.client.feed(MAPS, namespace="default")
    await rig.put("a", "x")
    ((_, first),), ((_, second),) = await anext(one), await anext(other)
    entry = rig.store.get("/registry/core/configmaps/default/a")
    assert entry is not None
    assert first is second is entry.memo
    assert (first["kind"], first["metadata"]["resourceVersion"]) == ("ConfigMap", str(entry.mod_revision))


async def test_goes_on_from_a_revision(rig: Rig) -> None:
    await rig.put("a", "x")
    seen = str(rig.store.revision)
    await rig.put("b", "x")
    feed = await rig.client.feed(MAPS, resource_version=seen)
    assert feed.state is None
    await rig.put("c", "x")
    assert await take(feed) == [("ADDED", "b"), ("ADDED", "c")]


@pytest.mark.parametrize("revision", [1, 10_000])
async def test_a_revision_that_is_forgotten_or_not_yet_asks_for_a_new_state(rig: Rig, revision: int) -> None:
    await rig.store.compact(Revision(rig.store.revision))
    with pytest.raises(Expired):
        await rig.client.feed(MAPS, resource_version=str(revision))


async def test_what_leaves_the_selection_is_deleted_as_it_was(rig: Rig) -> None:
    await rig.put("a", "x")
    await rig.put("other", "z")
    feed = await rig.client.feed(MAPS, label_selector="app=x")
    assert [obj["metadata"]["name"] for obj in feed.state or ()] == ["a"]
    await rig.label("other", "y")
    await rig.label("a", "y")
    await rig.label("other", "x")
    (left, before), (came, now) = await anext(feed)
    assert (left, before["metadata"]["name"], before["metadata"]["labels"]) == ("DELETED", "a", {"app": "x"})
    assert (came, now["metadata"]["name"]) == ("ADDED", "other")


async def test_objects_come_in_the_version_asked_for(rig: Rig) -> None:
    event = {
        "metadata": {"name": "e", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
        "message": "hello",
    }
    feed = await rig.client.feed("events.events.k8s.io")
    await rig.client.create("events", event)
    ((_, seen),) = await anext(feed)
    assert (seen["apiVersion"], seen["note"]) == ("events.k8s.io/v1", "hello")


async def test_who_may_not_watch_gets_no_feed(rig: Rig) -> None:
    with pytest.raises(Forbidden):
        await rig.stranger.feed(MAPS)


async def test_who_does_not_read_is_dropped(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "BACKLOG_EVENTS", 2)
    feed = await rig.client.feed(MAPS)
    for name in ("a", "b", "c", "d"):
        await rig.put(name, "x")
    assert [name for _, name in await take(feed)] == ["a", "b", "c"]
    with pytest.raises(StopAsyncIteration):
        await anext(feed)
