"""Namespaces, as upstream's conformance titles drive them."""

from __future__ import annotations

import pytest

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.testing.controllers import Cluster, ClusterFactory

NS = "namespaces"
FINALIZER = "e2e.example.com/fake-finalizer"


async def namespace(cluster: Cluster, name: str = "ns") -> Object:
    return await cluster.client.create(NS, {"metadata": {"name": name}})


def things(name: str) -> list[tuple[str, Object]]:
    pod = {"nodeName": "node-1", "containers": [{"name": "main", "image": "x"}]}
    return [
        ("pods", {"metadata": {"name": "thing", "namespace": name}, "spec": pod}),
        ("services", {"metadata": {"name": "thing", "namespace": name}, "spec": {"ports": [{"port": 80}]}}),
    ]


@pytest.mark.parametrize("kind", [0, 1], ids=["pods", "services"])
async def test_nothing_is_left_when_it_comes_again(cluster_of: ClusterFactory, kind: int) -> None:
    cluster = await cluster_of("namespace")
    await namespace(cluster)
    resource, body = things("ns")[kind]
    await cluster.client.create(resource, body)
    await cluster.settle(2)
    await cluster.client.delete(NS, "ns")
    await cluster.settle(30)
    assert not await cluster.exists(NS, "ns", "")
    await namespace(cluster)
    assert await cluster.all(resource, "ns") == []


async def test_metadata_and_status_are_written(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("namespace")
    await namespace(cluster)
    patched = await cluster.client.patch(NS, "ns", {"metadata": {"labels": {"testLabel": "testValue"}}})
    assert patched["metadata"]["labels"] == {"kubernetes.io/metadata.name": "ns", "testLabel": "testValue"}
    patched["metadata"]["labels"]["updated"] = "yes"
    updated = await cluster.client.update(NS, patched)
    assert updated["metadata"]["labels"]["updated"] == "yes"
    condition = {
        "type": "StatusPatch",
        "status": "True",
        "lastTransitionTime": rfc3339(cluster.clock.now()),
        "reason": "E2E",
        "message": "Patched by an e2e test",
    }
    await cluster.client.patch(NS, "ns", {"status": {"conditions": [condition]}}, subresource="status")
    found = await cluster.client.get(NS, "ns", subresource="status")
    assert found["status"]["conditions"] == [condition]
    found["status"]["conditions"][0] |= {"type": "StatusUpdate"}
    written = await cluster.client.update(NS, found, subresource="status")
    assert [c["type"] for c in written["status"]["conditions"]] == ["StatusUpdate"]
    assert written["status"]["phase"] == "Active"


async def test_a_finalizer_of_others_holds_it(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("namespace")
    made = await namespace(cluster)
    finalizers = [*made["spec"]["finalizers"], FINALIZER]
    changed = {**made, "spec": {"finalizers": finalizers}}
    found = await cluster.client.update(NS, changed, subresource="finalize")
    assert found["spec"]["finalizers"] == ["kubernetes", FINALIZER]
    await cluster.client.delete(NS, "ns")
    await cluster.settle(30)
    held = await cluster.client.get(NS, "ns")
    assert (held["spec"]["finalizers"], held["status"]["phase"]) == ([FINALIZER], "Terminating")
    await cluster.client.update(NS, {**held, "spec": {"finalizers": []}}, subresource="finalize")
    assert not await cluster.exists(NS, "ns", "")
