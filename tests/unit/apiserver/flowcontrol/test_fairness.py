"""Priority and fairness over HTTP: objects, headers, waiting, 429."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.store.memory import open_memory
from wherry.store.port import Encode, Entry
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.testing.http import Answer, Api

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
SCHEMAS, LEVELS = f"{FLOW}/flowschemas", f"{FLOW}/prioritylevelconfigurations"
MAPS = "/api/v1/namespaces/default/configmaps"


class GatedStore:
    """A store whose writes of ConfigMaps wait until `gate` is set: the disk of a busy machine."""

    def __init__(self) -> None:
        self._store = open_memory()
        self.gate = asyncio.Event()
        self.gate.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def put(self, key: str, encode: Encode, *, expected: int | None, memo: Any = None) -> Entry:
        if key.startswith("/registry/core/configmaps/default/"):
            await self.gate.wait()
        return await self._store.put(key, encode, expected=expected, memo=memo)


@pytest.fixture
async def store() -> AsyncIterator[GatedStore]:
    store = GatedStore()
    yield store
    await store.close()


@pytest.fixture
async def busy(clock: FakeClock, store: GatedStore) -> AsyncIterator[Api]:
    """A server with so few seats that ten writes are many."""
    async with in_process_server(clock=clock, store=store, config=ServerConfig(seats=25)) as server:  # type: ignore[arg-type]
        yield Api(server, clock)


def user(name: str) -> User:
    return User(name, (AUTHENTICATED,))


async def _as(api: Api, who: User, number: int) -> Answer:
    own = Api(api.server, api.clock)
    own.user = who
    return await own("POST", MAPS, {"metadata": {"name": f"{who.name.rpartition(':')[2]}-{number}"}})


async def test_the_objects_of_every_cluster_are_there(api: Api) -> None:
    schemas = {each["metadata"]["name"]: each for each in (await api("GET", SCHEMAS)).body["items"]}
    assert sorted(schemas) == [
        "catch-all", "endpoint-controller", "exempt", "global-default", "kube-controller-manager", "kube-scheduler",
        "kube-system-service-accounts", "probes", "service-accounts", "system-leader-election", "system-node-high",
        "system-nodes", "workload-leader-election",
    ]  # fmt: skip
    assert schemas["global-default"]["metadata"]["annotations"] == {"apf.kubernetes.io/autoupdate-spec": "true"}
    condition = schemas["global-default"]["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Dangling", "False", "Found")
    levels = {each["metadata"]["name"]: each["spec"] for each in (await api("GET", LEVELS)).body["items"]}
    assert levels["workload-low"]["limited"]["nominalConcurrencyShares"] == 100
    assert levels["catch-all"]["limited"]["limitResponse"] == {"type": "Reject"}
    assert levels["exempt"] == {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}


async def test_answers_name_schema_and_level(api: Api) -> None:
    async def named(who: User, method: str = "GET", path: str = MAPS) -> tuple[str, str]:
        api.user = who
        headers = (await api(method, path)).headers
        api.user = ADMIN
        names = []
        for url, key in ((SCHEMAS, "FlowSchema"), (LEVELS, "PriorityLevel")):
            uid = headers[f"X-Kubernetes-PF-{key}-UID"]
            items = (await api("GET", url)).body["items"]
            names.append(next(each["metadata"]["name"] for each in items if each["metadata"]["uid"] == uid))
        return names[0], names[1]

    assert await named(ADMIN) == ("exempt", "exempt")
    assert await named(user("joe")) == ("global-default", "global-default")
    assert await named(user("joe"), "GET", "/healthz") == ("probes", "exempt")
    node = User("system:node:a", ("system:nodes", AUTHENTICATED))
    assert await named(node, "GET", "/api/v1/nodes/a") == ("system-node-high", "node-high")
    assert await named(node) == ("system-nodes", "system")
    account = User("system:serviceaccount:x:y", ("system:serviceaccounts", AUTHENTICATED))
    assert await named(account) == ("service-accounts", "workload-low")
    assert await named(user("system:kube-scheduler")) == ("kube-scheduler", "workload-high")
    assert await named(user("joe"), "DELETE", f"{MAPS}/none") == ("global-default", "global-default")  # a 404, too


async def test_a_new_schema_counts_from_its_write_on(api: Api) -> None:
    level = {"name": "workload-high"}
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "joe"}}],
        "resourceRules": [{"verbs": ["*"], "apiGroups": [""], "resources": ["configmaps"], "namespaces": ["default"]}],
    }
    spec = {"matchingPrecedence": 50, "priorityLevelConfiguration": level, "rules": [rule]}
    made = await api.create(SCHEMAS, {"metadata": {"name": "joes"}, "spec": spec})
    api.user = user("joe")
    uid = "X-Kubernetes-PF-FlowSchema-UID"
    assert (await api("GET", MAPS)).headers[uid] == made["metadata"]["uid"]
    assert (await api("GET", "/api/v1/configmaps")).headers[uid] != made["metadata"]["uid"]


async def test_a_schema_without_its_level_dangles_and_is_not_used(api: Api, clock: FakeClock) -> None:
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "joe"}}],
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}],
    }
    spec = {"matchingPrecedence": 50, "priorityLevelConfiguration": {"name": "gone"}, "rules": [rule]}
    made = await api.create(SCHEMAS, {"metadata": {"name": "lost"}, "spec": spec})
    await clock.settle()
    condition = (await api("GET", f"{SCHEMAS}/lost")).body["status"]["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("True", "NotFound")
    assert condition["message"] == (
        'This FlowSchema references the PriorityLevelConfiguration object named "gone" but there is no such object'
    )
    api.user = user("joe")
    assert (await api("GET", MAPS)).headers["X-Kubernetes-PF-FlowSchema-UID"] != made["metadata"]["uid"]


async def test_what_must_be_comes_back(api: Api, clock: FakeClock) -> None:
    await api("DELETE", f"{SCHEMAS}/catch-all")
    await api("DELETE", f"{LEVELS}/system")
    await api.patch(f"{SCHEMAS}/exempt", {"spec": {"matchingPrecedence": 9}})
    await api.patch(f"{SCHEMAS}/service-accounts", {"spec": {"matchingPrecedence": 8000}})
    await clock.settle()
    assert (await api("GET", f"{SCHEMAS}/catch-all")).status == 200
    assert (await api("GET", f"{LEVELS}/system")).status == 200
    assert (await api("GET", f"{SCHEMAS}/exempt")).body["spec"]["matchingPrecedence"] == 1
    assert (await api("GET", f"{SCHEMAS}/service-accounts")).body["spec"]["matchingPrecedence"] == 9000


async def test_a_suggested_one_can_be_taken_over(api: Api, clock: FakeClock) -> None:
    own = {"metadata": {"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}}}
    await api.patch(f"{SCHEMAS}/service-accounts", {**own, "spec": {"matchingPrecedence": 8000}})
    await clock.settle()
    assert (await api("GET", f"{SCHEMAS}/service-accounts")).body["spec"]["matchingPrecedence"] == 8000


async def test_a_flood_waits_and_others_do_not(busy: Api, store: GatedStore, clock: FakeClock) -> None:
    store.gate.clear()
    flood = [asyncio.ensure_future(_as(busy, user("flood"), n)) for n in range(60)]
    await clock.settle()
    nodes = User("system:node:a", ("system:nodes", AUTHENTICATED))
    other = asyncio.ensure_future(_as(busy, nodes, 1))  # of another level
    own = Api(busy.server, busy.clock)
    own.user = user("reader")
    assert (await own("GET", MAPS)).status == 200  # reads never wait
    level = busy.server._flow.levels["global-default"]
    assert level.waiting > 30
    assert level.seats <= level.limit
    assert level.limit > level.bounds.nominal  # what nobody needs is lent
    store.gate.set()
    assert (await other).status == 201
    assert {each.status for each in await asyncio.gather(*flood)} == {201}
    assert (level.seats, level.waiting, level.queues) == (0, 0, {})


async def test_who_waits_too_long_gets_429(busy: Api, store: GatedStore, clock: FakeClock) -> None:
    store.gate.clear()
    flood = [asyncio.ensure_future(_as(busy, user("flood"), n)) for n in range(60)]
    await clock.settle()
    await clock.advance(15.1)
    refused = [task.result() for task in flood if task.done()]
    assert len(refused) > 30
    answer = refused[0]
    assert (answer.status, answer.raw) == (429, b"Too many requests, please try again later.\n")
    assert answer.headers["Retry-After"] == "1"
    assert "X-Kubernetes-PF-FlowSchema-UID" in answer.headers
    store.gate.set()
    await asyncio.gather(*flood)


async def test_full_queues_refuse_at_once_and_memory_is_bounded(busy: Api, store: GatedStore, clock: FakeClock) -> None:
    store.gate.clear()
    flood = [asyncio.ensure_future(_as(busy, user("flood"), n)) for n in range(600)]
    await clock.settle()
    level = busy.server._flow.levels["global-default"]
    assert level.waiting <= 6 * 50  # a flow's hand of queues, and what each of them holds
    refused = [task.result() for task in flood if task.done()]
    assert {each.status for each in refused} == {429}
    assert level.rejected["queue-full"] == len(refused) >= 600 - 300 - 25
    late = asyncio.ensure_future(_as(busy, user("late"), 1))
    await clock.settle()
    assert not late.done()  # it waits in a queue of its own
    store.gate.set()
    assert (await late).status == 201
    await asyncio.gather(*flood)


async def test_who_goes_away_leaves_its_place(busy: Api, store: GatedStore, clock: FakeClock) -> None:
    store.gate.clear()
    flood = [asyncio.ensure_future(_as(busy, user("flood"), n)) for n in range(60)]
    await clock.settle()
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
    level = busy.server._flow.levels["global-default"]
    assert (level.seats, level.waiting, level.executing) == (0, 0, 0)
    assert level.cancelled > 30


async def test_big_lists_let_others_have_a_turn(busy: Api) -> None:
    for n in range(150):
        await busy.create(MAPS, {"metadata": {"name": f"m-{n}"}})
    lister = Api(busy.server, busy.clock)
    lister.user = user("lister")
    level = busy.server._flow.levels["global-default"]
    before = level.dispatched
    assert len((await lister("GET", MAPS)).body["items"]) == 150
    assert level.dispatched == before + 1
    assert level.seats == 0
    assert len((await lister("GET", f"{MAPS}?limit=10")).body["items"]) == 10
    assert level.dispatched == before + 1  # small: it took no seats


async def test_dumps_tell_who_waits(busy: Api, store: GatedStore, clock: FakeClock) -> None:
    store.gate.clear()
    flood = [asyncio.ensure_future(_as(busy, user("flood"), n)) for n in range(40)]
    await clock.settle()
    base = "/debug/api_priority_and_fairness"
    levels = (await busy("GET", f"{base}/dump_priority_levels")).raw.decode().splitlines()
    assert levels[0].split() == [
        "PriorityLevelName,", "ActiveQueues,", "IsIdle,", "IsQuiescing,", "WaitingRequests,", "ExecutingRequests,",
        "DispatchedRequests,", "RejectedRequests,", "TimedoutRequests,", "CancelledRequests,",
    ]  # fmt: skip
    own = next(line for line in levels if line.startswith("global-default,")).split()
    assert own[2] == "false,"
    requests = (await busy("GET", f"{base}/dump_requests?includeRequestDetails=1")).raw.decode().splitlines()
    assert requests[1].split()[0] == "global-default,"
    assert requests[1].split()[-3:] == ["flood,", "create,", f"{MAPS},"]
    assert len((await busy("GET", f"{base}/dump_queues")).raw.decode().splitlines()) > 1
    store.gate.set()
    await asyncio.gather(*flood)
