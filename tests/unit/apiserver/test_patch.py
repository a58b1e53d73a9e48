"""Patch: three formats, on the newest state, with upstream's refusals."""

from __future__ import annotations

import asyncio

from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


async def test_merge_patches_set_and_remove(api: Api) -> None:
    await api.create(MAPS, config_map("a", labels={"x": "1"}))
    answer = await api.patch(f"{MAPS}/a", {"metadata": {"labels": {"x": None, "y": "2"}}, "data": {"b": "2"}})
    assert answer.status == 200
    assert answer.body["metadata"]["labels"] == {"y": "2"}
    assert answer.body["data"] == {"a": "1", "b": "2"}


async def test_json_patches_run_in_order(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    good = await api.patch(f"{MAPS}/a", [{"op": "test", "path": "/data/a", "value": "1"},
                                         {"op": "replace", "path": "/data/a", "value": "2"}], "json")  # fmt: skip
    assert good.body["data"] == {"a": "2"}
    bad = await api.patch(f"{MAPS}/a", [{"op": "test", "path": "/data/a", "value": "1"}], "json")
    assert (bad.status, bad.reason) == (422, "Invalid")
    assert bad.message == "the server rejected our request due to an error in our request"


async def test_strategic_patches_merge_lists_by_key(api: Api) -> None:
    await api.create(PODS, pod("a"))
    patch = {"spec": {"containers": [{"name": "main", "image": "busybox:2"}]}}
    answer = await api.patch(f"{PODS}/a", patch, "strategic")
    (container,) = answer.body["spec"]["containers"]
    assert container["image"] == "busybox:2"
    assert container["terminationMessagePath"] == "/dev/termination-log"


async def test_patching_the_status_leaves_the_spec(api: Api) -> None:
    await api.create(PODS, pod("a"))
    patch = {"spec": {"nodeName": "n1"}, "status": {"phase": "Running"}}
    answer = await api.patch(f"{PODS}/a/status", patch)
    assert answer.body["status"]["phase"] == "Running"
    assert "nodeName" not in answer.body["spec"]


async def test_parallel_patches_are_all_applied(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    await asyncio.gather(*(api.patch(f"{MAPS}/a", {"data": {f"k{i}": "v"}}) for i in range(10)))
    assert len((await api("GET", f"{MAPS}/a")).body["data"]) == 11


async def test_a_patch_that_names_a_stale_version_is_a_conflict(api: Api) -> None:
    stored = await api.create(MAPS, config_map("a"))
    await api.patch(f"{MAPS}/a", {"data": {"b": "2"}})
    patch = {"metadata": {"resourceVersion": stored["metadata"]["resourceVersion"]}, "data": {"c": "3"}}
    assert (await api.patch(f"{MAPS}/a", patch)).status == 409


async def test_what_is_no_patch_is_refused(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    apply = await api("PATCH", f"{MAPS}/a", b"{}", {"content-type": "application/apply-patch+cbor"})
    assert (apply.status, apply.reason) == (415, "UnsupportedMediaType")
    assert (await api.patch(f"{MAPS}/a", b"{")).status == 400
    assert (await api.patch(f"{MAPS}/a", [1])).status == 400
    assert (await api.patch(f"{MAPS}/none", {})).status == 404
    renamed = await api.patch(f"{MAPS}/a", {"metadata": {"name": "b"}})
    assert (renamed.status, renamed.reason) == (400, "BadRequest")


async def test_the_generation_counts_changes_of_the_spec(api: Api) -> None:
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}}  # fmt: skip
    created = await api.create(DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec})
    assert created["metadata"]["generation"] == 1
    scaled = await api.patch(f"{DEPLOYMENTS}/d", {"spec": {"replicas": 3}})
    assert scaled.body["metadata"]["generation"] == 2
    labelled = await api.patch(f"{DEPLOYMENTS}/d", {"metadata": {"labels": {"x": "y"}}})
    assert labelled.body["metadata"]["generation"] == 2
