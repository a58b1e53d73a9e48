"""What `ephemeralcontainers` and `resize` change of a pod, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod

POD = f"{PODS}/a"


def sized(cpu: str, memory: str = "64Mi", **rest: Any) -> Any:
    wanted = pod("a")
    wanted["spec"]["containers"][0] |= {"resources": {"requests": {"cpu": cpu, "memory": memory}}, **rest}
    return wanted


async def test_debug_containers_are_added_and_counted(api: Api) -> None:
    await api.create(PODS, pod("a"))
    one = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    answer = await api.patch(f"{POD}/ephemeralcontainers", one, "strategic")
    assert answer.status == 200 and answer.body["metadata"]["generation"] == 2
    assert answer.body["spec"]["ephemeralContainers"][0]["terminationMessagePolicy"] == "File"
    again = await api.patch(f"{POD}/ephemeralcontainers", one, "strategic")
    assert again.body == answer.body


@pytest.mark.parametrize(
    ("containers", "why"),
    [
        ([], 'existing ephemeral containers "debug" may not be removed\n'),
        ([{"name": "debug", "image": "other"}], 'existing ephemeral containers "debug" may not be changed\n'),
    ],
)
async def test_debug_containers_stay_as_they_are(api: Api, containers: list[Any], why: str) -> None:
    await api.create(PODS, pod("a"))
    first = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    assert (await api.patch(f"{POD}/ephemeralcontainers", first, "strategic")).status == 200
    answer = await api.patch(f"{POD}/ephemeralcontainers", {"spec": {"ephemeralContainers": containers}}, "merge")
    assert answer.status == 422
    assert answer.message.startswith(f'Pod "a" is invalid: spec.ephemeralContainers: Forbidden: {why}')


async def test_a_pod_is_resized_and_nothing_else_changes(api: Api) -> None:
    await api.create(PODS, sized("100m"))
    wanted = sized("200m", image="other")
    answer = await api.patch(f"{POD}/resize", wanted, "merge")
    container = answer.body["spec"]["containers"][0]
    assert answer.status == 200 and container["resources"]["requests"]["cpu"] == "200m"
    assert container["image"] == "busybox"
    assert answer.body["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("made", "wanted", "why"),
    [
        (sized("1"), {"resources": {"requests": {"memory": "64Mi"}}}, "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"),
        (sized("1"), {"resources": {"requests": {"cpu": "1", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}}, "Pod QOS Class may not change as a result of resizing"),
        ({**sized("1"), "metadata": {"name": "a", "annotations": {"kubernetes.io/config.mirror": "x"}}}, {}, "static pods cannot be resized"),
        ({**sized("1"), "spec": {**sized("1")["spec"], "os": {"name": "windows"}}}, {}, "windows pods cannot be resized"),
    ],
)  # fmt: skip
async def test_what_a_resize_may_not_do(api: Api, made: Any, wanted: Any, why: str) -> None:
    created = await api.create(PODS, made)
    created["spec"]["containers"][0] |= wanted
    answer = await api("PUT", f"{POD}/resize", created)
    assert answer.status == 422 and why in answer.message
