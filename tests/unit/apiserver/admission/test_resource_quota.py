"""Resource quotas over HTTP, without the controller: the tests say what is used."""

from __future__ import annotations

import asyncio
from typing import Any

from wherry.testing.http import Answer, Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod

QUOTAS = "/api/v1/namespaces/default/resourcequotas"
SERVICES = "/api/v1/namespaces/default/services"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


async def quota(api: Api, hard: dict[str, str], *, name: str = "q", **spec: Any) -> None:
    await api.create(QUOTAS, {"metadata": {"name": name}, "spec": {"hard": hard, **spec}})
    status = {"hard": hard, "used": dict.fromkeys(hard, "0")}
    assert (await api.patch(f"{QUOTAS}/{name}/status", {"status": status})).status == 200


async def used(api: Api, name: str = "q") -> dict[str, str]:
    return (await api("GET", f"{QUOTAS}/{name}")).body["status"]["used"]


def asking(name: str, **resources: Any) -> dict[str, Any]:
    made = pod(name)
    made["spec"]["containers"][0]["resources"] = resources
    return made


async def test_pods_are_charged_until_nothing_is_left(api: Api) -> None:
    await quota(api, {"pods": "2"})
    for name in ("a", "b"):
        await api.create(PODS, pod(name))
    refused = await api("POST", PODS, pod("c"))
    assert (refused.status, refused.reason) == (403, "Forbidden")
    assert refused.message == (
        'pods "c" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
    )
    assert await used(api) == {"pods": "2"}
    assert (await api("POST", "/api/v1/namespaces/kube-system/pods", pod("c"))).status == 201


async def test_parallel_creates_never_use_more_than_there_is(api: Api) -> None:
    await quota(api, {"pods": "7"})
    await quota(api, {"count/pods": "5"}, name="r")
    answers: list[Answer] = await asyncio.gather(*(api("POST", PODS, pod(f"p{n}")) for n in range(20)))
    assert sorted(answer.status for answer in answers) == [201] * 5 + [403] * 15
    assert (await used(api), await used(api, "r")) == ({"pods": "5"}, {"count/pods": "5"})


async def test_compute_resources_are_charged_and_must_be_stated(api: Api) -> None:
    await quota(api, {"requests.cpu": "1", "limits.cpu": "2", "memory": "1Gi"})
    silent = await api("POST", PODS, asking("a", requests={"memory": "1Mi"}))
    assert silent.message == (
        'pods "a" is forbidden: failed quota: q: must specify limits.cpu for: main; requests.cpu for: main'
    )
    await api.create(PODS, asking("a", requests={"cpu": "600m", "memory": "1Mi"}, limits={"cpu": "1"}))
    assert await used(api) == {"limits.cpu": "1", "memory": "1Mi", "requests.cpu": "600m"}
    more = await api("POST", PODS, asking("b", requests={"cpu": "500m", "memory": "2Gi"}, limits={"cpu": "1"}))
    assert more.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: memory=2Gi,requests.cpu=500m,'
        " used: memory=1Mi,requests.cpu=600m, limited: memory=1Gi,requests.cpu=1"
    )


async def test_objects_of_any_kind_are_counted(api: Api) -> None:
    await quota(api, {"configmaps": "1", "count/deployments.apps": "0"})
    await api.create(MAPS, config_map("a"))
    assert "exceeded quota: q, requested: configmaps=1" in (await api("POST", MAPS, config_map("b"))).message
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    deployment = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    assert (await api("POST", "/apis/apps/v1/namespaces/default/deployments", deployment)).message == (
        'deployments.apps "d" is forbidden: exceeded quota: q, requested: count/deployments.apps=1,'
        " used: count/deployments.apps=0, limited: count/deployments.apps=0"
    )


async def test_services_are_charged_for_node_ports_when_they_change_too(api: Api) -> None:
    await quota(api, {"services": "2", "services.nodeports": "1", "services.loadbalancers": "0"})
    ports = [{"name": name, "port": port} for name, port in (("a", 80), ("b", 81))]
    await api.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": ports}})
    refused = await api.patch(f"{SERVICES}/s", {"spec": {"type": "NodePort"}})
    assert refused.message == (
        'services "s" is forbidden: exceeded quota: q, requested: services.nodeports=2,'
        " used: services.nodeports=0, limited: services.nodeports=1"
    )
    one = await api.patch(f"{SERVICES}/s", {"spec": {"type": "NodePort", "ports": ports[:1]}})
    assert one.status == 200
    assert await used(api) == {"services": "1", "services.loadbalancers": "0", "services.nodeports": "1"}


async def test_claims_are_charged_for_storage_also_by_class(api: Api) -> None:
    gold = "gold.storageclass.storage.k8s.io/requests.storage"
    await quota(api, {"requests.storage": "10Gi", gold: "1Gi", "persistentvolumeclaims": "5"})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "4Gi"}}}
    await api.create(CLAIMS, {"metadata": {"name": "a"}, "spec": {**spec, "storageClassName": "silver"}})
    refused = await api("POST", CLAIMS, {"metadata": {"name": "b"}, "spec": {**spec, "storageClassName": "gold"}})
    assert f"exceeded quota: q, requested: {gold}=4Gi, used: {gold}=0, limited: {gold}=1Gi" in refused.message
    assert await used(api) == {gold: "0", "persistentvolumeclaims": "1", "requests.storage": "4Gi"}


async def test_scopes_choose_the_pods(api: Api) -> None:
    await quota(api, {"pods": "0"}, name="best-effort", scopes=["BestEffort"])
    high = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}
    await quota(api, {"pods": "0"}, name="high", scopeSelector=high)
    assert "exceeded quota: best-effort" in (await api("POST", PODS, pod("a"))).message
    assert (await api("POST", PODS, asking("a", requests={"cpu": "1"}))).status == 201
    await api.create("/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "high"}, "value": 5})
    urgent = asking("b", requests={"cpu": "1"})
    urgent["spec"]["priorityClassName"] = "high"
    assert "exceeded quota: high" in (await api("POST", PODS, urgent)).message


async def test_what_fails_gives_back_what_it_was_charged_and_a_dry_run_takes_nothing(api: Api) -> None:
    await quota(api, {"pods": "3"})
    await api.create(PODS, pod("a"))
    assert (await api("POST", PODS, pod("a"))).status == 409
    await asyncio.sleep(0)
    assert (await api("POST", f"{PODS}?dryRun=All", pod("b"))).status == 201
    for _ in range(5):
        await asyncio.sleep(0)
    assert await used(api) == {"pods": "1"}


async def test_a_quota_nobody_has_counted_yet_lets_nothing_in(api: Api) -> None:
    await api.create(QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}})
    await api.patch(f"{QUOTAS}/q/status", {"status": {"hard": {"pods": "1"}}})
    assert (await api("POST", PODS, pod("a"))).message == (
        'pods "a" is forbidden: status unknown for quota: q, resources: pods'
    )


async def test_generated_names_are_charged_once(api: Api) -> None:
    await quota(api, {"pods": "1"})
    unnamed = pod("x")
    unnamed["metadata"] = {"generateName": "p-"}
    assert (await api("POST", PODS, unnamed)).status == 201
    assert (await api("POST", PODS, unnamed)).status == 403
