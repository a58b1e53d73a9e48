"""Managed fields and server-side apply of custom resources: shape from the definition, subresources, versions."""

from __future__ import annotations

from typing import Any

from tests.unit.apiserver.customresources.conftest import (
    CRONTABS,
    GROUP,
    SCHEMA,
    Establish,
    crontab,
    definition,
    of_schema,
    version,
)
from tests.unit.apiserver.ownership.applier import apply, owners, write

from wherry.api.types import Object
from wherry.testing.http import Api

SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
ITEMS: Object = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "protocol": {"type": "string", "default": "TCP"},
            "size": {"type": "integer"},
        },
    },
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name", "protocol"],
}


def config(spec: Any, name: str = "one") -> Object:
    return {"apiVersion": f"{GROUP}/v1", "kind": "CronTab", "metadata": {"name": name}, "spec": spec}


async def test_the_creator_owns_the_structs_too(api: Api, establish: Establish) -> None:
    await establish(definition())
    made = await write(api, "POST", CRONTABS, crontab(), "me")
    assert owners(made.body) == {("me", "Update"): {"f:spec": {".": {}, "f:cronSpec": {}, "f:image": {}}}}


async def test_lists_maps_and_sets_merge_as_the_definition_says(api: Api, establish: Establish) -> None:
    await establish(of_schema(
        ports=ITEMS,
        tags={"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        whole={"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
               "x-kubernetes-map-type": "atomic"},
        plain={"type": "array", "items": {"type": "string"}},
    ))  # fmt: skip
    first = {"ports": [{"name": "a", "size": 1}], "tags": ["x"], "whole": {"a": "1"}, "plain": ["p"]}
    made = await apply(api, f"{CRONTABS}/one", config(first), "you")
    assert made.status == 201
    assert owners(made.body)["you", "Apply"]["f:spec"] == {
        "f:plain": {},
        "f:ports": {'k:{"name":"a","protocol":"TCP"}': {".": {}, "f:name": {}, "f:size": {}}},
        "f:tags": {'v:"x"': {}},
        "f:whole": {},
    }
    merged = await apply(api, f"{CRONTABS}/one", config({"ports": [{"name": "b"}], "tags": ["y"]}))
    assert [each["name"] for each in merged.body["spec"]["ports"]] == ["a", "b"]
    assert merged.body["spec"]["tags"] == ["x", "y"]
    refused = await apply(api, f"{CRONTABS}/one", config({"whole": {"b": "2"}}))
    assert refused.message == 'Apply failed with 1 conflict: conflict with "you": .spec.whole'


async def test_unknown_fields_that_are_preserved_have_owners(api: Api, establish: Establish) -> None:
    await establish(of_schema(free={"type": "object", "x-kubernetes-preserve-unknown-fields": True}))
    await apply(api, f"{CRONTABS}/one", config({"free": {"a": {"b": 1}, "list": [1]}}), "you")
    both = await apply(api, f"{CRONTABS}/one", config({"free": {"a": {"c": 2}}}))
    assert both.body["spec"]["free"] == {"a": {"b": 1, "c": 2}, "list": [1]}
    assert owners(both.body)["me", "Apply"]["f:spec"]["f:free"]["f:a"] == {".": {}, "f:c": {}}
    left = await apply(api, f"{CRONTABS}/one", config({"free": {}}), "you")
    assert left.body["spec"]["free"] == {"a": {"c": 2}}


async def test_fields_that_the_schema_lacks_cannot_be_applied(api: Api, establish: Establish) -> None:
    await establish(definition())
    answer = await apply(api, f"{CRONTABS}/one", config({"cronSpec": "* * * * *", "wrong": 1}))
    assert (answer.status, answer.message) == (
        500,
        f"failed to create typed patch object (/one; {GROUP}/v1, Kind=CronTab):"
        " .spec.wrong: field not declared in schema",
    )


async def test_the_status_subresource_owns_nothing_but_the_status(api: Api, establish: Establish) -> None:
    await establish(definition(version(subresources={"status": {}})))
    await write(api, "POST", CRONTABS, crontab(), "me")
    patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"image": "x"}, "status": {"replicas": 1}}
    changed = await write(api, "PATCH", f"{CRONTABS}/one/status", patch, "controller")
    assert owners(changed.body)["controller", "Update/status"] == {"f:status": {".": {}, "f:replicas": {}}}
    applied = {**config({}), "status": {"labelSelector": "a=b"}}
    del applied["spec"]
    answer = await apply(api, f"{CRONTABS}/one/status", applied, "other")
    assert answer.body["status"] == {"replicas": 1, "labelSelector": "a=b"}
    assert owners(answer.body)["other", "Apply/status"] == {"f:status": {"f:labelSelector": {}}}
    assert (await apply(api, f"{CRONTABS}/none/status", {**applied, "metadata": {"name": "none"}})).status == 404


async def test_scaling_takes_the_replicas_wherever_they_are(api: Api, establish: Establish) -> None:
    await establish(definition(version(subresources={"scale": SCALE})))
    await apply(api, f"{CRONTABS}/one", config({"cronSpec": "* * * * *", "replicas": 2}))
    await write(api, "PATCH", f"{CRONTABS}/one/scale", {"spec": {"replicas": 3}}, "autoscaler")
    stored = (await api("GET", f"{CRONTABS}/one")).body
    assert owners(stored) == {
        ("me", "Apply"): {"f:spec": {"f:cronSpec": {}}},
        ("autoscaler", "Update/scale"): {"f:spec": {"f:replicas": {}}},
    }


async def test_managers_of_another_version_keep_what_they_own(api: Api, establish: Establish) -> None:
    await establish(definition(version(), version("v2", SCHEMA, storage=False)))
    second = CRONTABS.replace("/v1/", "/v2/")
    await apply(api, f"{CRONTABS}/one", config({"cronSpec": "* * * * *", "image": "a"}), "you")
    other = {**config({"image": "b"}), "apiVersion": f"{GROUP}/v2"}
    refused = await apply(api, f"{second}/one", other)
    assert refused.message == 'Apply failed with 1 conflict: conflict with "you": .spec.image'
    taken = await apply(api, f"{second}/one", other, force="true")
    versions = {each["manager"]: each["apiVersion"] for each in taken.body["metadata"]["managedFields"]}
    assert versions == {"you": f"{GROUP}/v1", "me": f"{GROUP}/v2"}
    assert taken.body["spec"] == {"cronSpec": "* * * * *", "image": "b"}
    moved = await apply(api, f"{second}/one", {**config({"cronSpec": "* * * * *"}), "apiVersion": f"{GROUP}/v2"}, "you")
    assert {each["manager"]: each["apiVersion"] for each in moved.body["metadata"]["managedFields"]} == {
        "you": f"{GROUP}/v2",
        "me": f"{GROUP}/v2",
    }
