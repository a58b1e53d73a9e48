"""What clients can do with instances: every verb, subresources, versions, forms, selectors."""

from __future__ import annotations

import asyncio

import orjson
from tests.unit.apiserver.customresources.conftest import (
    CRONTABS,
    DEFINITIONS,
    GROUP,
    SCHEMA,
    Establish,
    crontab,
    definition,
    version,
)

from wherry.testing.apiserver import client_of
from wherry.testing.http import Api

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.labelSelector",
}


async def test_an_instance_is_created_read_updated_and_deleted(api: Api, establish: Establish) -> None:
    await establish(definition())
    made = await api.create(CRONTABS, crontab())
    assert made["metadata"]["generation"] == 1
    assert made["spec"] == {"cronSpec": "* * * * */5", "image": "busybox"}
    made["spec"]["image"] = "mine"
    updated = await api("PUT", f"{CRONTABS}/one", made)
    assert (updated.status, updated.body["metadata"]["generation"]) == (200, 2)
    made["metadata"]["labels"] = {"a": "b"}
    made["metadata"]["resourceVersion"] = updated.body["metadata"]["resourceVersion"]
    assert (await api("PUT", f"{CRONTABS}/one", made)).body["metadata"]["generation"] == 2
    gone = await api("DELETE", f"{CRONTABS}/one")
    assert gone.body["status"] == "Success" and gone.body["details"]["kind"] == "crontabs"
    assert (await api("GET", f"{CRONTABS}/one")).message == f'crontabs.{GROUP} "one" not found'


async def test_an_update_must_say_which_revision_it_saw(api: Api, establish: Establish) -> None:
    await establish(definition())
    await api.create(CRONTABS, crontab())
    answer = await api("PUT", f"{CRONTABS}/one", crontab())
    assert answer.status == 422
    assert "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update" in answer.message


async def test_the_kind_of_the_body_must_be_that_of_the_resource(api: Api, establish: Establish) -> None:
    await establish(definition())
    assert (await api("POST", CRONTABS, {**crontab(), "kind": "Other"})).status == 400
    assert (await api("POST", CRONTABS, {**crontab(), "apiVersion": "v1"})).status == 400


async def test_json_and_merge_patches_work_and_strategic_ones_are_declined(api: Api, establish: Establish) -> None:
    await establish(definition())
    await api.create(CRONTABS, crontab())
    assert (await api.patch(f"{CRONTABS}/one", {"spec": {"replicas": 3}})).body["spec"]["replicas"] == 3
    operation = [{"op": "replace", "path": "/spec/replicas", "value": 4}]
    assert (await api.patch(f"{CRONTABS}/one", operation, "json")).body["spec"]["replicas"] == 4
    declined = await api.patch(f"{CRONTABS}/one", {"spec": {"replicas": 5}}, "strategic")
    assert declined.status == 415
    assert "application/json-patch+json, application/merge-patch+json" in declined.message
    assert "strategic" not in declined.message


async def test_status_is_apart_where_it_is_a_subresource(api: Api, establish: Establish) -> None:
    await establish(definition(version(subresources={"status": {}})))
    made = await api.create(CRONTABS, crontab(status={"replicas": 3}))
    assert "status" not in made
    made["status"], made["spec"]["replicas"] = {"replicas": 2}, 9
    made["metadata"]["labels"] = {"a": "b"}
    written = (await api("PUT", f"{CRONTABS}/one/status", made)).body
    assert written["status"] == {"replicas": 2} and "replicas" not in written["spec"]
    assert "labels" not in written["metadata"] and written["metadata"]["generation"] == 1
    changed = await api.patch(f"{CRONTABS}/one", {"status": {"replicas": 7}, "spec": {"replicas": 2}})
    assert changed.body["status"] == {"replicas": 2} and changed.body["metadata"]["generation"] == 2


async def test_status_is_a_field_like_others_where_it_is_no_subresource(api: Api, establish: Establish) -> None:
    await establish(definition())
    made = await api.create(CRONTABS, crontab(status={"replicas": 3}))
    assert made["status"] == {"replicas": 3}
    assert (await api("GET", f"{CRONTABS}/one/status")).status == 404
    changed = await api.patch(f"{CRONTABS}/one", {"status": {"replicas": 4}})
    assert changed.body["metadata"]["generation"] == 2


