"""Create and update over HTTP: what is set, what is refused, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod


async def test_create_fills_in_identity_and_version(api: Api) -> None:
    answer = await api("POST", MAPS, config_map("a"))
    assert answer.status == 201
    metadata = answer.body["metadata"]
    assert metadata["namespace"] == "default"
    assert len(metadata["uid"]) == 36
    assert metadata["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert int(metadata["resourceVersion"]) == api.server.parts.store.revision
    assert (await api("GET", f"{MAPS}/a")).raw == answer.raw


async def test_creating_a_taken_name_is_a_conflict(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    answer = await api("POST", MAPS, config_map("a"))
    assert (answer.status, answer.reason) == (409, "AlreadyExists")
    assert answer.message == 'configmaps "a" already exists'


async def test_names_are_generated(api: Api) -> None:
    obj = config_map("")
    obj["metadata"] = {"generateName": "web-"}
    name = (await api.create(MAPS, obj))["metadata"]["name"]
    assert name.startswith("web-")
    assert len(name) == 9


async def test_dry_run_writes_nothing(api: Api) -> None:
    answer = await api("POST", f"{MAPS}?dryRun=All", config_map("a"))
    assert answer.status == 201
    assert "resourceVersion" not in answer.body["metadata"]
    assert (await api("GET", f"{MAPS}/a")).status == 404


@pytest.mark.parametrize(
    ("target", "body", "status", "message"),
    [
        (MAPS, b"", 400, "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"),
        (MAPS, b"nope", 400, "couldn't get version/kind; json parse error: invalid character 'n' looking for"),
        (MAPS, {"kind": "Secret", "apiVersion": "v1"}, 400, 'Secret in version "v1" cannot be handled as a ConfigMap'),
        (MAPS, {"kind": "Secret", "apiVersion": "v1"}, 400, "converting (v1.Secret) to (core.ConfigMap): unknown con"),
        (MAPS, {"kind": "ConfigMap", "apiVersion": "v2"}, 400, 'no kind "ConfigMap" is registered for version "v2"'),
        (MAPS, config_map("a", namespace="other"), 400, "the namespace of the provided object does not match the"),
        ("/api/v1/namespaces/nope/configmaps", config_map("a"), 404, 'namespaces "nope" not found'),
        ("/api/v1/configmaps", config_map("a"), 405, "the server does not allow this method on the requested resource"),
        ("/api/v1/namespaces/default/boats", {}, 404, "the server could not find the requested resource"),
        (MAPS, b" " * 3145729, 413, "Request entity too large: limit is 3145728"),
        (f"{MAPS}?dryRun=Some", config_map("a"), 422, 'dryRun: Unsupported value: ["Some"]: supported values: "All"'),
    ],
)
async def test_what_cannot_be_created(api: Api, target: str, body: object, status: int, message: str) -> None:
    answer = await api("POST", target, body)
    assert answer.status == status
    assert message in answer.message


async def test_unknown_content_types_are_415(api: Api) -> None:
    answer = await api("POST", MAPS, config_map("a"), {"content-type": "text/plain"})
    assert (answer.status, answer.reason) == (415, "UnsupportedMediaType")


async def test_unknown_groups_are_plain_404(api: Api) -> None:
    answer = await api("GET", "/apis/example.com/v1/boats")
    assert (answer.status, answer.raw) == (404, b"404 page not found\n")


async def test_unknown_fields_warn_and_strict_refuses(api: Api) -> None:
    body = pod("a")
    body["spec"]["boat"] = True
    warned = await api("POST", PODS, body)
    assert warned.headers["Warning"] == '299 - "unknown field \\"spec.boat\\""'
    assert "boat" not in warned.body["spec"]
    strict = await api("POST", f"{PODS}?fieldValidation=Strict", {**body, "metadata": {"name": "b"}})
    assert strict.status == 400
    assert 'strict decoding error: unknown field "spec.boat"' in strict.message


async def test_yaml_bodies_are_read(api: Api) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {day: '2026-01-01'}\n"
    answer = await api("POST", MAPS, text, {"content-type": "application/yaml"})
    assert answer.body["data"] == {"day": "2026-01-01"}


async def test_update_needs_the_version_that_is_stored(api: Api) -> None:
    stored = await api.create(MAPS, config_map("a"))
    changed = {**stored, "data": {"a": "2"}}
    assert (await api("PUT", f"{MAPS}/a", changed)).status == 200
    answer = await api("PUT", f"{MAPS}/a", changed)
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert answer.message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_update_without_change_writes_nothing(api: Api) -> None:
    stored = await api.create(MAPS, config_map("a"))
    before = api.server.parts.store.revision
    assert (await api("PUT", f"{MAPS}/a", stored)).body == stored
    assert api.server.parts.store.revision == before


async def test_update_keeps_what_clients_cannot_set(api: Api) -> None:
    stored = await api.create(MAPS, config_map("a"))
    answer = await api("PUT", f"{MAPS}/a", config_map("a", labels={"x": "y"}))
    assert answer.body["metadata"]["uid"] == stored["metadata"]["uid"]
    assert answer.body["metadata"]["creationTimestamp"] == stored["metadata"]["creationTimestamp"]


async def test_update_of_another_uid_is_a_conflict(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    answer = await api("PUT", f"{MAPS}/a", config_map("a", uid="other"))
    assert answer.status == 409
    assert "Precondition failed: UID in precondition: other, UID in object meta: " in answer.message


async def test_update_of_what_is_missing_is_404(api: Api) -> None:
    assert (await api("PUT", f"{MAPS}/a", config_map("a"))).status == 404


async def test_update_under_another_name_is_refused(api: Api) -> None:
    answer = await api("PUT", f"{MAPS}/b", config_map("a"))
    assert answer.message == "the name of the object (a) does not match the name on the URL (b)"


async def test_status_and_spec_are_written_apart(api: Api) -> None:
    stored = await api.create(PODS, pod("a"))
    stored["status"]["phase"] = "Running"
    stored["metadata"]["labels"] = {"x": "y"}
    main = (await api("PUT", f"{PODS}/a", stored)).body
    assert main["status"]["phase"] == "Pending"
    main["status"]["phase"] = "Running"
    main["spec"]["nodeName"] = "n1"
    status = (await api("PUT", f"{PODS}/a/status", main)).body
    assert status["status"]["phase"] == "Running"
    assert "nodeName" not in status["spec"]


async def test_events_of_both_groups_are_the_same_objects(api: Api) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "default"},
        "note": "hello",
        "regarding": {"kind": "Pod", "name": "a", "namespace": "default"},
        "reportingController": "test",
        "reportingInstance": "test-1",
        "action": "Test",
        "reason": "Tested",
        "type": "Normal",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    }
    await api.create("/apis/events.k8s.io/v1/namespaces/default/events", event)
    core = (await api("GET", "/api/v1/namespaces/default/events/e")).body
    assert core["message"] == "hello"
    assert core["involvedObject"]["name"] == "a"
    again = (await api("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e")).body
    assert again["note"] == "hello"
    assert again["apiVersion"] == "events.k8s.io/v1"


async def test_empty_lists_and_maps_of_metadata_are_left_out(api: Api) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    empty: dict[str, Any] = {"labels": {}, "annotations": {}, "finalizers": [], "ownerReferences": []}
    made = await api.create(path, {"metadata": {"name": "m", **empty}})
    assert not empty.keys() & made["metadata"].keys()
    made["metadata"] |= {"labels": {"a": "b"}, "finalizers": ["x.io/held"]}
    await api("PUT", f"{path}/m", made)
    patch = {"metadata": {"labels": {"a": None}, "$deleteFromPrimitiveList/finalizers": ["x.io/held"]}}
    headers = {"content-type": "application/strategic-merge-patch+json"}
    patched = (await api("PATCH", f"{path}/m", patch, headers=headers)).body
    assert not empty.keys() & patched["metadata"].keys()
