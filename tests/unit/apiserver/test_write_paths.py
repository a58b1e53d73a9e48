"""Writes that a client words badly or unusually: each is answered as upstream answers it, and stores nothing by mistake."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod

MAP = f"{MAPS}/a"
YAML = {"content-type": "application/yaml"}
TWICE_IN_YAML = b"""apiVersion: v1
kind: ConfigMap
metadata:
  name: y1
  name: y2
data:
  a: "1"
  a: "2"
foo: 1
"""
CONFLICT = "Operation cannot be fulfilled on"


@pytest.fixture
async def made(api: Api) -> Api:
    await api.create(MAPS, config_map("a"))
    return api


def merge(target: str, patch: bytes) -> tuple[str, str, bytes, dict[str, str]]:
    return "PATCH", target, patch, {"content-type": "application/merge-patch+json"}


REFUSED: tuple[tuple[tuple[Any, ...], int, str], ...] = (
    (("POST", MAPS, config_map("x", resourceVersion="7")), 400, "resourceVersion should not be set on objects to be created"),
    (("POST", MAPS, config_map("x", namespace="other")), 400, "the namespace of the provided object does not match the namespace sent on the request"),
    (("POST", MAPS, {"metadata": {}}), 422, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'),
    (("POST", MAPS, {"kind": "Pod", "apiVersion": "v1"}), 400, 'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion'),
    (("POST", "/api/v1/namespaces/none/configmaps", config_map("x")), 404, 'namespaces "none" not found'),
    (("POST", f"{MAPS}?dryRun=", config_map("x")), 422, 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: [""]: supported values: "All"'),
    (("POST", f"{MAPS}?fieldValidation=Hard", config_map("x")), 422, 'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Hard": supported values: "", "Ignore", "Strict", "Warn"'),
    (("POST", f"{MAPS}?fieldManager={'m' * 129}", config_map("x")), 422, 'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes'),
    (("POST", f"{MAPS}?timeout=soon", config_map("x")), 400, 'invalid timeout specified in the request URL - time: invalid duration "soon"'),
    (("POST", f"{MAPS}?timeout=3", config_map("x")), 400, 'invalid timeout specified in the request URL - time: missing unit in duration "3"'),
    (("POST", f"{MAPS}?timeout=3y", config_map("x")), 400, 'invalid timeout specified in the request URL - time: unknown unit "y" in duration "3y"'),
    (("POST", MAPS, config_map("x"), {"content-type": "application/cbor"}), 415, "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"),
    (("PUT", MAP, config_map("b")), 400, "the name of the object (b) does not match the name on the URL (a)"),
    (("PUT", MAP, config_map("a", namespace="other")), 400, "the namespace of the object (other) does not match the namespace on the request (default)"),
    (("PUT", MAP, config_map("a", resourceVersion="1")), 409, f'{CONFLICT} configmaps "a": the object has been modified; please apply your changes to the latest version and try again'),
    (("PUT", f"{MAPS}/none", config_map("none")), 404, 'configmaps "none" not found'),
    (("DELETE", MAP, {"propagationPolicy": "Now"}), 422, 'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Now": supported values: "Foreground", "Background", "Orphan", "nil"'),
    (("DELETE", MAP, {"propagationPolicy": "Orphan", "orphanDependents": True}), 422, 'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set'),
    (("DELETE", f"{MAP}?gracePeriodSeconds=x"), 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
    (("DELETE", f"{MAPS}/none"), 404, 'configmaps "none" not found'),
    (("DELETE", "/api/v1/configmaps"), 405, "the server does not allow this method on the requested resource"),
    (("POST", "/api/v1/configmaps", config_map("x")), 405, "the server does not allow this method on the requested resource"),
    (("POST", MAP, config_map("a")), 405, "the server does not allow this method on the requested resource"),
    (("PUT", MAPS, config_map("a")), 405, "the server does not allow this method on the requested resource"),
    (("HEAD", MAP), 405, "the server does not allow this method on the requested resource"),
    (("OPTIONS", MAPS), 405, "the server does not allow this method on the requested resource"),
    (("POST", "/apis/apps/v1", b"{}"), 405, "the server does not allow this method on the requested resource"),
    (("POST", "/api/v1/namespaces/default/maps", b"{}"), 404, "the server could not find the requested resource"),
)  # fmt: skip


@pytest.mark.parametrize(("asked", "status", "message"), REFUSED)
async def test_a_bad_write_is_refused_in_upstreams_words(
    made: Api, asked: tuple[Any, ...], status: int, message: str
) -> None:
    before = (await made("GET", MAPS)).body["items"]
    answer = await made(*asked)
    assert (answer.status, answer.message) == (status, message)
    assert (await made("GET", MAPS)).body["items"] == before


async def test_what_concerns_a_whole_path_has_empty_details(api: Api) -> None:
    for method, target in (("PUT", MAPS), ("GET", "/api/v1/nothing")):
        assert (await api(method, target)).body["details"] == {}


async def test_a_delete_names_the_kind_whose_precondition_failed(made: Api) -> None:
    uid = (await made("GET", MAP)).body["metadata"]["uid"]
    answer = await made("DELETE", MAP, {"preconditions": {"uid": "other"}})
    assert answer.status == 409
    assert answer.message == (
        f'{CONFLICT} ConfigMap "a": the UID in the precondition (other) does not match the UID in record ({uid}). '
        "The object might have been deleted and then recreated"
    )
    assert answer.body["details"] == {"name": "a", "kind": "ConfigMap"}
    answer = await made("DELETE", MAP, {"preconditions": {"resourceVersion": "1"}})
    assert answer.status == 409 and "the ResourceVersion in the precondition (1)" in answer.message


async def test_keys_given_twice_in_yaml_are_told_by_line(api: Api) -> None:
    strict = await api("POST", f"{MAPS}?fieldValidation=Strict", TWICE_IN_YAML, YAML)
    assert strict.status == 400
    assert strict.message == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n'
        '  line 5: key "name" already set in map\n  line 8: key "a" already set in map, unknown field "foo"'
    )
    warned = await api.reply("POST", MAPS, TWICE_IN_YAML, YAML)
    assert [value for name, value in warned.headers if name == "Warning"] == [
        r'299 - "line 5: key \"name\" already set in map"',
        r'299 - "line 8: key \"a\" already set in map"',
        r'299 - "unknown field \"foo\""',
    ]
    ignored = await api.reply("POST", f"{MAPS}?fieldValidation=Ignore&dryRun=All", TWICE_IN_YAML, YAML)
    assert not [name for name, _ in ignored.headers if name == "Warning"]


async def test_fields_given_twice_in_a_merge_patch_are_told(made: Api) -> None:
    twice = b'{"data":{"x":"1","x":"2"}}'
    answer = await made(*merge(f"{MAP}?fieldValidation=Strict", twice))
    assert answer.status == 400
    assert answer.message.endswith('strict decoding error: duplicate field "data.x"')
    answer = await made(*merge(MAP, twice))
    assert answer.status == 200 and answer.headers["Warning"] == r'299 - "duplicate field \"data.x\""'
    assert answer.body["data"] == {"a": "1", "x": "2"}


@pytest.mark.parametrize("query", ["dryRun=All", "dryRun=All&dryRun=All"])
async def test_a_dry_run_answers_in_full_and_stores_nothing_by_every_verb(made: Api, query: str) -> None:
    stored = (await made("GET", MAPS)).body["items"]
    created = await made("POST", f"{MAPS}?{query}", {"metadata": {"generateName": "b-"}})
    assert (
        created.status == 201 and created.body["metadata"]["uid"] and "resourceVersion" not in created.body["metadata"]
    )
    changed = config_map("a") | {"data": {"b": "2"}}
    assert (await made("PUT", f"{MAP}?{query}", changed)).body["data"] == {"b": "2"}
    assert (await made(*merge(f"{MAP}?{query}", b'{"data":{"b":"2"}}'))).body["data"] == {"a": "1", "b": "2"}
    assert (await made("DELETE", f"{MAP}?{query}")).body["status"] == "Success"
    assert [i["metadata"]["name"] for i in (await made("DELETE", f"{MAPS}?{query}")).body["items"]] == ["a"]
    assert (await made("GET", MAPS)).body["items"] == stored


async def test_a_collection_goes_by_selector_and_limit(api: Api) -> None:
    for name, labels in (("a", {"x": "1"}), ("b", {"x": "1"}), ("c", {})):
        await api.create(MAPS, config_map(name, labels=labels))
    gone = await api("DELETE", f"{MAPS}?labelSelector=x&limit=1")
    assert [item["metadata"]["name"] for item in gone.body["items"]] == ["a"]
    gone = await api("DELETE", f"{MAPS}?fieldSelector=metadata.name%3Dc")
    assert [item["metadata"]["name"] for item in gone.body["items"]] == ["c"]
    assert [item["metadata"]["name"] for item in (await api("GET", MAPS)).body["items"]] == ["b"]


async def test_the_server_owns_what_identifies_an_object(api: Api) -> None:
    metadata = {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 9, "selfLink": "/x"}
    made = await api.create(PODS, pod("a", **metadata) | {"status": {"phase": "Running"}})
    assert made["metadata"]["uid"] != "mine" and made["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert made["metadata"]["generation"] == 1 and "selfLink" not in made["metadata"]
    assert made["status"]["phase"] == "Pending"
    changed = {**made, "status": {"phase": "Failed"}, "metadata": {**made["metadata"], "labels": {"a": "b"}}}
    answer = (await api("PUT", f"{PODS}/a", changed)).body
    assert answer["status"]["phase"] == "Pending" and answer["metadata"]["labels"] == {"a": "b"}
    status = {**answer, "status": {"phase": "Running"}, "spec": {**answer["spec"], "nodeName": "n"}}
    answer = (await api("PUT", f"{PODS}/a/status", status)).body
    assert answer["status"]["phase"] == "Running" and "nodeName" not in answer["spec"]
    assert answer["metadata"]["generation"] == 1


async def test_fields_of_features_that_are_off_are_dropped(api: Api) -> None:
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    spec = {"holderIdentity": "a", "strategy": "OldestEmulationVersion", "preferredHolder": "b"}
    made = await api.create(leases, {"metadata": {"name": "a"}, "spec": spec})
    assert made["spec"] == {"holderIdentity": "a"}
    changed = {**made, "spec": {**spec, "holderIdentity": "c"}}
    assert (await api("PUT", f"{leases}/a", changed)).body["spec"] == {"holderIdentity": "c"}
    wanted = pod("a")
    wanted["spec"]["schedulingGroup"] = {"podGroupName": "g"}
    assert "schedulingGroup" not in (await api.create(PODS, wanted))["spec"]
