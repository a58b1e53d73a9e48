"""Informers against the real API server: nothing lost, nothing twice, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.apiserver.app import ApiServer
from wherry.base.clock import RealClock
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.feed import Feed
from wherry.client.http_transport import HttpTransport
from wherry.client.in_process import InProcessTransport
from wherry.client.informer import Informer, SharedInformers
from wherry.client.transport import StreamedAnswer, WebSocket
from wherry.store.memory import open_memory
from wherry.store.port import Revision, Store
from wherry.testing.apiserver import ADMIN, client_of, in_process_server
from wherry.wire.messages import Reply, Request
from wherry.wire.server import serve

MAPS = "configmaps"


class FlakyWire:
    """Breaks off its streams when told to, and refuses new ones while `down`."""

    def __init__(self, server: ApiServer) -> None:
        self.inner = InProcessTransport(server.handle, user=ADMIN)
        self.streams: list[_Broken] = []
        self.down = False
        self.starts = 0

    async def request(self, method: str, target: str, *, headers: Mapping[str, str], body: bytes = b"") -> Any:
        self._check()
        self.starts += 1
        return await self.inner.request(method, target, headers=headers, body=body)

    async def open_stream(self, method: str, target: str, *, headers: Mapping[str, str]) -> StreamedAnswer:
        self._check()
        stream = _Broken(await self.inner.open_stream(method, target, headers=headers))
        self.streams.append(stream)
        return stream

    async def open_websocket(
        self, target: str, *, headers: Mapping[str, str], subprotocols: Sequence[str]
    ) -> WebSocket:
        raise NotImplementedError

    async def aclose(self) -> None:
        await self.inner.aclose()

    async def cut(self, *, rudely: bool) -> None:
        for stream in self.streams:
            stream.rudely = rudely
            await stream.inner.aclose()
        self.streams.clear()

    def _check(self) -> None:
        if self.down:
            raise ConnectionRefusedError("down")


class FlakyFeeds(FlakyWire):
    """The same for feeds of shared objects; their end is never rude."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__(server)
        self.feeds: list[Feed] = []

    async def open_feed(self, target: str, *, headers: Mapping[str, str]) -> Feed:
        self._check()
        feed = await self.inner.open_feed(target, headers=headers)
        self.starts += feed.state is not None
        self.feeds.append(feed)
        return feed

    async def cut(self, *, rudely: bool) -> None:
        for feed in self.feeds:
            await feed.aclose()
        self.feeds.clear()


class _Broken:
    def __init__(self, inner: StreamedAnswer) -> None:
        self.inner = inner
        self.status = inner.status
        self.content_type = inner.content_type
        self.rudely = False
        self.dead = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self.inner:
            if self.dead:
                await asyncio.Event().wait()
            yield piece
        if self.rudely:
            raise ConnectionResetError("cut")

    async def aclose(self) -> None:
        await self.inner.aclose()


class Recorder:
    """What the handlers were told."""

    def __init__(self, informer: Informer) -> None:
        self.state: dict[str, str] = {}
        self.told: list[tuple[str, str, str]] = []
        informer.add_handler(self._add, self._update, self._delete)

    def _note(self, what: str, obj: Object) -> str:
        metadata = obj["metadata"]
        self.told.append((what, metadata["name"], metadata["resourceVersion"]))
        return metadata["name"]

    def _add(self, obj: Object) -> None:
        name = self._note("add", obj)
        assert name not in self.state, "added twice"
        self.state[name] = obj["data"]["a"]

    def _update(self, old: Object, new: Object) -> None:
        name = self._note("update", new)
        assert self.state[name] == old["data"]["a"]
        assert int(new["metadata"]["resourceVersion"]) > int(old["metadata"]["resourceVersion"])
        self.state[name] = new["data"]["a"]

    def _delete(self, obj: Object) -> None:
        del self.state[self._note("delete", obj)]


