"""A client of `autoscaling/v1` that reads an autoscaler and writes it back loses nothing of what `v2` says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from wherry.testing.http import Api

V1, V2 = (f"/apis/autoscaling/{version}/namespaces/default/horizontalpodautoscalers" for version in ("v1", "v2"))
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
OTHERS: list[dict[str, Any]] = [
    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
    {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app", "target": {"type": "Utilization", "averageUtilization": 50}}},
    {"type": "Pods", "pods": {"metric": {"name": "rps", "selector": {"matchLabels": {"a": "b"}}}, "target": {"type": "AverageValue", "averageValue": "10"}}},
    {"type": "Object", "object": {"describedObject": {"apiVersion": "v1", "kind": "Service", "name": "s"}, "metric": {"name": "hits"}, "target": {"type": "Value", "value": "2k"}}},
    {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}}},
]  # fmt: skip


def autoscaler(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"maxReplicas": 5, "scaleTargetRef": TARGET, **spec}}


async def test_what_v1_has_no_field_for_survives_a_round_trip(api: Api) -> None:
    made = await api.create(
        V2, autoscaler(metrics=[*OTHERS, CPU], behavior={"scaleDown": {"stabilizationWindowSeconds": 60}})
    )
    old = (await api("GET", f"{V1}/a")).body
    assert old["spec"] == {
        "minReplicas": 1,
        "maxReplicas": 5,
        "scaleTargetRef": TARGET,
        "targetCPUUtilizationPercentage": 70,
    }
    assert set(old["metadata"]["annotations"]) == {
        f"autoscaling.alpha.kubernetes.io/{name}" for name in ("metrics", "behavior")
    }
    metrics = orjson.loads(old["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"])
    assert metrics[0] == {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}}
    old["spec"]["targetCPUUtilizationPercentage"] = 80
    assert (await api("PUT", f"{V1}/a", old)).status == 200
    new = (await api("GET", f"{V2}/a")).body
    expected = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    assert new["spec"]["metrics"] == [*OTHERS, {"type": "Resource", "resource": expected}]
    assert new["spec"]["behavior"] == made["spec"]["behavior"]
    assert "annotations" not in new["metadata"]


async def test_the_state_of_all_metrics_is_shown_to_clients_of_v1(api: Api) -> None:
    made = await api.create(V2, autoscaler(metrics=[CPU]))
    conditions = [{"type": "AbleToScale", "status": "True", "reason": "r", "message": "m"}]
    current = [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12, "averageValue": "5m"}}}
    ]
    status = {"currentReplicas": 2, "desiredReplicas": 2, "conditions": conditions, "currentMetrics": current}
    assert (await api("PUT", f"{V2}/a/status", {**made, "status": status})).status == 200
    old = (await api("GET", f"{V1}/a")).body
    assert old["status"] == {"currentReplicas": 2, "desiredReplicas": 2, "currentCPUUtilizationPercentage": 12}
    notes = old["metadata"]["annotations"]
    assert orjson.loads(notes["autoscaling.alpha.kubernetes.io/conditions"]) == conditions
    source = {"name": "cpu", "currentAverageUtilization": 12, "currentAverageValue": "5m"}
    assert orjson.loads(notes["autoscaling.alpha.kubernetes.io/current-metrics"]) == [
        {"type": "Resource", "resource": source}
    ]
    assert (await api("PUT", f"{V1}/a/status", old)).status == 200
    assert (await api("GET", f"{V2}/a")).body["status"] == status


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics", "{"),
        ("metrics", "[1]"),
        ("behavior", "[]"),
        ("conditions", '"x"'),
        ("metrics", '[{"type":"Resource","resource":{"name":1}}]'),
    ],
)
async def test_annotations_that_are_no_metrics_are_refused(api: Api, name: str, text: str) -> None:
    body = autoscaler(targetCPUUtilizationPercentage=5)
    body["metadata"]["annotations"] = {f"autoscaling.alpha.kubernetes.io/{name}": text}
    answer = await api("POST", V1, body)
    assert answer.status == 400 and "autoscaling.alpha.kubernetes.io/" in answer.message


async def test_an_autoscaler_of_v1_without_a_target_gets_the_default_one(api: Api) -> None:
    made = await api.create(V1, autoscaler())
    assert made["apiVersion"] == "autoscaling/v1"
    assert (await api("GET", f"{V2}/a")).body["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
