"""Versions of a custom resource between which a webhook converts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.unit.apiserver.customresources.conftest import (
    CRONTABS,
    DEFINITIONS,
    GROUP,
    Establish,
    definition,
    settled,
    version,
)
from tests.unit.apiserver.webhooks.conftest import CONFIGURATIONS, webhook

from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.client.informer import Informer
from wherry.testing.apiserver import client_of
from wherry.testing.http import Api
from wherry.testing.webhooks import WebhookServer, webhook_server

SECOND = f"/apis/{GROUP}/v2/namespaces/default/crontabs"
TEXT = {"type": "string"}


def schema(field: str) -> Object:
    return {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {field: TEXT, "kept": TEXT}},
            "status": {"type": "object", "properties": {"phase": TEXT}},
        },
    }


V1 = version("v1", schema("schedule"), subresources={"status": {}})
V2 = version("v2", schema("cron"), storage=False, subresources={"status": {}})
FIELDS = {f"{GROUP}/v1": "schedule", f"{GROUP}/v2": "cron"}


def convert(request: Object) -> Object:
    """`spec.schedule` of v1 is `spec.cron` in v2."""
    desired = request["desiredAPIVersion"]
    made = []
    for obj in request["objects"]:
        spec = dict(obj["spec"])
        if (value := spec.pop(FIELDS[obj["apiVersion"]], None)) is not None:
            spec[FIELDS[desired]] = value
        made.append({**obj, "apiVersion": desired, "spec": spec})
    return {"convertedObjects": made, "result": {"status": "Success"}}


@pytest.fixture
async def hook(webhook_keys: Path) -> AsyncIterator[WebhookServer]:
    async with webhook_server(webhook_keys, convert) as server:
        yield server


@pytest.fixture(scope="session")
def webhook_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conversion-keys")


@pytest.fixture
async def crontabs(hook: WebhookServer, establish: Establish) -> WebhookServer:
    config = {"clientConfig": hook.config("/convert"), "conversionReviewVersions": ["v1"]}
    await establish(definition(V1, V2, conversion={"strategy": "Webhook", "webhook": config}))
    return hook


def second(name: str = "one", cron: str = "* * * * *", **metadata: Any) -> Object:
    spec = {"cron": cron, "kept": "yes"}
    return {"apiVersion": f"{GROUP}/v2", "kind": "CronTab", "metadata": {"name": name, **metadata}, "spec": spec}


def stored(api: Api, name: str = "one") -> Object:
    entry = api.server.parts.store.get(f"/registry/{GROUP}/crontabs/default/{name}")
    assert entry is not None
    obj: Object = orjson.loads(entry.value)
    return obj


async def test_what_is_written_in_one_version_is_stored_and_read_in_another(api: Api, crontabs: WebhookServer) -> None:
    made = await api.create(SECOND, second())
    assert (made["apiVersion"], made["spec"]["cron"]) == (f"{GROUP}/v2", "* * * * *")
    kept = stored(api)
    assert (kept["apiVersion"], kept["spec"]) == (f"{GROUP}/v1", {"kept": "yes", "schedule": "* * * * *"})
    first = (await api("GET", f"{CRONTABS}/one")).body
    assert first["spec"] == kept["spec"]
    patched = (await api.patch(f"{SECOND}/one", {"spec": {"cron": "1 * * * *"}})).body
    assert (patched["spec"]["cron"], patched["metadata"]["generation"]) == ("1 * * * *", 2)
    put = (await api("PUT", f"{SECOND}/one", {**patched, "spec": {"cron": "2 * * * *"}})).body
    assert put["spec"] == {"cron": "2 * * * *"}
    assert stored(api)["spec"] == {"schedule": "2 * * * *"}
    status = (await api.patch(f"{SECOND}/one/status", {"status": {"phase": "Ready"}})).body
    assert (status["spec"], status["status"]) == ({"cron": "2 * * * *"}, {"phase": "Ready"})
    table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    assert (await api("GET", f"{SECOND}/one", headers=table)).body["rows"][0]["cells"][0] == "one"
    assert (await api("DELETE", f"{SECOND}/one")).status == 200


async def test_a_list_is_converted_in_one_call_and_only_what_changed_again(api: Api, crontabs: WebhookServer) -> None:
    for i in range(5):
        await api.create(CRONTABS, {**second(f"c{i}"), "apiVersion": f"{GROUP}/v1", "spec": {"schedule": str(i)}})
    assert crontabs.reviews == []
    listed = (await api("GET", SECOND)).body
    assert [each["spec"]["cron"] for each in listed["items"]] == ["0", "1", "2", "3", "4"]
    assert [len(request["objects"]) for request in crontabs.requests] == [5]
    await api.patch(f"{CRONTABS}/c1", {"spec": {"schedule": "new"}})
    page = (await api("GET", f"{SECOND}?limit=3")).body
    assert [each["spec"]["cron"] for each in page["items"]] == ["0", "new", "2"]
    assert [len(request["objects"]) for request in crontabs.requests] == [5, 1]
    rest = (await api("GET", f"{SECOND}?limit=3&continue={page['metadata']['continue']}")).body
    assert [each["metadata"]["name"] for each in rest["items"]] == ["c3", "c4"]


def second_resource(api: Api) -> Resource:
    served = api.server.parts.registry.find(GROUP, "v2", "crontabs")
    assert served is not None
    return served.resource


async def test_a_watch_shows_every_change_in_order_in_its_own_version(api: Api, crontabs: WebhookServer) -> None:
    await api.create(SECOND, second())
    client = client_of(api.server, clock=api.clock)
    seen: list[tuple[str, str]] = []
    async for event in client.watch(second_resource(api), namespace="default"):
        seen.append((event.type, event.object["spec"]["cron"]))
        if len(seen) == 1:
            await api.patch(f"{SECOND}/one", {"spec": {"cron": "1"}})
            await api.patch(f"{SECOND}/one", {"spec": {"cron": "2"}})
            await api("DELETE", f"{SECOND}/one")
        if len(seen) == 4:
            break
    assert seen == [("ADDED", "* * * * *"), ("MODIFIED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


async def test_a_watch_goes_on_from_a_revision(api: Api, crontabs: WebhookServer) -> None:
    made = await api.create(SECOND, second())
    await api.patch(f"{SECOND}/one", {"spec": {"cron": "1"}})
    client = client_of(api.server, clock=api.clock)
    version = made["metadata"]["resourceVersion"]
    async for event in client.watch(second_resource(api), namespace="default", resource_version=version):
        assert (event.type, event.object["spec"]["cron"]) == ("MODIFIED", "1")
        break


async def test_an_informer_of_the_same_process_sees_the_served_version(api: Api, crontabs: WebhookServer) -> None:
    await api.create(CRONTABS, {**second(), "apiVersion": f"{GROUP}/v1", "spec": {"schedule": "0"}})
    informer = Informer(client_of(api.server, clock=api.clock), second_resource(api))
    changed = asyncio.Event()
    informer.add_handler(on_update=lambda old, new: changed.set())
    async with background(informer.run()):
        await informer.wait_synced()
        (obj,) = informer.items()
        assert (obj["apiVersion"], obj["spec"]) == (f"{GROUP}/v2", {"cron": "0"})
        await api.patch(f"{CRONTABS}/one", {"spec": {"schedule": "1"}})
        await changed.wait()
        (obj,) = informer.items()
        assert obj["spec"] == {"cron": "1"}


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        await cancel_and_wait(task)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"result": {"status": "Failed", "message": "no way"}}, "failed: no way"),
        ({"result": {"status": "Failed"}}, "failed: response.result.status was 'Failed', not 'Success'"),
        ({"result": {"status": "Success"}, "convertedObjects": []}, "returned 0 objects, expected 1"),
        ({"uid": "other", "result": {"status": "Success"}}, 'failed: expected response.uid="UID", got "other"'),
        (
            {"result": {"status": "Success"}, "convertedObjects": [{"apiVersion": "v1"}]},
            "returned invalid converted object at index 0: invalid groupVersion (expected stable.example.com/v2, received v1)",
        ),
    ],
)
async def test_a_bad_answer_of_the_webhook_is_told(api: Api, crontabs: WebhookServer, answer: Object, why: str) -> None:
    await api.create(CRONTABS, {**second(), "apiVersion": f"{GROUP}/v1", "spec": {"schedule": "0"}})
    crontabs.decide = lambda request: answer
    failed = await api("GET", f"{SECOND}/one")
    expected = why.replace("UID", crontabs.requests[0]["uid"])
    assert (failed.status, failed.message) == (
        500,
        f"conversion webhook for {GROUP}/v1, Kind=CronTab {expected}",
    )
    assert (await api("GET", f"{CRONTABS}/one")).status == 200


async def test_a_webhook_may_change_labels_but_not_who_the_object_is(api: Api, crontabs: WebhookServer) -> None:
    await api.create(CRONTABS, {**second(), "apiVersion": f"{GROUP}/v1", "spec": {"schedule": "0"}})

    def meddle(**metadata: Any) -> None:
        def decide(request: Object) -> Object:
            made = convert(request)
            for obj in made["convertedObjects"]:
                obj["metadata"] = {**obj["metadata"], **metadata}
            return made

        crontabs.decide = decide

    meddle(name="two")
    failed = await api("GET", f"{SECOND}/one")
    assert failed.message.endswith("index 0: must have the same name: one != two")
    meddle(labels={"a": "b"}, generation=99)
    metadata = (await api("GET", f"{SECOND}/one")).body["metadata"]
    assert (metadata["labels"], metadata["generation"]) == ({"a": "b"}, 1)


async def test_objects_move_to_a_new_storage_version_when_they_are_written_again(
    api: Api, crontabs: WebhookServer
) -> None:
    made = await api.create(SECOND, second())
    name = f"crontabs.{GROUP}"
    versions = [{**V1, "storage": False}, {**V2, "storage": True}]
    await api.patch(f"{DEFINITIONS}/{name}", {"spec": {"versions": versions}})
    await settled()
    assert (await api("GET", f"{DEFINITIONS}/{name}")).body["status"]["storedVersions"] == ["v1", "v2"]
    assert stored(api)["apiVersion"] == f"{GROUP}/v1"
    assert (await api("PUT", f"{SECOND}/one", made)).status == 200
    assert stored(api)["apiVersion"] == f"{GROUP}/v2"
    assert (await api("GET", f"{CRONTABS}/one")).body["spec"] == {"schedule": "* * * * *", "kept": "yes"}


async def test_admission_webhooks_see_the_version_they_ask_for(
    api: Api, crontabs: WebhookServer, webhook_keys: Path
) -> None:
    async with webhook_server(webhook_keys) as admission:
        rule = {"apiGroups": [GROUP], "apiVersions": ["v1"], "operations": ["*"], "resources": ["crontabs"]}
        hooks = {"metadata": {"name": "c"}, "webhooks": [webhook(admission, rules=[rule])]}
        await api.create(f"{CONFIGURATIONS}/validatingwebhookconfigurations", hooks)
        await api.create(SECOND, second())
        await api("DELETE", f"{SECOND}/one")
        create, delete = admission.requests
        assert (create["requestKind"]["version"], create["kind"]["version"]) == ("v2", "v1")
        assert create["object"]["spec"]["schedule"] == "* * * * *"
        assert delete["oldObject"]["spec"]["schedule"] == "* * * * *"


async def test_no_webhook_can_keep_a_definition_from_going(api: Api, establish: Establish, hook: WebhookServer) -> None:
    await establish(definition(V1))
    await api.create(CRONTABS, {**second(), "apiVersion": f"{GROUP}/v1", "spec": {"schedule": "0"}})
    rule = {"apiGroups": [GROUP], "apiVersions": ["*"], "operations": ["DELETE"], "resources": ["*"]}
    closed = {"url": "https://localhost:1/"}
    hooks = {"metadata": {"name": "c"}, "webhooks": [webhook(hook, rules=[rule], clientConfig=closed)]}
    await api.create(f"{CONFIGURATIONS}/validatingwebhookconfigurations", hooks)
    assert (await api("DELETE", f"{CRONTABS}/one")).status == 500
    await api("DELETE", f"{DEFINITIONS}/crontabs.{GROUP}")
    await settled()
    assert (await api("GET", f"{DEFINITIONS}/crontabs.{GROUP}")).status == 404


async def test_a_dry_run_is_answered_in_its_version_and_leaves_nothing(api: Api, crontabs: WebhookServer) -> None:
    made = await api.create(SECOND, second())
    dry = await api("PUT", f"{SECOND}/one?dryRun=All", {**made, "spec": {"cron": "dry"}})
    assert (dry.status, dry.body["spec"]) == (200, {"cron": "dry"})
    assert (await api("GET", f"{SECOND}/one")).body["spec"]["cron"] == "* * * * *"
    new = await api("POST", f"{SECOND}?dryRun=All", second("two"))
    assert (new.status, new.body["apiVersion"]) == (201, f"{GROUP}/v2")
    assert (await api("GET", f"{SECOND}/two")).status == 404
