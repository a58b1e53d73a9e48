"""What Terraform's kubernetes provider asks an API server: schemas, plan by dry run, apply, drift, waiting, destroy.

`kubernetes_manifest` applies on the server; the typed resources create, send JSON patches and poll.
Source: hashicorp/terraform-provider-kubernetes, manifest/provider and kubernetes/.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from wherry.testing.http import Answer, Api
from wherry.wire.messages import StreamResponse

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SERVICES = "/api/v1/namespaces/default/services"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SITES = "/apis/example.com/v1/namespaces/default/sites"
APPLY = {"content-type": "application/apply-patch+yaml"}
DEFINITION = {
    "metadata": {"name": "sites.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "sites", "singular": "site", "kind": "Site"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"size": {"type": "integer", "default": 1}, "name": {"type": "string"}},
                            }
                        },
                    }
                },
            }
        ],
    },
}


def config_map(**data: str) -> dict[str, Any]:
    metadata = {"name": "settings", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def apply(api: Api, path: str, body: dict[str, Any], query: str = "") -> Answer:
    return await api("PATCH", f"{path}?fieldManager=Terraform&force=false{query}", body, APPLY)


async def test_types_come_from_the_second_openapi(api: Api) -> None:
    document = (await api("GET", "/openapi/v2")).body
    assert document["swagger"] == "2.0"
    service = document["definitions"]["io.k8s.api.core.v1.Service"]
    assert service["x-kubernetes-group-version-kind"] == [{"group": "", "version": "v1", "kind": "Service"}]
    spec = document["definitions"]["io.k8s.api.core.v1.ServiceSpec"]["properties"]
    assert spec["ports"]["x-kubernetes-list-map-keys"] == ["port", "protocol"]
    target = document["definitions"]["io.k8s.api.core.v1.ServicePort"]["properties"]["targetPort"]["$ref"]
    assert document["definitions"][target.rsplit("/", 1)[1]]["format"] == "int-or-string"
    referenced = {text.split('"')[0] for text in orjson.dumps(document).decode().split("#/definitions/")[1:]}
    assert referenced <= document["definitions"].keys()


async def test_plain_discovery_without_aggregation(api: Api) -> None:
    groups = await api("GET", "/apis", headers={"accept": "application/json, */*"})
    assert groups.body["kind"] == "APIGroupList"
    resources = (await api("GET", "/apis/apps/v1")).body["resources"]
    assert {"name": "deployments", "kind": "Deployment", "namespaced": True}.items() <= {
        key: value for each in resources if each["name"] == "deployments" for key, value in each.items()
    }.items()


async def test_a_plan_is_a_dry_run_that_tells_what_the_server_adds(api: Api) -> None:
    assert (await api("GET", f"{SERVICES}/web")).status == 404
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    planned = await apply(api, f"{SERVICES}/web", service, "&dryRun=All")
    assert planned.status == 201
    assert planned.body["spec"]["ports"] == [{"protocol": "TCP", "port": 80, "targetPort": 80}]
    assert planned.body["spec"]["sessionAffinity"] == "None"
    assert (await api("GET", f"{SERVICES}/web")).status == 404
    made = await apply(api, f"{SERVICES}/web", service)
    assert made.status == 201
    assert made.body["spec"]["clusterIP"]
    again = await apply(api, f"{SERVICES}/web", service)
    assert again.body["metadata"]["resourceVersion"] == made.body["metadata"]["resourceVersion"]


async def test_drift_is_seen_and_a_conflict_names_every_field(api: Api) -> None:
    await apply(api, f"{CONFIG_MAPS}/settings", config_map(a="1", b="1"))
    await api.patch(f"{CONFIG_MAPS}/settings?fieldManager=kubectl-edit", {"data": {"a": "2", "b": "2"}})
    assert (await api("GET", f"{CONFIG_MAPS}/settings")).body["data"] == {"a": "2", "b": "2"}
    refused = await apply(api, f"{CONFIG_MAPS}/settings", config_map(a="1", b="1"), "&dryRun=All")
    assert refused.status == 409
    assert refused.message == (
        'Apply failed with 2 conflicts: conflicts with "kubectl-edit" using v1:\n- .data.a\n- .data.b'
    )
    causes = refused.body["details"]["causes"]
    assert [(each["reason"], each["field"]) for each in causes] == [
        ("FieldManagerConflict", ".data.a"),
        ("FieldManagerConflict", ".data.b"),
    ]
    target = f"{CONFIG_MAPS}/settings?fieldManager=Terraform&force=true"
    assert (await api("PATCH", target, config_map(a="1", b="1"), APPLY)).body["data"] == {"a": "1", "b": "1"}


async def test_what_is_no_longer_in_the_manifest_goes(api: Api) -> None:
    await apply(api, f"{CONFIG_MAPS}/settings", config_map(a="1", b="1"))
    assert (await apply(api, f"{CONFIG_MAPS}/settings", config_map(a="1"))).body["data"] == {"a": "1"}


async def established(api: Api) -> None:
    while (
        not (await api("GET", f"{DEFINITIONS}/sites.example.com")).body["status"].get("acceptedNames", {}).get("kind")
    ):
        await asyncio.sleep(0)
    while (await api("GET", SITES)).status != 200:
        await asyncio.sleep(0)


async def test_custom_resources_have_their_schema_and_defaults(api: Api) -> None:
    await api.create(DEFINITIONS, DEFINITION)
    await asyncio.wait_for(established(api), 20)
    listed = (await api("GET", DEFINITIONS)).body["items"]
    schema = listed[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["spec"]["properties"]["size"]["default"] == 1
    site = {"apiVersion": "example.com/v1", "kind": "Site", "metadata": {"name": "s"}, "spec": {"name": "x"}}
    planned = await apply(api, f"{SITES}/s", site, "&dryRun=All")
    assert planned.body["spec"] == {"name": "x", "size": 1}
    assert (await apply(api, f"{SITES}/s", site)).status == 201


async def test_typed_resources_send_json_patches(api: Api) -> None:
    await api.create(CONFIG_MAPS, config_map(a="1"))
    operations = [
        {"path": "/metadata/annotations", "op": "add", "value": {"by": "terraform"}},
        {"path": "/data/a", "op": "replace", "value": "2"},
        {"path": "/data/b", "op": "add", "value": "3"},
    ]
    patched = await api.patch(f"{CONFIG_MAPS}/settings", operations, "json")
    assert (patched.body["data"], patched.body["metadata"]["annotations"]) == (
        {"a": "2", "b": "3"},
        {"by": "terraform"},
    )
    wrong = await api.patch(f"{CONFIG_MAPS}/settings", [{"path": "/data/none", "op": "remove"}], "json")
    assert (wrong.status, wrong.reason) == (422, "Invalid")


async def test_waiting_watches_one_object_from_its_version(api: Api) -> None:
    made = await api.create(CONFIG_MAPS, config_map(a="1"))
    version = made["metadata"]["resourceVersion"]
    target = (
        f"{CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Dsettings&resourceVersion={version}&timeoutSeconds=60"
    )
    assert isinstance(await api.reply("GET", target), StreamResponse)


async def test_destroy_waits_in_the_foreground(api: Api) -> None:
    await apply(api, f"{CONFIG_MAPS}/settings", config_map(a="1"))
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
    answer = await api("DELETE", f"{CONFIG_MAPS}/settings", options)
    assert answer.status == 200
    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert (await api("GET", f"{CONFIG_MAPS}/settings")).body["metadata"]["deletionTimestamp"]
    await api.patch(f"{CONFIG_MAPS}/settings", {"metadata": {"finalizers": None}})  # as the garbage collector does
    assert (await api("GET", f"{CONFIG_MAPS}/settings")).status == 404
    assert (await api("DELETE", f"{CONFIG_MAPS}/settings", options)).status == 404