async def test_scale_reads_and_writes_the_fields_that_the_definition_names(api: Api, establish: Establish) -> None:
    await establish(definition(version(subresources={"status": {}, "scale": SCALE})))
    await api.create(CRONTABS, crontab(spec={"cronSpec": "* * * * *", "replicas": 2}))
    await api.patch(f"{CRONTABS}/one/status", {"status": {"replicas": 1, "labelSelector": "app=x"}})
    scale = (await api("GET", f"{CRONTABS}/one/scale")).body
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 1, "selector": "app=x"})
    scale["spec"]["replicas"] = 5
    assert (await api("PUT", f"{CRONTABS}/one/scale", scale)).body["spec"] == {"replicas": 5}
    found = (await api("GET", f"{CRONTABS}/one")).body
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (5, 2)
    refused = await api.patch(f"{CRONTABS}/one/scale", {"spec": {"replicas": 11}})
    assert refused.status == 422 and "should be less than or equal to 10" in refused.message


async def test_every_served_version_sees_the_instance_as_its_own(api: Api, establish: Establish) -> None:
    await establish(definition(version("v1"), version("v1beta1", storage=False)))
    beta = CRONTABS.replace("/v1/", "/v1beta1/")
    obj = {**crontab(), "apiVersion": f"{GROUP}/v1beta1"}
    assert (await api.create(beta, obj))["apiVersion"] == f"{GROUP}/v1beta1"
    assert (await api("GET", f"{CRONTABS}/one")).body["apiVersion"] == f"{GROUP}/v1"
    listed = (await api("GET", beta)).body
    assert (listed["apiVersion"], listed["items"][0]["apiVersion"]) == (f"{GROUP}/v1beta1", f"{GROUP}/v1beta1")
    entry = api.server.parts.store.get(f"/registry/{GROUP}/crontabs/default/one")
    assert entry is not None and orjson.loads(entry.value)["apiVersion"] == f"{GROUP}/v1"


async def test_a_new_storage_version_is_noted_and_old_ones_cannot_be_dropped(api: Api, establish: Establish) -> None:
    made = await establish(definition(version("v1"), version("v2", storage=False)))
    where = f"{DEFINITIONS}/{made['metadata']['name']}"
    for each in made["spec"]["versions"]:
        each["storage"] = each["name"] == "v2"
    made = (await api("PUT", where, made)).body
    assert made["status"]["storedVersions"] == ["v1", "v2"]
    made["spec"]["versions"] = made["spec"]["versions"][1:]
    answer = await api("PUT", where, made)
    assert answer.status == 422
    assert 'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions' in answer.message


async def test_a_default_that_came_later_shows_in_what_was_stored_before(api: Api, establish: Establish) -> None:
    made = await establish(definition())
    await api.create(CRONTABS, crontab())
    spec = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec["zone"] = {"type": "string", "default": "here"}
    del spec["image"]
    assert (await api("PUT", f"{DEFINITIONS}/{made['metadata']['name']}", made)).status == 200
    wanted = {"cronSpec": "* * * * */5", "zone": "here"}
    assert (await api("GET", f"{CRONTABS}/one")).body["spec"] == wanted
    assert (await api("GET", CRONTABS)).body["items"][0]["spec"] == wanted


