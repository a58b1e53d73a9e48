"""Subresources: scale, binding, eviction, finalize, approval."""

from __future__ import annotations

from typing import Any

from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


def deployment(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}


async def test_scale_has_columns_of_its_own(api: Api) -> None:
    await api.create(DEPLOYMENTS, deployment("d"))
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    table = (await api("GET", f"{DEPLOYMENTS}/d/scale", headers=accept)).body
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["d", 1, 0]
    assert table["rows"][0]["object"]["metadata"]["name"] == "d"


async def test_scale_shows_and_sets_replicas(api: Api) -> None:
    await api.create(DEPLOYMENTS, deployment("d"))
    scale = (await api("GET", f"{DEPLOYMENTS}/d/scale")).body
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["selector"]) == ("Scale", 1, "a=b")
    scale["spec"]["replicas"] = 3
    assert (await api("PUT", f"{DEPLOYMENTS}/d/scale", scale)).body["spec"]["replicas"] == 3
    assert (await api("PUT", f"{DEPLOYMENTS}/d/scale", scale)).status == 409
    patched = await api.patch(f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 5}})
    assert patched.body["spec"]["replicas"] == 5
    stored = (await api("GET", f"{DEPLOYMENTS}/d")).body
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (5, 3)
    negative = await api.patch(f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": -1}})
    assert negative.message == (
        'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    )


async def test_binding_gives_a_pod_its_node_once(api: Api) -> None:
    await api.create(PODS, pod("a"))
    binding = {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n1"}}
    first = await api("POST", f"{PODS}/a/binding", binding)
    assert (first.status, first.body["status"]) == (201, "Success")
    bound = (await api("GET", f"{PODS}/a")).body
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    again = await api("POST", "/api/v1/namespaces/default/bindings", binding)
    assert again.status == 409
    assert again.message == (
        'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"'
    )


async def test_eviction_asks_the_disruption_budget(api: Api) -> None:
    await api.create(PODS, pod("a", node="n1", labels={"app": "x"}))
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    await api.patch(f"{PODS}/a/status", {"status": ready})
    await api.create(BUDGETS, {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "x"}}, "minAvailable": 1}})  # fmt: skip
    counts = {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}  # fmt: skip
    assert (await api.patch(f"{BUDGETS}/b/status", {"status": counts})).status == 200
    eviction = {"metadata": {"name": "a"}, "deleteOptions": {"gracePeriodSeconds": 0}}
    refused = await api("POST", f"{PODS}/a/eviction", eviction)
    assert (refused.status, refused.reason) == (429, "TooManyRequests")
    assert refused.message == "Cannot evict pod as it would violate the pod's disruption budget."
    assert refused.body["details"]["causes"][0]["message"] == (
        "The disruption budget b needs 1 healthy pods and has 1 currently"
    )
    await api.patch(f"{BUDGETS}/b/status", {"status": {"disruptionsAllowed": 1}})
    assert (await api("POST", f"{PODS}/a/eviction", eviction)).status == 201
    assert (await api("GET", f"{PODS}/a")).status == 404
    status = (await api("GET", f"{BUDGETS}/b")).body["status"]
    assert status["disruptionsAllowed"] == 0
    assert "a" in status["disruptedPods"]


async def test_finalizing_a_deleted_namespace_removes_it(api: Api) -> None:
    await api.create("/api/v1/namespaces", {"metadata": {"name": "x"}})
    namespace = (await api("DELETE", "/api/v1/namespaces/x")).body
    assert (await api("DELETE", "/api/v1/namespaces/x")).status == 200
    namespace["spec"]["finalizers"] = []
    assert (await api("PUT", "/api/v1/namespaces/x/finalize", namespace)).status == 200
    assert (await api("GET", "/api/v1/namespaces/x")).status == 404


async def test_resize_changes_only_resources(api: Api) -> None:
    await api.create(PODS, pod("a"))
    body = (await api("GET", f"{PODS}/a")).body
    patch = {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}]}}
    answer = await api.patch(f"{PODS}/a/resize", patch, "strategic")
    assert answer.status in (200, 422), answer.raw
    if answer.status == 200:
        assert answer.body["metadata"]["generation"] == body["metadata"]["generation"] + 1


async def test_unknown_subresources_are_not_found(api: Api) -> None:
    answer = await api("GET", f"{PODS}/a/boat")
    assert (answer.status, answer.message) == (404, "the server could not find the requested resource")
