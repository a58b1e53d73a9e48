"""Definitions come and go, and with them what is served."""

from __future__ import annotations

from tests.unit.apiserver.customresources.conftest import (
    CRONTABS,
    DEFINITIONS,
    GROUP,
    Establish,
    crontab,
    definition,
    settled,
    version,
)

from wherry.api.types import Object
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api

NAME = f"crontabs.{GROUP}"


def conditions(obj: Object) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in obj["status"]["conditions"]}


async def test_a_definition_is_established_with_its_names_accepted(api: Api, establish: Establish) -> None:
    found = await establish(definition())
    assert conditions(found) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    accepted = {"plural": "crontabs", "singular": "crontab", "kind": "CronTab", "listKind": "CronTabList"}
    assert found["status"]["acceptedNames"] == accepted
    assert found["status"]["storedVersions"] == ["v1"]
    assert found["spec"]["conversion"] == {"strategy": "None"}


async def test_both_forms_of_discovery_tell_the_resource(api: Api, establish: Establish) -> None:
    names = {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"]}
    await establish(definition(version(subresources={"status": {}}), names=names))
    listed = (await api("GET", f"/apis/{GROUP}/v1")).body["resources"]
    assert [each["name"] for each in listed] == ["crontabs", "crontabs/status"]
    assert listed[0]["shortNames"] == ["ct"] and listed[0]["categories"] == ["all"]
    aggregated = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    groups = (await api("GET", "/apis", headers=aggregated)).body["items"]
    found = next(each for each in groups if each["metadata"]["name"] == GROUP)
    assert found["versions"][0]["resources"][0]["resource"] == "crontabs"


async def test_versions_are_told_in_the_order_of_their_priority(api: Api, establish: Establish) -> None:
    names = ("v1beta1", "v1", "v2alpha1", "v10")
    await establish(definition(*(version(each, storage=each == "v1") for each in names)))
    group = (await api("GET", f"/apis/{GROUP}")).body
    assert [each["version"] for each in group["versions"]] == ["v10", "v1", "v1beta1", "v2alpha1"]
    assert group["preferredVersion"]["version"] == "v10"


async def test_openapi_describes_the_kind_and_offers_no_strategic_merge_patch(api: Api, establish: Establish) -> None:
    before = (await api("GET", "/openapi/v3")).body["paths"]
    await establish(definition())
    where = f"apis/{GROUP}/v1"
    assert where not in before
    index = (await api("GET", "/openapi/v3")).body["paths"]
    document = (await api("GET", index[where]["serverRelativeURL"])).body
    schema = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
    assert schema["properties"]["spec"]["properties"]["cronSpec"]["type"] == "string"
    assert schema["x-kubernetes-group-version-kind"] == [{"group": GROUP, "version": "v1", "kind": "CronTab"}]
    patch = document["paths"][f"/{where}/namespaces/{{namespace}}/crontabs/{{name}}"]["patch"]
    assert set(patch["requestBody"]["content"]) == {"application/json-patch+json", "application/merge-patch+json"}
    assert "com.example.stable.v1.CronTab" in (await api("GET", "/openapi/v2")).body["definitions"]


async def test_the_hash_of_openapi_changes_with_the_schema(api: Api, establish: Establish) -> None:
    made = await establish(definition())
    where = f"apis/{GROUP}/v1"
    before = (await api("GET", "/openapi/v3")).body["paths"][where]
    made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["description"] = "what to do"
    assert (await api("PUT", f"{DEFINITIONS}/{NAME}", made)).status == 200
    assert (await api("GET", "/openapi/v3")).body["paths"][where] != before


async def test_a_version_that_is_served_no_longer_is_gone_at_once(api: Api, establish: Establish) -> None:
    made = await establish(definition(version("v1"), version("v1beta1", storage=False)))
    old = CRONTABS.replace("/v1/", "/v1beta1/")
    assert (await api("GET", old)).status == 200
    made["spec"]["versions"][1]["served"] = False
    assert (await api("PUT", f"{DEFINITIONS}/{NAME}", made)).status == 200
    assert (await api("GET", old)).status == 404
    assert (await api("GET", CRONTABS)).status == 200


async def test_names_that_are_taken_are_refused_until_they_are_free(api: Api, establish: Establish) -> None:
    await establish(definition())
    names = {"plural": "jobs", "singular": "jobx", "kind": "CronTab", "listKind": "JobxList"}
    second = await establish(definition(plural="jobs", names=names))
    assert conditions(second)["NamesAccepted"] == ("False", "KindConflict")
    assert conditions(second)["Established"] == ("False", "NotAccepted")
    assert second["status"]["conditions"][0]["message"] == '"CronTab" is already in use'
    assert (await api("GET", f"/apis/{GROUP}/v1/jobs")).status == 404
    await api("DELETE", f"{DEFINITIONS}/{NAME}")
    await settled()
    second = (await api("GET", f"{DEFINITIONS}/jobs.{GROUP}")).body
    assert conditions(second)["Established"] == ("True", "InitialNamesAccepted")
    assert (await api("GET", f"/apis/{GROUP}/v1/jobs")).status == 200


async def test_a_restarted_server_serves_what_is_defined_in_the_store(api: Api, establish: Establish) -> None:
    await establish(definition())
    await api.create(CRONTABS, crontab())
    async with in_process_server(clock=api.clock, store=api.server.parts.store) as again:
        assert (await Api(again, api.clock)("GET", f"{CRONTABS}/one")).status == 200


async def test_instances_go_before_their_definition(api: Api, establish: Establish) -> None:
    await establish(definition())
    held = crontab("held")
    held["metadata"]["finalizers"] = ["example.com/held"]
    await api.create(CRONTABS, held)
    await api.create(CRONTABS, crontab("free"))
    answer = await api("DELETE", f"{DEFINITIONS}/{NAME}")
    assert answer.status == 200
    assert answer.body["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert conditions(answer.body)["Terminating"] == ("True", "InstanceDeletionPending")
    await settled()
    found = (await api("GET", f"{DEFINITIONS}/{NAME}")).body
    assert conditions(found)["Terminating"] == ("True", "InstanceDeletionInProgress")
    assert [each["metadata"]["name"] for each in (await api("GET", CRONTABS)).body["items"]] == ["held"]
    answer = await api("POST", CRONTABS, crontab("late"))
    assert answer.status == 405
    assert answer.message == "create not allowed while custom resource definition is terminating"
    assert (await api.patch(f"{CRONTABS}/held", {"metadata": {"finalizers": None}})).status == 200
    await api.clock.advance(1)
    await settled()
    assert (await api("GET", f"{DEFINITIONS}/{NAME}")).status == 404
    assert (await api("GET", CRONTABS)).raw == b"404 page not found\n"


async def test_a_definition_made_again_starts_without_the_old_instances(api: Api, establish: Establish) -> None:
    await establish(definition())
    await api.create(CRONTABS, crontab())
    await api("DELETE", f"{DEFINITIONS}/{NAME}")
    await settled()
    await establish(definition())
    assert (await api("GET", CRONTABS)).body["items"] == []
