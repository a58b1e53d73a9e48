"""Admission may wait for somebody outside, at every kind of write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.admission.builtin import RULES, SERVICE_ACCOUNT
from wherry.apiserver.admission.chain import Rule
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.wire.messages import Response

EVERY = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
DEPLOYMENT = {
    "metadata": {"name": "d"},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]},
    },
}


def later(decide: Callable[[Attributes], None]) -> Callable[[Attributes], Awaitable[None]]:
    async def waiting(attributes: Attributes) -> None:
        await asyncio.sleep(0)
        decide(attributes)

    return waiting


@asynccontextmanager
async def served(
    decide: Callable[[Attributes], None], *resources: str, validating: bool = False, **options: Any
) -> AsyncIterator[Api]:
    rule = Rule(
        plugin=later(decide),
        operations=EVERY,
        resources=frozenset(resources),
        subresources=frozenset({"*"}),
        validating=validating,
    )
    clock = FakeClock()
    others = [each for each in RULES if each is not SERVICE_ACCOUNT]
    async with in_process_server(clock=clock, admission=[*others, rule], **options) as server:
        yield Api(server, clock)


async def test_what_a_waiting_plugin_changes_is_validated_and_stored() -> None:
    def label(attributes: Attributes) -> None:
        if attributes.obj is not None:
            attributes.obj["metadata"]["labels"] = {"seen": attributes.obj["data"]["label"]}

    async with served(label, "configmaps") as api:
        made = await api.create(MAPS, {"metadata": {"name": "m"}, "data": {"label": "created"}})
        assert made["metadata"]["labels"] == {"seen": "created"}
        put = await api("PUT", f"{MAPS}/m", {"metadata": {"name": "m"}, "data": {"label": "put"}})
        assert put.body["metadata"]["labels"] == {"seen": "put"}
        patched = await api.patch(f"{MAPS}/m", {"data": {"label": "not valid!"}})
        assert patched.status == 422
        assert "metadata.labels" in patched.message


async def test_a_waiting_plugin_refuses_deletes_and_deletecollection() -> None:
    def refuse(attributes: Attributes) -> None:
        if attributes.operation == "DELETE":
            raise attributes.forbid(f"it has {attributes.old and attributes.old['data']}")

    async with served(refuse, "configmaps", validating=True) as api:
        await api.create(MAPS, {"metadata": {"name": "m"}, "data": {"a": "b"}})
        answer = await api("DELETE", f"{MAPS}/m")
        assert (answer.status, answer.message) == (403, "configmaps \"m\" is forbidden: it has {'a': 'b'}")
        assert (await api("DELETE", MAPS)).status == 403
        assert (await api("GET", f"{MAPS}/m")).status == 200


async def test_a_write_that_was_overtaken_while_it_waited_is_computed_again() -> None:
    apis: list[Api] = []

    async def overtake(attributes: Attributes) -> None:
        if apis:
            await apis.pop().patch(f"{MAPS}/m", {"data": {"b": "2"}})

    rule = Rule(plugin=overtake, operations=EVERY, resources=frozenset({"configmaps"}))
    async with in_process_server(admission=[rule]) as server:
        api = Api(server, FakeClock())
        await api.create(MAPS, {"metadata": {"name": "m"}, "data": {"a": "1"}})
        apis.append(api)
        patched = await api.patch(f"{MAPS}/m", {"data": {"c": "3"}})
        assert patched.body["data"] == {"a": "1", "b": "2", "c": "3"}


async def test_a_generated_name_is_known_only_after_the_object_may_be_changed() -> None:
    seen: list[str] = []

    def note(attributes: Attributes) -> None:
        metadata = (attributes.obj or {})["metadata"]
        seen.append(f"{attributes.name} {metadata.get('name', '')} {'uid' in metadata}")

    async with served(note, "configmaps") as api:
        await api.create(MAPS, {"metadata": {"generateName": "m-"}})
        assert seen == ["  False"]
    async with served(note, "configmaps", validating=True) as api:
        name = (await api.create(MAPS, {"metadata": {"generateName": "m-"}}))["metadata"]["name"]
        assert seen[1:] == [f"{name} {name} True"]


async def test_subresources_are_admitted_as_the_objects_that_were_sent() -> None:
    seen: list[tuple[str, str, str]] = []

    def note(attributes: Attributes) -> None:
        kind = (attributes.obj or attributes.old or {}).get("kind", "")
        seen.append((attributes.operation, attributes.subresource, kind))

    async with served(note, "deployments.apps", "pods") as api:
        await api.create(DEPLOYMENTS, DEPLOYMENT)
        scale = (await api("GET", f"{DEPLOYMENTS}/d/scale")).body
        await api("PUT", f"{DEPLOYMENTS}/d/scale", {**scale, "spec": {"replicas": 3}})
        await api.patch(f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 2}})
        await api.create(PODS, POD)
        binding = {"apiVersion": "v1", "kind": "Binding", "target": {"kind": "Node", "name": "n"}}
        await api.create(f"{PODS}/p/binding", {**binding, "metadata": {"name": "p"}})
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
        await api("POST", f"{PODS}/p/eviction", eviction)
    assert seen == [
        ("CREATE", "", "Deployment"),
        ("UPDATE", "scale", "Scale"),
        ("UPDATE", "scale", "Scale"),
        ("CREATE", "", "Pod"),
        ("CREATE", "binding", "Binding"),
        ("CREATE", "eviction", "Eviction"),
    ]


async def test_connections_are_admitted_by_their_options() -> None:
    def refuse(attributes: Attributes) -> None:
        if attributes.operation == "CONNECT":
            raise attributes.forbid(str(attributes.obj))

    async def connected(_: object) -> Response:
        return Response(200, b"{}")

    connect = {("pods", "exec"): connected, ("pods", "log"): connected}
    async with served(refuse, "pods", connect=connect) as api:
        answer = await api("POST", f"{PODS}/p/exec?command=ls&command=-l&stdin=false&stdout=true&container=c")
        options = (
            "{'kind': 'PodExecOptions', 'apiVersion': 'v1', 'stdout': True, 'container': 'c', 'command': ['ls', '-l']}"
        )
        assert (answer.status, answer.message) == (403, f'pods "p" is forbidden: {options}')
        assert (await api("GET", f"{PODS}/p/log")).status == 200


async def test_a_plugin_that_changed_the_object_has_the_others_look_again_once() -> None:
    seen: list[str] = []

    def first(attributes: Attributes) -> None:
        seen.append(f"first {(attributes.obj or {})['data']}")

    async def second(attributes: Attributes) -> None:
        seen.append(f"second, again: {attributes.again}")
        assert attributes.obj is not None
        attributes.obj["data"]["more"] = "1"
        attributes.reinvoke = True

    maps = frozenset({"configmaps"})
    rules = [Rule(plugin=plugin, operations=EVERY, resources=maps) for plugin in (first, second)]
    async with in_process_server(admission=rules) as server:
        await Api(server, FakeClock()).create(MAPS, {"metadata": {"name": "m"}, "data": {"a": "b"}})
    assert seen == [
        "first {'a': 'b'}",
        "second, again: False",
        "first {'a': 'b', 'more': '1'}",
        "second, again: True",
    ]
