"""Delete: at once, with grace, with finalizers, with preconditions."""

from __future__ import annotations

from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod


async def test_delete_answers_with_a_status(api: Api) -> None:
    stored = await api.create(MAPS, config_map("a"))
    answer = await api("DELETE", f"{MAPS}/a")
    assert answer.status == 200
    assert answer.body["status"] == "Success"
    assert answer.body["details"] == {"name": "a", "kind": "configmaps", "uid": stored["metadata"]["uid"]}
    assert (await api("GET", f"{MAPS}/a")).status == 404


async def test_a_running_pod_gets_its_grace_and_goes_when_the_node_confirms(api: Api) -> None:
    await api.create(PODS, pod("a", node="n1"))
    marked = (await api("DELETE", f"{PODS}/a")).body["metadata"]
    assert marked["deletionGracePeriodSeconds"] == 30
    assert marked["deletionTimestamp"] == "2026-01-01T00:00:30Z"
    longer = (await api("DELETE", f"{PODS}/a?gracePeriodSeconds=60")).body["metadata"]
    assert longer["deletionGracePeriodSeconds"] == 30
    shorter = (await api("DELETE", f"{PODS}/a", {"gracePeriodSeconds": 5})).body["metadata"]
    assert shorter["deletionTimestamp"] == "2026-01-01T00:00:05Z"
    assert (await api("DELETE", f"{PODS}/a?gracePeriodSeconds=0")).status == 200
    assert (await api("GET", f"{PODS}/a")).status == 404


async def test_a_pod_without_a_node_goes_at_once(api: Api) -> None:
    await api.create(PODS, pod("a"))
    assert (await api("DELETE", f"{PODS}/a")).body["kind"] == "Pod"
    assert (await api("GET", f"{PODS}/a")).status == 404


async def test_finalizers_hold_an_object_until_they_are_gone(api: Api) -> None:
    await api.create(MAPS, config_map("a", finalizers=["example.com/hold"]))
    marked = (await api("DELETE", f"{MAPS}/a")).body
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    again = await api("POST", MAPS, config_map("a"))
    assert again.message == 'object is being deleted: configmaps "a" already exists'
    marked["metadata"]["finalizers"] = []
    assert (await api("PUT", f"{MAPS}/a", marked)).status == 200
    assert (await api("GET", f"{MAPS}/a")).status == 404


async def test_deleting_again_what_is_held_changes_nothing(api: Api) -> None:
    await api.create(MAPS, config_map("a", finalizers=["example.com/hold"]))
    first, second = [(await api("DELETE", f"{MAPS}/a")).body for _ in range(2)]
    assert first["metadata"]["deletionTimestamp"] and first == second, "whoever watches would be told for ever"


async def test_propagation_policies_are_finalizers(api: Api) -> None:
    for policy, finalizer in (("Foreground", "foregroundDeletion"), ("Orphan", "orphan")):
        name = policy.lower()
        await api.create(MAPS, config_map(name))
        answer = await api("DELETE", f"{MAPS}/{name}", {"propagationPolicy": policy})
        assert answer.body["metadata"]["finalizers"] == [finalizer]
    await api.create(MAPS, config_map("b"))
    assert (await api("DELETE", f"{MAPS}/b?propagationPolicy=Background")).body["kind"] == "Status"


async def test_preconditions_must_hold(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    answer = await api("DELETE", f"{MAPS}/a", {"preconditions": {"uid": "other"}})
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert "the UID in the precondition (other) does not match the UID in record" in answer.message


async def test_wrong_options_are_invalid(api: Api) -> None:
    answer = await api("DELETE", f"{MAPS}/a", {"propagationPolicy": "Sink"})
    assert answer.status == 422
    assert 'propagationPolicy: Unsupported value: "Sink"' in answer.message


async def test_dry_run_deletes_nothing(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    assert (await api("DELETE", f"{MAPS}/a?dryRun=All")).status == 200
    assert (await api("GET", f"{MAPS}/a")).status == 200


async def test_collections_are_deleted_by_selector(api: Api) -> None:
    await api.create(MAPS, config_map("a", labels={"x": "1"}))
    await api.create(MAPS, config_map("b"))
    answer = await api("DELETE", f"{MAPS}?labelSelector=x%3D1")
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["a"]
    assert (await api("GET", f"{MAPS}/b")).status == 200


async def test_namespaces_terminate_first_and_take_nothing_new(api: Api) -> None:
    await api.create("/api/v1/namespaces", {"metadata": {"name": "x"}})
    answer = await api("DELETE", "/api/v1/namespaces/x")
    assert answer.body["status"]["phase"] == "Terminating"
    refused = await api("POST", "/api/v1/namespaces/x/configmaps", config_map("a"))
    assert refused.status == 403
    assert refused.message == (
        'configmaps "a" is forbidden: unable to create new content in namespace x because it is being terminated'
    )
    assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"


async def test_system_namespaces_stay(api: Api) -> None:
    answer = await api("DELETE", "/api/v1/namespaces/kube-system")
    assert answer.message == 'namespaces "kube-system" is forbidden: this namespace may not be deleted'
