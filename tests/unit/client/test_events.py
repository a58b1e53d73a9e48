"""The event recorder against the real API server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.client.client import Client
from wherry.client.events import EventRecorder
from wherry.testing.apiserver import client_of, in_process_server

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "uid": "u1", "resourceVersion": "7"},
}
NODE: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "u2"}}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def client(clock: FakeClock) -> AsyncIterator[Client]:
    async with in_process_server(clock=clock) as server:
        yield client_of(server, clock=clock)


async def events(client: Client) -> list[Object]:
    return (await client.list("events", namespace="default"))["items"]


async def test_an_event_says_what_happened_to_whom(client: Client, clock: FakeClock) -> None:
    recorder = EventRecorder(client, "kubelet", clock, host="n1")
    recorder.event(POD, "Normal", "Pulled", "Container image ready", field_path="spec.containers{main}")
    recorder.event(NODE, "Warning", "Rebooted", "it did")
    await recorder.flush()
    pod, node = sorted(await events(client), key=lambda e: e["involvedObject"]["kind"], reverse=True)
    assert pod["metadata"]["name"].startswith("web.")
    assert pod["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "default",
        "name": "web",
        "uid": "u1",
        "resourceVersion": "7",
        "fieldPath": "spec.containers{main}",
    }
    assert pod["source"] == {"component": "kubelet", "host": "n1"}
    assert (pod["reason"], pod["type"], pod["count"]) == ("Pulled", "Normal", 1)
    assert node["involvedObject"]["kind"] == "Node"


async def test_the_same_again_is_counted(client: Client, clock: FakeClock) -> None:
    recorder = EventRecorder(client, "test", clock)
    for _ in range(3):
        recorder.event(POD, "Warning", "BackOff", "restarting")
        await recorder.flush()
        await clock.advance(10)
    (event,) = await events(client)
    assert event["count"] == 3
    assert event["firstTimestamp"] < event["lastTimestamp"]


async def test_counting_goes_on_where_the_event_was_removed(client: Client, clock: FakeClock) -> None:
    recorder = EventRecorder(client, "test", clock)
    recorder.event(POD, "Warning", "BackOff", "restarting")
    await recorder.flush()
    await client.delete_collection("events", namespace="default")
    recorder.event(POD, "Warning", "BackOff", "restarting")
    recorder.event(POD, "Warning", "BackOff", "restarting")
    await recorder.flush()
    (event,) = await events(client)
    assert event["count"] == 3


async def test_many_similar_ones_are_combined(client: Client, clock: FakeClock) -> None:
    recorder = EventRecorder(client, "test", clock)
    for i in range(14):
        recorder.event(POD, "Warning", "FailedMount", f"attempt {i}")
    await recorder.flush()
    found = await events(client)
    assert len(found) == 10
    combined = [e for e in found if e["message"].startswith("(combined from similar events): ")]
    assert [(e["count"], e["message"][-10:]) for e in combined] == [(5, "attempt 13")]


async def test_a_flood_is_cut_off_and_trickles(client: Client, clock: FakeClock) -> None:
    recorder = EventRecorder(client, "test", clock)
    for i in range(100):
        recorder.event(POD, "Warning", f"Reason{i}", "flood")
    await recorder.flush()
    assert len(await events(client)) == 25
    await clock.advance(301)
    recorder.event(POD, "Warning", "Later", "flood")
    await recorder.flush()
    assert len(await events(client)) == 26


async def test_what_the_server_refuses_is_dropped(client: Client, clock: FakeClock) -> None:
    recorder = EventRecorder(client, "test", clock)
    recorder.event({**POD, "metadata": {**POD["metadata"], "namespace": "missing"}}, "Normal", "Lost", "nowhere")
    recorder.event(POD, "Normal", "Kept", "here")
    await recorder.flush()
    assert [e["reason"] for e in await events(client)] == ["Kept"]
