"""Every verb of the workloads' resources, as upstream's conformance titles walk through them.

No controller runs: what is written must be what is read. The bodies are the smallest that are valid.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.client.client import WatchEvent
from wherry.testing.controllers import Cluster, ClusterFactory

LABELS = {"app": "conformance"}
_POD: Object = {"containers": [{"name": "main", "image": "app:1"}]}
_TEMPLATE: Object = {"metadata": {"labels": LABELS}, "spec": _POD}
_SELECTED: Object = {"selector": {"matchLabels": LABELS}, "template": _TEMPLATE}
_JOB: Object = {"template": {"spec": {**_POD, "restartPolicy": "Never"}}, "suspend": True}
_LIMITS: Object = {"limits": [{"type": "Container", "defaultRequest": {"cpu": "100m"}}]}

BODIES: dict[str, Object] = {
    "deployments.apps": {"spec": {**_SELECTED, "replicas": 1}},
    "replicasets.apps": {"spec": {**_SELECTED, "replicas": 1}},
    "statefulsets.apps": {"spec": {**_SELECTED, "replicas": 1, "serviceName": "s"}},
    "daemonsets.apps": {"spec": _SELECTED},
    "replicationcontrollers": {"spec": {"selector": LABELS, "template": _TEMPLATE, "replicas": 1}},
    "jobs.batch": {"spec": _JOB},
    "cronjobs.batch": {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": _JOB}}},
    "poddisruptionbudgets.policy": {"spec": {"selector": {"matchLabels": LABELS}, "minAvailable": 1}},
    "controllerrevisions.apps": {"revision": 1, "data": {"spec": {"template": _TEMPLATE}}},
    "limitranges": {"spec": _LIMITS},
    "priorityclasses.scheduling.k8s.io": {"value": 100},
}
NAMESPACED = sorted(set(BODIES) - {"priorityclasses.scheduling.k8s.io"})
STATUSES: dict[str, Object] = {
    "deployments.apps": {"conditions": [{"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "x"}]},
    "replicasets.apps": {"conditions": [{"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "x"}]},
    "statefulsets.apps": {"conditions": [{"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "x"}]},
    "daemonsets.apps": {"conditions": [{"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "x"}]},
    "replicationcontrollers": {"readyReplicas": 0, "availableReplicas": 0, "replicas": 0, "fullyLabeledReplicas": 0},
    "jobs.batch": {"startTime": "2026-01-01T00:00:00Z"},
    "cronjobs.batch": {"lastScheduleTime": "2026-01-01T00:00:00Z"},
    "poddisruptionbudgets.policy": {"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 2},
}
SCALED = ["deployments.apps", "replicasets.apps", "replicationcontrollers", "statefulsets.apps"]


def place(resource: str) -> dict[str, Any]:
    return {"namespace": "default" if resource in NAMESPACED else None}


def body(resource: str, name: str = "one") -> Object:
    metadata: Object = {"name": name, "labels": LABELS}
    return {"metadata": metadata | ({"namespace": "default"} if resource in NAMESPACED else {}), **BODIES[resource]}


async def watched(cluster: Cluster, resource: str, version: str, count: int) -> list[WatchEvent]:
    events = cluster.client.watch(
        resource, **place(resource), label_selector="app=conformance", resource_version=version, bookmarks=False
    )
    return [await asyncio.wait_for(anext(events), 10) for _ in range(count)]


@pytest.mark.parametrize("resource", sorted(BODIES))
async def test_every_verb(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await cluster_of()
    client, where = cluster.client, place(resource)
    version = (await client.list(resource, **where))["metadata"]["resourceVersion"]
    made = await client.create(resource, body(resource))
    assert (await client.get(resource, "one", **where))["metadata"]["uid"] == made["metadata"]["uid"]
    assert [o["metadata"]["name"] for o in (await client.list(resource, label_selector="app=conformance"))["items"]]
    patch = {"metadata": {"annotations": {"patched": "true"}}}
    patched = await client.patch(resource, "one", patch, **where)
    assert patched["metadata"]["annotations"]["patched"] == "true"
    patched["metadata"]["annotations"]["updated"] = "true"
    updated = await client.update(resource, patched)
    assert updated["metadata"]["annotations"]["updated"] == "true"
    await client.delete(resource, "one", **where, propagation_policy="Background")
    with pytest.raises(NotFound):
        await client.get(resource, "one", **where)
    seen = await watched(cluster, resource, version, 4)
    assert [event.type for event in seen] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]


@pytest.mark.parametrize("resource", sorted(BODIES))
async def test_collections_are_listed_and_deleted(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await cluster_of()
    client, where = cluster.client, place(resource)
    for name in ("one", "two", "three"):
        await client.create(resource, body(resource, name))
    other = body(resource, "other")
    other["metadata"] = {**other["metadata"], "labels": {"app": "other"}}
    await client.create(resource, other)
    patch = {"metadata": {"labels": {"app": "patched"}}}
    await client.patch(resource, "three", patch, **where)
    everywhere = await client.list(resource, label_selector="app=conformance")
    assert [found["metadata"]["name"] for found in everywhere["items"]] == ["one", "two"]
    await client.delete_collection(
        resource, **where, label_selector="app in (conformance, patched)", propagation_policy="Background"
    )
    left = (await client.list(resource, label_selector="app"))["items"]
    assert [found["metadata"]["name"] for found in left] == ["other"]


@pytest.mark.parametrize("resource", sorted(STATUSES))
async def test_status_is_read_updated_and_patched(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await cluster_of()
    client, where = cluster.client, place(resource)
    await client.create(resource, body(resource))
    read = await client.get(resource, "one", **where, subresource="status")
    assert read["metadata"]["name"] == "one"
    spec = read["spec"]
    wanted = {**(read.get("status") or {}), **STATUSES[resource]}
    updated = await client.update(resource, {**read, "status": wanted, "spec": {}}, subresource="status")
    assert updated["status"].items() >= STATUSES[resource].items()
    assert updated["spec"] == spec, "a status write leaves the spec alone"
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": STATUSES[resource]}
    patched = await client.patch(resource, "one", patch, **where, subresource="status")
    assert patched["metadata"]["annotations"]["patchedstatus"] == "true"
    found = await client.get(resource, "one", **where)
    assert found["status"].items() >= STATUSES[resource].items()
    ignored = await client.patch(resource, "one", {"status": None}, **where)
    assert ignored["status"] == found["status"], "a write of the object leaves the status alone"


@pytest.mark.parametrize("resource", SCALED)
async def test_scale_is_read_updated_and_patched(cluster_of: ClusterFactory, resource: str) -> None:
    cluster = await cluster_of()
    client, where = cluster.client, place(resource)
    await client.create(resource, body(resource))
    scale = await client.get(resource, "one", **where, subresource="scale")
    assert (scale["kind"], scale["apiVersion"], scale["spec"]["replicas"]) == ("Scale", "autoscaling/v1", 1)
    await client.update(resource, {**scale, "spec": {"replicas": 2}}, subresource="scale")
    assert (await client.get(resource, "one", **where))["spec"]["replicas"] == 2
    patched = await client.patch(resource, "one", {"spec": {"replicas": 4}}, **where, subresource="scale")
    assert patched["spec"]["replicas"] == 4
    assert (await client.get(resource, "one", **where))["spec"]["replicas"] == 4
