"""Every stored kind goes through every verb and comes back in every form."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.apiserver.test_list_watch import watch

from wherry.api import tables
from wherry.api.resources import BUILTIN, Resource, lookup
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Answer, Api

BASES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "api" / "goldens" / "bases.yaml").read_text())
FORMS = {
    "table": "application/json;as=Table;v=v1;g=meta.k8s.io",
    "partial": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "partials": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "yaml": "application/yaml",
}
CANNOT_BE_MADE_SO = {
    "apiservices.apiregistration.k8s.io": "answered by another server",
    "certificatesigningrequests.certificates.k8s.io": "needs a real request",
}
INSTEAD: dict[str, dict[str, Any]] = {
    "services": {"spec.clusterIP": "10.96.0.55"},
    "servicecidrs.networking.k8s.io": {"metadata.name": "more", "spec.cidrs": ["10.200.0.0/16"]},
    "ipaddresses.networking.k8s.io": {"metadata.name": "10.96.0.77"},
}
"""What the server that these tests start has already, or would change."""
NAMES = [name for name in BASES if name not in CANNOT_BE_MADE_SO]


def body_of(resource: Resource) -> Any:
    obj = copy.deepcopy(BASES[resource.qualified])
    obj["metadata"].pop("resourceVersion", None)
    for path, value in INSTEAD.get(resource.qualified, {}).items():
        holder, _, key = path.partition(".")
        obj[holder][key] = value
    return {"apiVersion": resource.api_version, "kind": resource.kind, **obj}


async def started(api: Api, resource: Resource) -> tuple[str, str, Any]:
    """The list's path, the object's path, and the object as it was created."""
    body = body_of(resource)
    namespace = body["metadata"].get("namespace", "") if resource.namespaced else ""
    if namespace:
        await api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    many = resource.path(namespace or None)
    answer = await api("POST", f"{many}?fieldValidation=Strict", body)
    assert answer.status == 201, answer.raw
    return many, f"{many}/{answer.body['metadata']['name']}", answer.body


def in_form(answer: Answer) -> Any:
    assert answer.status == 200, answer.raw
    return answer.body


def check_table(resource: Resource, table: Any, count: int) -> None:
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    width = len(table["columnDefinitions"])
    assert width == len(tables.columns(resource))
    assert [len(row["cells"]) for row in table["rows"]] == [width] * count
    assert all(row["object"]["kind"] == "PartialObjectMetadata" for row in table["rows"])


@pytest.mark.parametrize("name", NAMES)
async def test_an_object_comes_in_every_form(api: Api, name: str) -> None:
    resource = lookup(name)
    many, one, made = await started(api, resource)
    plain = in_form(await api("GET", one))
    assert plain == made
    assert plain == yaml.safe_load((await api("GET", one, headers={"accept": FORMS["yaml"]})).raw)
    check_table(resource, in_form(await api("GET", one, headers={"accept": FORMS["table"]})), 1)
    partial = in_form(await api("GET", one, headers={"accept": FORMS["partial"]}))
    assert partial == {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": made["metadata"]}
    found = in_form(await api("GET", many))
    assert found["kind"] == f"{resource.kind}List"
    check_table(resource, in_form(await api("GET", many, headers={"accept": FORMS["table"]})), len(found["items"]))
    partials = in_form(await api("GET", many, headers={"accept": FORMS["partials"]}))
    assert partials["kind"] == "PartialObjectMetadataList"
    assert partial in partials["items"]


@pytest.mark.parametrize("name", NAMES)
async def test_an_object_is_watched_in_every_form(api: Api, name: str) -> None:
    resource = lookup(name)
    many, _, made = await started(api, resource)
    query = f"{many}?watch=1&fieldSelector=metadata.name%3D{made['metadata']['name']}"
    for accept in ("", FORMS["table"], FORMS["partial"]):
        reader = await watch_as(api, query, accept)
        # Others may follow: the server itself writes the status of flow schemas.
        (kind, obj), *_ = await reader.events()
        assert kind == "ADDED"
        if "Table" in accept:
            check_table(resource, obj, 1)
            await reader.close()
            continue
        expected = ("PartialObjectMetadata", "meta.k8s.io/v1") if accept else (resource.kind, resource.api_version)
        assert (obj["kind"], obj["apiVersion"]) == expected
        assert obj["metadata"]["uid"] == made["metadata"]["uid"]
        assert not accept or set(obj) == {"kind", "apiVersion", "metadata"}
        await reader.close()


async def watch_as(api: Api, target: str, accept: str) -> Any:
    class Accepting:
        async def reply(self, method: str, target: str) -> Any:
            return await api.reply(method, target, headers={"accept": accept})

    return await watch(Accepting(), target)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
async def test_writing_back_what_was_read_changes_nothing(api: Api, name: str) -> None:
    """Also without what the server adds: its defaults and the addresses that it gave stay."""
    resource = lookup(name)
    _, one, made = await started(api, resource)
    current = in_form(await api("GET", one))
    answer = await api("PUT", f"{one}?fieldValidation=Strict", current)
    assert (answer.status, answer.body) == (200, current)
    patch = body_of(resource)
    # Admission adds a taint to nodes, which a merging patch of the whole list would take away.
    patch.get("spec", {}).pop("taints", None)
    patched = await api.patch(one, patch, "merge")
    assert (patched.status, patched.body) == (200, current), patched.raw
    if "status" in resource.subresources:
        answer = await api("PUT", f"{one}/status", current)
        assert (answer.status, answer.body) == (200, current)
    assert made["metadata"]["uid"] == current["metadata"]["uid"]


@pytest.mark.parametrize("value", ["None", "Metadata", "Object", "", "Everything"])
async def test_a_row_carries_what_is_asked_for(api: Api, value: str) -> None:
    target = f"/api/v1/namespaces?includeObject={value}&fieldSelector=metadata.name%3Ddefault"
    answer = await api("GET", target, headers={"accept": FORMS["table"]})
    if value == "Everything":
        assert answer.status == 400
        assert answer.message == (
            'Unable to convert to Table as requested: includeObject: Invalid value: "Everything": '
            "must be 'Metadata', 'Object', 'None', or empty"
        )
        return
    (row,) = answer.body["rows"]
    kinds = {"None": None, "Metadata": "PartialObjectMetadata", "": "PartialObjectMetadata", "Object": "Namespace"}
    assert row.get("object", {}).get("kind") == kinds[value]


def test_every_stored_kind_is_among_these() -> None:
    stored = {resource.qualified for resource in BUILTIN if "watch" in resource.verbs}
    assert stored - set(BASES) == {"customresourcedefinitions.apiextensions.k8s.io", "events.events.k8s.io"}


async def test_pods_that_are_done_say_so_in_their_rows() -> None:
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        api = Api(server, clock)
        _, one, made = await started(api, lookup("pods"))
        made["status"] = {"phase": "Succeeded"}
        assert (await api("PUT", f"{one}/status", made)).status == 200
        (row,) = (await api("GET", one, headers={"accept": FORMS["table"]})).body["rows"]
        assert row["conditions"][0]["reason"] == "Succeeded"
