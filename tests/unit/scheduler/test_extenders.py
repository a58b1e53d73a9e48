"""Extenders that are real HTTP servers in the same process."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from wherry.api.types import Object
from wherry.base.clock import RealClock
from wherry.base.log import Logger
from wherry.client.client import Client
from wherry.client.http_transport import HttpTransport
from wherry.scheduler.cache import Cache
from wherry.scheduler.configuration.model import ExtenderConfig, ProfileConfig
from wherry.scheduler.configuration.profiles import Needs, framework
from wherry.scheduler.consultation import Consultation
from wherry.scheduler.extenders import ExtenderError, Extenders
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.placement import Placement, Refusal
from wherry.scheduler.plugins.default_preemption import DefaultPreemption
from wherry.scheduler.storage.devices import Devices
from wherry.scheduler.storage.view import Storage
from wherry.testing.plugins import cluster_of
from wherry.testing.scheduling import node, pod
from wherry.wire.messages import Request, Response
from wherry.wire.server import serve

NODES = [node(f"n{i}") for i in range(4)]


class Sayer:
    """Answers a verb with what it is told; a missing verb is a 404."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[Object] = []

    def handle(self, request: Request) -> Response:
        verb = request.path.rpartition("/")[2]
        self.asked.append(orjson.loads(request.body))
        if verb not in self.answers:
            return Response(404, b"{}")
        return Response(200, orjson.dumps(self.answers[verb]))


@asynccontextmanager
async def consulting(cache: Cache, sayer: Sayer, **options: Any) -> AsyncIterator[tuple[Consultation, Extenders]]:
    clock = RealClock()
    server = await serve(sayer.handle, clock=clock)
    config = ExtenderConfig(url=f"http://127.0.0.1:{server.port}/scheduler", **options)
    extenders = Extenders([config], cache=cache, clock=clock, log=Logger("test"))
    try:
        yield Consultation(extenders, cache, random.Random(1)), extenders
    finally:
        await extenders.aclose()
        await server.close(grace_seconds=0)


def placement_on(cache: Cache) -> Placement:
    client = Client(HttpTransport("http://127.0.0.1:1"), clock=RealClock())
    preemption = lambda percent, least: DefaultPreemption(percent=percent, at_least=least)
    needs = Needs(client, lambda pod: None, preemption, (), Storage(), Devices())
    return Placement(framework(ProfileConfig(), needs), cache)


async def test_filter_and_prioritize_have_a_say():
    cache = cluster_of(NODES)
    rejected = {"FailedNodes": {"n0": "too loud"}, "NodeNames": ["n1", "n2", "n3"]}
    sayer = Sayer(filter=rejected, prioritize=[{"Host": "n2", "Score": 10}, {"Host": "n1", "Score": 3}])
    options = {"filter_verb": "filter", "prioritize_verb": "prioritize", "weight": 5, "node_cache_capable": True}
    async with consulting(cache, sayer, **options) as (consultation, _):
        assert await consultation.choose(placement_on(cache), PodInfo(pod())) == "n2"
    assert sayer.asked[0]["Pod"]["metadata"]["name"] == "p"
    assert sorted(sayer.asked[0]["NodeNames"]) == ["n0", "n1", "n2", "n3"]
    assert sorted(sayer.asked[1]["NodeNames"]) == ["n1", "n2", "n3"]


async def test_what_an_extender_refuses_is_counted_like_any_reason():
    cache = cluster_of([*NODES, node("small", cpu="0")])
    failed = {each["metadata"]["name"]: "too loud" for each in NODES}
    sayer = Sayer(filter={"FailedAndUnresolvableNodes": failed, "Nodes": {"items": []}})
    async with consulting(cache, sayer, filter_verb="filter") as (consultation, _):
        decision = await consultation.choose(placement_on(cache), PodInfo(pod(cpu="1")))
    assert isinstance(decision, Refusal)
    assert decision.diagnosis.message.startswith("0/5 nodes are available: 1 Insufficient cpu, 4 too loud.")
    assert [item["metadata"]["name"] for item in sayer.asked[0]["Nodes"]["items"]] == ["n0", "n1", "n2", "n3"]


@pytest.mark.parametrize("ignorable", [True, False])
async def test_an_extender_that_fails(ignorable: bool):
    cache = cluster_of(NODES[:1])
    async with consulting(cache, Sayer(), filter_verb="filter", ignorable=ignorable) as (consultation, _):
        if ignorable:
            assert await consultation.choose(placement_on(cache), PodInfo(pod())) == "n0"
        else:
            with pytest.raises(ExtenderError, match="code 404"):
                await consultation.choose(placement_on(cache), PodInfo(pod()))


async def test_an_extender_spares_victims_of_a_preemption():
    victims = [pod(f"low{i}", cpu="3", node_name=f"n{i}") for i in range(2)]
    cache = cluster_of(NODES[:2], victims)
    wanted = PodInfo(pod("high", cpu="3", priority=100))
    answer = {"NodeNameToMetaVictims": {"n1": {"Pods": [{"UID": "default/low1"}], "NumPDBViolations": 0}}}
    async with consulting(cache, Sayer(preempt=answer), preempt_verb="preempt") as (consultation, _):
        decision = await consultation.choose(placement_on(cache), wanted)
    assert isinstance(decision, Refusal) and decision.remedy.nomination is not None
    assert decision.remedy.nomination.node == "n1"


async def test_managed_resources_and_binding():
    cache = cluster_of(NODES)
    sayer = Sayer(bind={"Error": "no"})
    options = {"bind_verb": "bind", "managed_resources": {"example.com/gpu": True}}
    async with consulting(cache, sayer, **options) as (_, extenders):
        assert extenders.binder(PodInfo(pod())) is None
        wanted = PodInfo(pod(requests={"example.com/gpu": "1"}))
        binder = extenders.binder(wanted)
        assert binder is not None
        with pytest.raises(ExtenderError, match="no"):
            await binder.bind(wanted, "n1")
    assert sayer.asked == [{"PodName": "p", "PodNamespace": "default", "PodUID": "default/p", "Node": "n1"}]