async def test_tables_have_the_columns_of_the_definition(api: Api, establish: Establish) -> None:
    columns = [
        {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec", "description": "When."},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas", "priority": 1},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    schema = {**SCHEMA, "x-kubernetes-preserve-unknown-fields": True}
    await establish(definition(version(schema=schema, additionalPrinterColumns=columns)))
    await api.create(CRONTABS, crontab(spec={"cronSpec": "* * * * *", "replicas": 2}))
    await api.clock.advance(90)
    table = (await api("GET", CRONTABS, headers=TABLE)).body
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Spec", "Replicas", "Ready", "Since"]
    assert [each["priority"] for each in table["columnDefinitions"]] == [0, 0, 1, 0, 0]
    assert table["rows"][0]["cells"] == ["one", "* * * * *", 2, None, "90s"]


async def test_a_table_without_columns_of_its_own_shows_the_age(api: Api, establish: Establish) -> None:
    await establish(definition())
    await api.create(CRONTABS, crontab())
    table = (await api("GET", CRONTABS, headers=TABLE)).body
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Age"]


async def test_lists_are_of_the_list_kind_and_give_metadata_alone_when_asked(api: Api, establish: Establish) -> None:
    await establish(definition(names={"plural": "crontabs", "kind": "CronTab", "listKind": "Tabs"}))
    await api.create(CRONTABS, crontab())
    assert (await api("GET", CRONTABS)).body["kind"] == "Tabs"
    accept = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    item = (await api("GET", CRONTABS, headers=accept)).body["items"][0]
    assert item["kind"] == "PartialObjectMetadata" and "spec" not in item


async def test_selectable_fields_select_and_others_are_refused(api: Api, establish: Establish) -> None:
    await establish(definition(version(selectableFields=[{"jsonPath": ".spec.image"}, {"jsonPath": ".spec.replicas"}])))
    await api.create(CRONTABS, crontab("a", {"cronSpec": "* * * * *", "image": "x", "replicas": 2}))
    await api.create(CRONTABS, crontab("b"))

    async def names(selector: str) -> list[str]:
        items = (await api("GET", f"{CRONTABS}?fieldSelector={selector}")).body["items"]
        return [each["metadata"]["name"] for each in items]

    assert await names("spec.image=x") == ["a"]
    assert await names("spec.replicas=2") == ["a"]
    assert await names("spec.replicas=") == ["b"]
    refused = await api("GET", f"{CRONTABS}?fieldSelector=spec.cronSpec=x")
    assert (refused.status, refused.message) == (400, "field label not supported: spec.cronSpec")


async def test_deletecollection_takes_what_is_selected(api: Api, establish: Establish) -> None:
    await establish(definition())
    for name in ("a", "b"):
        obj = crontab(name)
        obj["metadata"]["labels"] = {"name": name}
        await api.create(CRONTABS, obj)
    await api("DELETE", f"{CRONTABS}?labelSelector=name=a")
    assert [each["metadata"]["name"] for each in (await api("GET", CRONTABS)).body["items"]] == ["b"]


async def test_a_watch_sees_each_change_and_ends_when_the_definition_changes(api: Api, establish: Establish) -> None:
    made = await establish(definition())
    client = client_of(api.server, clock=api.clock)
    seen: list[tuple[str, str]] = []

    def note(type_: str, name: str) -> None:
        seen.append((type_, name))

    async def follow() -> None:
        from wherry.api.resources import Resource

        resource = Resource(GROUP, "v1", "crontabs", "CronTab")
        async for event in client.watch(resource, namespace="default"):
            note(event.type, event.object["metadata"]["name"])

    task = asyncio.ensure_future(follow())
    await api.clock.settle()
    await api.create(CRONTABS, crontab())
    await api("DELETE", f"{CRONTABS}/one")
    await api.clock.settle()
    assert seen == [("ADDED", "one"), ("DELETED", "one")]
    assert not task.done()
    made["spec"]["versions"][0]["additionalPrinterColumns"] = [
        {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"}
    ]
    await api("PUT", f"{DEFINITIONS}/{made['metadata']['name']}", made)
    await api.clock.settle()
    assert task.done()


async def test_a_deprecated_version_warns(api: Api, establish: Establish) -> None:
    await establish(definition(version(deprecated=True), version("v2", storage=False)))
    assert (await api("GET", CRONTABS)).headers["Warning"] == f'299 - "{GROUP}/v1 CronTab is deprecated"'


async def test_cluster_scoped_instances_have_no_namespace(api: Api, establish: Establish) -> None:
    await establish(definition(scope="Cluster"))
    made = await api.create(f"/apis/{GROUP}/v1/crontabs", crontab())
    assert "namespace" not in made["metadata"]
    assert (await api("GET", CRONTABS)).status == 404


async def test_a_dry_run_is_checked_but_not_stored(api: Api, establish: Establish) -> None:
    await establish(definition())
    assert (await api("POST", f"{CRONTABS}?dryRun=All", crontab())).status == 201
    assert (await api("GET", CRONTABS)).body["items"] == []
