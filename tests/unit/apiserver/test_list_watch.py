"""List and watch: pages, selections, tokens, transitions, bookmarks."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod
from wherry.wire.messages import StreamResponse


class Reader:
    """Reads a watch: a `BodyWriter` that keeps the lines."""

    def __init__(self, reply: StreamResponse) -> None:
        self.data = b""
        self.task = asyncio.ensure_future(reply.produce(self))

    async def write(self, data: bytes) -> None:
        self.data += data

    def write_nowait(self, data: bytes) -> int:
        self.data += data
        return 0

    async def wait_closed(self) -> None:
        await asyncio.Event().wait()

    async def events(self) -> list[tuple[str, Object]]:
        for _ in range(5):
            await asyncio.sleep(0)
        found = [orjson.loads(line) for line in self.data.splitlines()]
        self.data = b""
        return [(event["type"], event["object"]) for event in found]

    async def seen(self) -> list[tuple[str, str]]:
        return [(kind, obj["metadata"].get("name", "")) for kind, obj in await self.events()]

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def watch(api: Api, target: str) -> Reader:
    reply = await api.reply("GET", target)
    assert isinstance(reply, StreamResponse), reply
    return Reader(reply)


def names(body: Any) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


async def test_lists_come_in_pages_of_one_revision(api: Api) -> None:
    for name in "abcde":
        await api.create(MAPS, config_map(name))
    first = (await api("GET", f"{MAPS}?limit=2")).body
    assert names(first) == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 3
    await api("DELETE", f"{MAPS}/d")
    second = (await api("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}")).body
    assert names(second) == ["c", "d"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    third = (await api("GET", f"{MAPS}?limit=2&continue={second['metadata']['continue']}")).body
    assert names(third) == ["e"]
    assert "continue" not in third["metadata"]


async def test_a_token_of_a_compacted_revision_expires(api: Api) -> None:
    for name in "abc":
        await api.create(MAPS, config_map(name))
    token = (await api("GET", f"{MAPS}?limit=1")).body["metadata"]["continue"]
    await api.create(MAPS, config_map("d"))
    await api.server.parts.store.compact(api.server.parts.store.revision)
    answer = await api("GET", f"{MAPS}?limit=1&continue={token}")
    assert (answer.status, answer.reason) == (410, "Expired")
    assert answer.message.startswith("The provided continue parameter is too old to display a consistent list result.")
    going_on = answer.body["metadata"]["continue"]
    assert names((await api("GET", f"{MAPS}?continue={going_on}")).body) == ["b", "c", "d"]


async def test_lists_select_by_labels_and_fields(api: Api) -> None:
    await api.create(PODS, pod("a", labels={"app": "x"}))
    await api.create(PODS, pod("b", labels={"app": "y"}, node="n1"))
    assert names((await api("GET", f"{PODS}?labelSelector=app%3Dx")).body) == ["a"]
    assert names((await api("GET", f"{PODS}?fieldSelector=spec.nodeName%3Dn1")).body) == ["b"]
    assert names((await api("GET", f"{PODS}?fieldSelector=metadata.name%3Db")).body) == ["b"]
    wrong = await api("GET", f"{PODS}?fieldSelector=spec.boat%3D1")
    assert (wrong.status, wrong.message) == (400, "field label not supported: spec.boat")
    assert (await api("GET", f"{PODS}?labelSelector=a%3D%3D%3D")).status == 400


async def test_list_options_are_checked(api: Api) -> None:
    answer = await api("GET", f"{MAPS}?resourceVersionMatch=Exact")
    assert answer.status == 422
    assert answer.message == (
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
        "resourceVersionMatch is forbidden unless resourceVersion is provided"
    )
    future = await api("GET", f"{MAPS}?resourceVersion=999999")
    assert (future.status, future.reason) == (504, "Timeout")


async def test_watch_starts_with_the_state_and_goes_on(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    reader = await watch(api, f"{MAPS}?watch=true")
    assert await reader.seen() == [("ADDED", "a")]
    await api.create(MAPS, config_map("b"))
    await api("PUT", f"{MAPS}/b", config_map("b", labels={"x": "y"}))
    await api("DELETE", f"{MAPS}/a")
    assert await reader.seen() == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]
    await reader.close()


async def test_watch_from_a_revision_replays_what_was_missed(api: Api) -> None:
    listed = (await api("GET", MAPS)).body["metadata"]["resourceVersion"]
    await api.create(MAPS, config_map("a"))
    await api("DELETE", f"{MAPS}/a")
    reader = await watch(api, f"{MAPS}?watch=true&resourceVersion={listed}")
    assert await reader.seen() == [("ADDED", "a"), ("DELETED", "a")]
    await reader.close()


async def test_watch_from_a_compacted_revision_is_an_error_event(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    await api.server.parts.store.compact(api.server.parts.store.revision)
    answer = await api("GET", f"{MAPS}?watch=true&resourceVersion=1")
    assert answer.status == 200
    assert answer.body["type"] == "ERROR"
    assert answer.body["object"]["code"] == 410
    assert answer.body["object"]["message"].startswith("too old resource version: 1 (")


async def test_objects_come_into_and_leave_a_selection(api: Api) -> None:
    reader = await watch(api, f"{MAPS}?watch=true&labelSelector=app%3Dx")
    await api.create(MAPS, config_map("a"))
    assert await reader.seen() == []
    await api("PUT", f"{MAPS}/a", config_map("a", labels={"app": "x"}))
    left = (await api("PUT", f"{MAPS}/a", config_map("a", labels={"app": "y"}))).body
    events = await reader.events()
    assert [kind for kind, _ in events] == ["ADDED", "DELETED"]
    assert events[1][1]["metadata"]["labels"] == {"app": "x"}
    assert events[1][1]["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]
    await reader.close()


async def test_watch_of_one_name_sees_only_that(api: Api) -> None:
    reader = await watch(api, f"{MAPS}?watch=true&fieldSelector=metadata.name%3Da")
    await api.create(MAPS, config_map("ab"))
    await api.create(MAPS, config_map("a"))
    assert await reader.seen() == [("ADDED", "a")]
    await reader.close()


async def test_watch_list_sends_the_state_then_a_marked_bookmark(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    query = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    reader = await watch(api, f"{MAPS}?{query}")
    (first, second) = await reader.events()
    assert first[0] == "ADDED"
    assert second[0] == "BOOKMARK"
    assert second[1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    await reader.close()


async def test_bookmarks_come_and_the_timeout_ends_the_watch(api: Api) -> None:
    reader = await watch(api, f"{MAPS}?watch=true&allowWatchBookmarks=true&timeoutSeconds=100")
    await api.create("/api/v1/namespaces", {"metadata": {"name": "other"}})
    await api.clock.advance(61)
    ((kind, obj),) = await reader.events()
    assert kind == "BOOKMARK"
    assert int(obj["metadata"]["resourceVersion"]) == api.server.parts.store.revision
    await api.clock.advance(60)
    assert reader.task.done()


async def test_a_watcher_that_does_not_read_is_dropped(api: Api) -> None:
    reader = await watch(api, f"{MAPS}?watch=true")
    await reader.events()
    reader.write_nowait = lambda data: 9 << 20  # type: ignore[method-assign]
    await api.create(MAPS, config_map("a"))
    await reader.events()
    assert reader.task.done()