class Rig:
    def __init__(self, server: ApiServer, store: Store, clock: FakeClock, transport: FlakyWire) -> None:
        self.store = store
        self.clock = clock
        self.direct = client_of(server, clock=clock)
        self.transport = transport
        self.client = Client(self.transport, clock=clock)
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, component: Informer | SharedInformers) -> None:
        self.tasks.append(asyncio.ensure_future(component.run()))
        await self.clock.settle()

    async def put(self, name: str, value: str) -> None:
        await self.direct.create(MAPS, {"metadata": {"name": name, "namespace": "default"}, "data": {"a": value}})

    async def change(self, name: str, value: str) -> None:
        await self.direct.patch(MAPS, name, {"data": {"a": value}}, namespace="default")

    async def remove(self, name: str) -> None:
        await self.direct.delete(MAPS, name, namespace="default")

    async def server_state(self) -> dict[str, str]:
        items = (await self.direct.list(MAPS, namespace="default"))["items"]
        return {obj["metadata"]["name"]: obj["data"]["a"] for obj in items}


@pytest.fixture(params=[FlakyWire, FlakyFeeds])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    clock, store = FakeClock(), open_memory()
    async with in_process_server(clock=clock, store=store) as server:
        made = Rig(server, store, clock, request.param(server))
        try:
            yield made
        finally:
            await cancel_and_wait(*made.tasks)
    await store.close()


async def test_lists_then_follows(rig: Rig) -> None:
    await rig.put("before", "1")
    informer = Informer(rig.client, MAPS, namespace="default")
    recorder = Recorder(informer)
    await rig.start(informer)
    await informer.wait_synced()
    await rig.put("after", "1")
    await rig.change("before", "2")
    await rig.remove("after")
    await rig.clock.settle()
    assert [(what, name) for what, name, _ in recorder.told] == [
        ("add", "before"),
        ("add", "after"),
        ("update", "before"),
        ("delete", "after"),
    ]
    found = informer.get("default", "before")
    assert found is not None
    assert (found["kind"], found["apiVersion"]) == ("ConfigMap", "v1")


@pytest.mark.parametrize("seed", range(6))
async def test_no_change_is_lost_or_doubled_over_reconnects(rig: Rig, seed: int) -> None:
    rng = random.Random(seed)
    informer = Informer(rig.client, MAPS, namespace="default")
    recorder = Recorder(informer)
    await rig.start(informer)
    made = changed = removed = 0
    for step in range(150):
        names = sorted(await rig.server_state())
        action = rng.choice(["put", "put", "change", "change", "remove", "cut", "reset", "wait"])
        if action == "put":
            await rig.put(f"m{step}", "0")
            made += 1
        elif action == "change" and names:
            await rig.change(rng.choice(names), str(step))
            changed += 1
        elif action == "remove" and names:
            await rig.remove(rng.choice(names))
            removed += 1
        elif action in ("cut", "reset"):
            await rig.transport.cut(rudely=action == "reset")
        elif action == "wait":
            await rig.clock.advance(rng.random() * 3)
    await rig.clock.advance(60)
    assert recorder.state == await rig.server_state()
    counts = [sum(what == kind for what, _, _ in recorder.told) for kind in ("add", "update", "delete")]
    assert counts == [made, changed, removed], "each change told exactly once"
    revisions = [revision for what, _, revision in recorder.told if what != "delete"]
    assert len(set(revisions)) == len(revisions)
    assert rig.transport.starts == 1, "reconnecting goes on from the last revision, without a new list"


async def test_forgotten_history_is_caught_up_by_a_list(rig: Rig) -> None:
    informer = Informer(rig.client, MAPS, namespace="default")
    recorder = Recorder(informer)
    for name in ("stays", "changes", "goes", "replaced"):
        await rig.put(name, "1")
    await rig.start(informer)
    rig.transport.down = True
    await rig.transport.cut(rudely=True)
    await rig.change("changes", "2")
    await rig.remove("goes")
    await rig.remove("replaced")
    await rig.put("replaced", "new")
    await rig.put("comes", "1")
    await rig.store.compact(Revision(rig.store.revision))
    recorder.told.clear()
    rig.transport.down = False
    await rig.clock.advance(60)
    assert recorder.state == await rig.server_state()
    assert sorted((what, name) for what, name, _ in recorder.told) == [
        ("add", "comes"),
        ("add", "replaced"),
        ("delete", "goes"),
        ("delete", "replaced"),
        ("update", "changes"),
    ]


