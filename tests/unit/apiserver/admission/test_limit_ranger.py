"""Limit ranges over HTTP: defaults, bounds, ratios."""

from __future__ import annotations

from typing import Any

from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod

RANGES = "/api/v1/namespaces/default/limitranges"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


async def limit(api: Api, **item: Any) -> None:
    await api.create(RANGES, {"metadata": {"name": "limits"}, "spec": {"limits": [item]}})


def asking(name: str, **resources: Any) -> dict[str, Any]:
    made = pod(name)
    made["spec"]["containers"][0]["resources"] = resources
    return made


def claim(name: str, storage: str) -> dict[str, Any]:
    resources = {"requests": {"storage": storage}}
    return {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources}}


async def test_containers_that_say_nothing_get_the_defaults_and_an_annotation_says_so(api: Api) -> None:
    await limit(
        api, type="Container", default={"cpu": "500m", "memory": "64Mi"}, defaultRequest={"cpu": "100m"}
    )  # fmt: skip
    made = await api.create(PODS, asking("a", limits={"memory": "1Gi"}))
    resources = made["spec"]["containers"][0]["resources"]
    assert resources == {
        "limits": {"cpu": "500m", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "1Gi"},
    }
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu request for container main; cpu limit for container main"
    )
    assert made["status"]["qosClass"] == "Burstable"


async def test_bounds_of_containers_are_kept_and_all_that_is_wrong_is_told(api: Api) -> None:
    await limit(api, type="Container", min={"cpu": "100m"}, max={"cpu": "1", "memory": "1Gi"})
    refused = await api("POST", PODS, asking("a", requests={"cpu": "50m"}, limits={"cpu": "2", "memory": "1Gi"}))
    assert (refused.status, refused.reason) == (403, "Forbidden")
    assert refused.message == (
        'pods "a" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, '
        "maximum cpu usage per Container is 1, but limit is 2]"
    )
    assert (await api("POST", PODS, asking("a", limits={"cpu": "1", "memory": "1Gi"}))).status == 201


async def test_pods_are_bounded_as_a_whole(api: Api) -> None:
    await limit(api, type="Pod", max={"memory": "1Gi"})
    assert (await api("POST", PODS, pod("a"))).message == (
        'pods "a" is forbidden: maximum memory usage per Pod is 1Gi.  No limit is specified'
    )
    two = asking("a", limits={"memory": "600Mi"})
    two["spec"]["containers"].append({**two["spec"]["containers"][0], "name": "second"})
    assert (await api("POST", PODS, two)).message == (
        'pods "a" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 1200Mi'
    )


async def test_limits_are_not_too_far_above_requests(api: Api) -> None:
    await limit(api, type="Container", maxLimitRequestRatio={"cpu": "2"})
    refused = await api("POST", PODS, asking("a", requests={"cpu": "100m"}, limits={"cpu": "250m"}))
    assert refused.message == (
        'pods "a" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000'
    )
    assert (await api("POST", PODS, pod("a"))).message == (
        'pods "a" is forbidden: cpu max limit to request ratio per Container is 2,'
        " but no request is specified or request is 0"
    )


async def test_claims_keep_to_their_bounds(api: Api) -> None:
    await limit(api, type="PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"})
    small, big = await api("POST", CLAIMS, claim("a", "1Mi")), await api("POST", CLAIMS, claim("a", "3Gi"))
    start = 'persistentvolumeclaims "a" is forbidden: '
    assert small.message == start + "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"
    assert big.message == start + "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"
    assert (await api("POST", CLAIMS, claim("a", "2Gi"))).status == 201


async def test_a_range_holds_in_its_namespace_until_it_goes(api: Api) -> None:
    assert (await api("POST", PODS, pod("a"))).status == 201
    await limit(api, type="Pod", max={"cpu": "1"})
    assert (await api("POST", PODS, pod("b"))).status == 403
    assert (await api("POST", "/api/v1/namespaces/kube-system/pods", pod("b"))).status == 201
    await api("DELETE", f"{RANGES}/limits")
    assert (await api("POST", PODS, pod("b"))).status == 201


async def test_resizing_a_pod_keeps_to_the_bounds_too(api: Api) -> None:
    await api.create(PODS, asking("a", limits={"cpu": "1"}))
    await limit(api, type="Container", max={"cpu": "2"})
    more = {"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "3"}}}]}}
    assert (await api.patch(f"{PODS}/a/resize", more, "strategic")).status == 403
