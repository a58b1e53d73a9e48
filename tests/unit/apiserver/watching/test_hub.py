"""Receivers are handed what concerns them, and found without asking all of them."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from wherry.apiserver.watching.frames import Change
from wherry.apiserver.watching.hub import Hub
from wherry.apiserver.watching.interest import NODE
from wherry.store.memory import MemoryStore, open_memory

PREFIX = "/registry/core/pods/"


class Receiver:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def deliver(self, changes: Sequence[Change]) -> None:
        self.seen += [(change.type, change.entry.key.removeprefix(PREFIX)) for change in changes]


class Broken(Receiver):
    def deliver(self, changes: Sequence[Change]) -> None:
        raise ValueError("broken")


@pytest.fixture
def store() -> MemoryStore:
    return open_memory()


@pytest.fixture
def hub(store: MemoryStore) -> Hub:
    return Hub(store, PREFIX)


async def put(store: MemoryStore, name: str, node: str) -> None:
    value = orjson.dumps({"metadata": {"name": name}, "spec": {"nodeName": node} if node else {}})
    await store.put(f"{PREFIX}ns/{name}", lambda revision: value, expected=None)


async def test_a_node_hears_of_its_own_pods_also_of_those_that_leave(hub: Hub, store: MemoryStore) -> None:
    everything, first, second, waiting = Receiver(), Receiver(), Receiver(), Receiver()
    hub.attach(everything)
    for receiver, node in ((first, "n1"), (second, "n2"), (waiting, "")):
        hub.attach(receiver, (NODE, node))
    await put(store, "a", "")
    await put(store, "a", "n1")
    await put(store, "b", "n2")
    await put(store, "a", "n2")
    await store.delete(f"{PREFIX}ns/b", expected=None)
    assert waiting.seen == [("ADDED", "ns/a"), ("MODIFIED", "ns/a")]
    assert first.seen == [("MODIFIED", "ns/a"), ("MODIFIED", "ns/a")]
    assert second.seen == [("ADDED", "ns/b"), ("MODIFIED", "ns/a"), ("DELETED", "ns/b")]
    assert len(everything.seen) == 5


async def test_an_interest_in_one_object_is_not_one_in_longer_names(hub: Hub, store: MemoryStore) -> None:
    one = Receiver()
    hub.attach(one, ("", f"{PREFIX}ns/a"))
    await put(store, "a", "")
    await put(store, "ab", "")
    assert one.seen == [("ADDED", "ns/a")]


async def test_nothing_comes_after_detaching(hub: Hub, store: MemoryStore) -> None:
    broad, narrow = Receiver(), Receiver()
    hub.attach(broad)
    hub.attach(narrow, (NODE, "n1"))
    assert len(hub) == 2
    for receiver in (broad, narrow, narrow):
        hub.detach(receiver)
    assert len(hub) == 0
    await put(store, "a", "n1")
    assert broad.seen == narrow.seen == []


async def test_one_that_fails_does_not_keep_changes_from_the_others(hub: Hub, store: MemoryStore) -> None:
    other = Receiver()
    hub.attach(Broken())
    hub.attach(Broken(), (NODE, "n1"))
    hub.attach(other, (NODE, "n1"))
    await put(store, "a", "n1")
    assert other.seen == [("ADDED", "ns/a")]