async def test_a_server_that_is_down_is_asked_with_back_off(rig: Rig) -> None:
    rig.transport.down = True
    informer = Informer(rig.client, MAPS)
    await rig.start(informer)
    await rig.clock.advance(600)
    assert not informer.synced
    rig.transport.down = False
    await rig.clock.advance(60)
    assert informer.synced


@pytest.mark.parametrize("rig", [FlakyWire], indirect=True)
async def test_a_connection_that_died_silently_is_given_up(rig: Rig) -> None:
    informer = Informer(rig.client, MAPS, namespace="default")
    recorder = Recorder(informer)
    await rig.start(informer)
    (stream,) = rig.transport.streams
    stream.dead = True
    await rig.put("x", "1")
    await rig.clock.settle()
    assert recorder.state == {}
    await rig.clock.advance(640)
    assert recorder.state == {"x": "1"}


async def test_indexes_follow_changes(rig: Rig) -> None:
    informer = Informer(rig.client, MAPS, namespace="default")
    informer.add_index("value", lambda obj: [obj["data"]["a"]])
    for name in ("x", "y", "z"):
        await rig.put(name, "1")
    await rig.start(informer)
    await rig.change("y", "2")
    await rig.remove("z")
    await rig.clock.settle()

    def names(value: str) -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in informer.by_index("value", value))

    assert (names("1"), names("2"), names("3")) == (["x"], ["y"], [])
    assert len(informer.in_namespace("default")) == 2


async def test_one_bad_handler_does_not_silence_the_others(rig: Rig) -> None:
    informer = Informer(rig.client, MAPS, namespace="default")
    bad: Callable[[Object], None] = lambda obj: obj["missing"]
    informer.add_handler(bad)
    recorder = Recorder(informer)
    await rig.start(informer)
    await rig.put("x", "1")
    await rig.clock.settle()
    assert recorder.state == {"x": "1"}
    late = Recorder(informer)
    assert late.state == {"x": "1"}, "who comes late is told what is there"


async def test_shared_informers_are_one_per_selection_and_start_late_too(rig: Rig) -> None:
    shared = SharedInformers(rig.client)
    one = shared.informer(MAPS)
    assert shared.informer("configmaps") is one
    assert shared.informer(MAPS, namespace="default") is not one
    await rig.start(shared)
    late = shared.informer("secrets")
    await rig.clock.settle()
    await shared.wait_synced()
    assert one.synced
    assert late.synced


async def test_over_http_a_server_that_restarts_is_found_again() -> None:
    clock = RealClock()
    async with in_process_server(clock=clock) as server:

        def handle(request: Request) -> Reply | Awaitable[Reply]:
            request.state["user"] = ADMIN
            return server.handle(request)

        direct = client_of(server, clock=clock)
        running = await serve(handle)
        port = running.port
        transport = HttpTransport(f"http://127.0.0.1:{port}")
        informer = Informer(Client(transport, clock=clock), MAPS, namespace="default")
        recorder = Recorder(informer)
        task = asyncio.ensure_future(informer.run())
        try:
            async with asyncio.timeout(10):
                await informer.wait_synced()
                for i in range(4):
                    await direct.create(
                        MAPS, {"metadata": {"name": f"m{i}", "namespace": "default"}, "data": {"a": "1"}}
                    )
                    while f"m{i}" not in recorder.state:
                        await asyncio.sleep(0.002)
                    if i % 2:
                        await running.close()
                        await direct.patch(MAPS, f"m{i}", {"data": {"a": "2"}}, namespace="default")
                        running = await serve(handle, port=port)
                while recorder.state != {"m0": "1", "m1": "2", "m2": "1", "m3": "2"}:
                    await asyncio.sleep(0.002)
        finally:
            await cancel_and_wait(task)
            await transport.aclose()
            await running.close()
        assert [what for what, _, _ in recorder.told] == ["add", "add", "update", "add", "add", "update"]
