"""Pods with devices, on a node without drivers."""

from __future__ import annotations

from wherry.testing.nodes import TestNode
from wherry.testing.pods import container, pod

CLAIMS = "resourceclaims.resource.k8s.io"


async def test_a_pod_with_devices_waits_and_says_for_which_driver(node: TestNode) -> None:
    asked = {"name": "r", "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1}}
    claim = {"metadata": {"name": "x", "namespace": "default"}, "spec": {"devices": {"requests": [asked]}}}
    made = await node.client.create(CLAIMS, claim)
    result = {"request": "r", "driver": "gpu.example.org", "pool": "node-1", "device": "g0"}
    status = {"allocation": {"devices": {"results": [result]}}}
    await node.client.update(CLAIMS, {**made, "status": status}, subresource="status")
    found = await node.run_pod(pod(container("a"), resourceClaims=[{"name": "c", "resourceClaimName": "x"}]))
    assert found["status"]["phase"] == "Pending"
    text = (
        "Failed to prepare dynamic resources: prepare dynamic resources: DRA driver gpu.example.org is not registered"
    )
    assert await node.events("FailedPrepareDynamicResources") == [text]
