"""Autoscalers against the API server, with figures that the tests set."""

from __future__ import annotations

import orjson
from tests.unit.controllers.autoscaler.figures import (
    autoscaled,
    autoscaler,
    condition,
    cpu,
    replicas,
    scale,
    seen,
)

from wherry.api.errors import Forbidden
from wherry.api.resources import Resource
from wherry.api.types import Object

HPAS = "horizontalpodautoscalers.autoscaling"


async def test_scales_up_to_what_the_figures_ask_for_and_says_so() -> None:
    async with autoscaled() as (cluster, _):
        found = await scale(cluster, cpu(50))
        assert await replicas(cluster) == 4
        status = found["status"]
        assert (status["currentReplicas"], status["desiredReplicas"]) == (2, 4)
        current = {"averageUtilization": 100, "averageValue": "100m"}
        assert status["currentMetrics"] == [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]
        assert "lastScaleTime" in status
        assert condition(found, "AbleToScale") == (
            "True",
            "SucceededRescale",
            "the HPA controller was able to update the target scale to 4",
        )
        assert condition(found, "ScalingActive") == (
            "True",
            "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from cpu resource utilization "
            "(percentage of request)",
        )
        assert condition(found, "ScalingLimited")[:2] == ("False", "DesiredWithinRange")
        message = "New size: 4; reason: cpu resource utilization (percentage of request) above target"
        assert ("SuccessfulRescale", message) in await cluster.events("web")


async def test_looks_every_fifteen_seconds_and_scales_down_after_five_minutes() -> None:
    async with autoscaled(replicas=4) as (cluster, figures):
        figures.default = "10m"
        await scale(cluster, cpu(50), seconds=30)
        found = await seen(cluster)
        assert condition(found, "AbleToScale")[:2] == ("True", "ScaleDownStabilized")
        assert await replicas(cluster) == 4
        asked = len(figures.asked)
        await cluster.settle(150)
        assert len(figures.asked) - asked == 10
        assert await replicas(cluster) == 4
        await cluster.settle(150)
        assert await replicas(cluster) == 1
        assert ("SuccessfulRescale", "New size: 1; reason: All metrics below target") in await cluster.events("web")


async def test_the_range_comes_first() -> None:
    async with autoscaled(replicas=6) as (cluster, _):
        found = await scale(cluster, cpu(), least=1, most=3)
        assert await replicas(cluster) == 3
        assert found["status"]["desiredReplicas"] == 3
        reason = "Current number of replicas above Spec.MaxReplicas"
        assert ("SuccessfulRescale", f"New size: 3; reason: {reason}") in await cluster.events("web")
        await cluster.patch(HPAS, "web", {"spec": {"minReplicas": 5, "maxReplicas": 9}})
        await cluster.settle(16)
        assert await replicas(cluster) == 5


async def test_none_at_all_means_switched_off() -> None:
    async with autoscaled(replicas=0) as (cluster, _):
        found = await scale(cluster, cpu())
        assert condition(found, "ScalingActive") == (
            "False",
            "ScalingDisabled",
            "scaling is disabled since the replica count of the target is zero",
        )
        assert await replicas(cluster) == 0


async def test_pods_that_do_not_say_what_they_ask_for() -> None:
    async with autoscaled(request=None) as (cluster, _):
        found = await scale(cluster, cpu())
        pod = (await cluster.pods())[0]["metadata"]["name"]
        status, reason, message = condition(found, "ScalingActive")
        assert (status, reason) == ("False", "FailedGetResourceMetric")
        begin = (
            "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu"
        )
        assert message.startswith(f"{begin} in container main of Pod web-")
        events = dict(await cluster.events("web"))
        assert events["FailedGetResourceMetric"].startswith("failed to get cpu utilization: missing request for cpu")
        assert events["FailedComputeMetricsReplicas"].startswith(
            "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to "
            "get cpu utilization: missing request"
        )
        assert pod.startswith("web-")
        assert await replicas(cluster) == 2


async def test_no_figures_at_all() -> None:
    async with autoscaled() as (cluster, figures):
        figures.default = None
        found = await scale(cluster, cpu())
        assert condition(found, "ScalingActive")[2] == (
            "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for "
            "resource cpu: no metrics returned from resource metrics API"
        )
        assert found["status"]["currentReplicas"] == 2


async def test_one_pod_without_figures_makes_it_cautious() -> None:
    async with autoscaled(replicas=3) as (cluster, figures):
        missing = (await cluster.pods())[0]["metadata"]["name"]
        figures.cpu[missing] = None
        figures.default = "95m"
        await scale(cluster, cpu(50))
        assert await replicas(cluster) == 4  # not ceil(1.9 * 3)


async def test_a_target_that_is_not_there() -> None:
    async with autoscaled() as (cluster, _):
        found = await scale(cluster, cpu(), target={"apiVersion": "apps/v1", "kind": "Deployment", "name": "no"})
        assert condition(found, "AbleToScale") == (
            "False",
            "FailedGetScale",
            'the HPA controller was unable to get the target\'s current scale: deployments.apps "no" not found',
        )
        assert ("FailedGetScale", 'deployments.apps "no" not found') in await cluster.events("web")
        await cluster.patch(HPAS, "web", {"spec": {"scaleTargetRef": {"kind": "Nonsense"}}})
        await cluster.settle(16)
        assert condition(await seen(cluster), "AbleToScale")[2].endswith(
            'no matches for kind "Nonsense" in group "apps"'
        )


async def test_two_autoscalers_for_the_same_pods() -> None:
    async with autoscaled() as (cluster, figures):
        figures.default = "50m"
        await scale(cluster, cpu())
        other = autoscaler(cpu())
        other["metadata"]["name"] = "web2"
        await cluster.client.create(HPAS, other)
        await cluster.settle(32)
        expected = "pods by selector app=web are controlled by multiple HPAs: [default/web default/web2]"
        assert condition(await seen(cluster), "ScalingActive") == ("False", "AmbiguousSelector", expected)
        await cluster.client.delete(HPAS, "web2", namespace="default")
        await cluster.settle(16)
        assert condition(await seen(cluster), "ScalingActive")[1] == "ValidMetricFound"


async def test_average_values_and_containers() -> None:
    async with autoscaled() as (cluster, figures):
        figures.containers = ("main", "side")
        raw = {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "32Mi"}},
        }
        found = await scale(cluster, raw)
        assert await replicas(cluster) == 4  # 128Mi each, four times the target, but doubling is the most
        assert found["status"]["currentMetrics"][0]["resource"]["current"] == {"averageValue": "134217728"}
        assert condition(found, "ScalingLimited")[:2] == ("True", "ScaleUpLimit")


async def test_one_container_counts() -> None:
    async with autoscaled() as (cluster, figures):
        figures.containers = ("main", "side")
        target = {"type": "Utilization", "averageUtilization": 25}
        metric = {
            "type": "ContainerResource",
            "containerResource": {"name": "cpu", "container": "main", "target": target},
        }
        found = await scale(cluster, metric, most=6)
        assert await replicas(cluster) == 4
        status = found["status"]["currentMetrics"][0]["containerResource"]
        assert (status["container"], status["current"]["averageUtilization"]) == ("main", 100)
        await cluster.patch(
            HPAS,
            "web",
            {"spec": {"metrics": [{**metric, "containerResource": {**metric["containerResource"], "container": "x"}}]}},
        )
        await cluster.settle(16)
        found = await seen(cluster)
        assert condition(found, "ScalingActive")[1] == "FailedGetContainerResourceMetric"
        assert "container x not present in metrics for pod default/web-" in condition(found, "ScalingActive")[2]


def custom(kind: str, field: str, target: Object, **more: Object) -> Object:
    return {"type": kind, field: {"metric": {"name": "rate"}, "target": target, **more}}


async def test_custom_metrics_of_pods() -> None:
    async with autoscaled() as (cluster, figures):
        figures.per_pod = {pod["metadata"]["name"]: "15" for pod in await cluster.pods()}
        metric = custom("Pods", "pods", {"type": "AverageValue", "averageValue": "10"})
        found = await scale(cluster, metric)
        assert await replicas(cluster) == 3
        assert found["status"]["currentMetrics"][0]["pods"] == {
            "metric": {"name": "rate"},
            "current": {"averageValue": "15"},
        }
        assert figures.asked == [
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/rate?labelSelector=app%3Dweb"
        ]


async def test_custom_metrics_of_objects() -> None:
    async with autoscaled() as (cluster, figures):
        figures.values["namespaces/default/services/front/rate"] = "30"
        described = {"apiVersion": "v1", "kind": "Service", "name": "front"}
        metric = custom("Object", "object", {"type": "Value", "value": "10"}, describedObject=described)
        found = await scale(cluster, metric)
        assert await replicas(cluster) == 4  # three times two, held back to twice
        status = found["status"]["currentMetrics"][0]["object"]
        assert (status["current"], status["describedObject"]) == ({"value": "30"}, described)
        figures.values.clear()
        await cluster.settle(15)
        found = await seen(cluster)
        assert condition(found, "ScalingActive")[1] == "FailedGetObjectMetric"
        assert condition(found, "ScalingActive")[2].startswith(
            "the HPA was unable to compute the replica count: unable to get metric rate: Service default/front unable to "
            "fetch metrics from custom metrics API: "
        )


async def test_external_metrics() -> None:
    async with autoscaled() as (cluster, figures):
        figures.values["namespaces/default/rate"] = "45"
        found = await scale(cluster, custom("External", "external", {"type": "AverageValue", "averageValue": "15"}))
        assert await replicas(cluster) == 3
        assert found["status"]["currentMetrics"][0]["external"]["current"] == {"averageValue": "22500m"}
        assert "external metric rate(nil)" in condition(found, "ScalingActive")[2]


async def test_the_greatest_counts_and_a_lost_metric_stops_scaling_down_only() -> None:
    async with autoscaled(replicas=4) as (cluster, figures):
        figures.default = "10m"
        lost = custom("External", "external", {"type": "Value", "value": "1"})
        found = await scale(cluster, cpu(50), lost, seconds=400)
        assert await replicas(cluster) == 4
        assert condition(found, "ScalingActive")[1] == "FailedGetExternalMetric"
        assert found["status"]["currentMetrics"][1] == {"type": ""}
        figures.default = "90m"
        await cluster.settle(16)
        assert await replicas(cluster) == 8
        assert condition(await seen(cluster), "ScalingActive")[1] == "ValidMetricFound"


async def test_policies_and_windows_over_time() -> None:
    async with autoscaled() as (cluster, figures):
        behavior = {
            "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]},
            "scaleDown": {
                "stabilizationWindowSeconds": 30,
                "policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}],
            },
        }
        found = await scale(cluster, cpu(10), behavior=behavior)
        assert await replicas(cluster) == 3
        assert condition(found, "ScalingLimited")[:2] == ("True", "ScaleUpLimit")
        await cluster.settle(45)
        assert await replicas(cluster) == 3
        await cluster.settle(130)
        assert await replicas(cluster) == 5
        figures.default = "1m"
        await cluster.settle(46)
        assert await replicas(cluster) == 3
        await cluster.settle(75)
        assert await replicas(cluster) == 1


async def test_its_own_tolerance() -> None:
    async with autoscaled() as (cluster, figures):
        figures.default = "60m"
        await scale(cluster, cpu(50), behavior={"scaleUp": {"tolerance": "0.3"}})
        assert await replicas(cluster) == 2
        await cluster.patch(HPAS, "web", {"spec": {"behavior": {"scaleUp": {"tolerance": "50m"}}}})
        await cluster.settle(16)
        assert await replicas(cluster) == 3


async def test_a_target_that_refuses() -> None:
    async with autoscaled() as (cluster, _):
        cluster.faults.refuse = lambda method, path: (
            Forbidden("no") if (method, path[-6:]) == ("PUT", "/scale") else None
        )
        found = await scale(cluster, cpu(50))
        assert condition(found, "AbleToScale") == (
            "False",
            "FailedUpdateScale",
            "the HPA controller was unable to update the target scale: no",
        )
        text = "New size: 4; reason: cpu resource utilization (percentage of request) above target; error: no"
        assert ("FailedRescale", text) in await cluster.events("web")


async def test_custom_resources_with_a_scale() -> None:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    paths = {
        "specReplicasPath": ".spec.size",
        "statusReplicasPath": ".status.size",
        "labelSelectorPath": ".status.pods",
    }
    definition = {
        "metadata": {"name": "boats.sea.example.com"},
        "spec": {
            "group": "sea.example.com",
            "scope": "Namespaced",
            "names": {"plural": "boats", "kind": "Boat"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"scale": paths}}
            ],
        },
    }
    async with autoscaled() as (cluster, figures):
        await cluster.client.create("customresourcedefinitions.apiextensions.k8s.io", definition)
        await cluster.settle(2)
        boat = {
            "apiVersion": "sea.example.com/v1",
            "kind": "Boat",
            "metadata": {"name": "b"},
            "spec": {"size": 2},
            "status": {"size": 2, "pods": "app=web"},
        }
        boats = Resource("sea.example.com", "v1", "boats", "Boat")
        await cluster.client.create(boats, boat, namespace="default")
        await scale(cluster, cpu(50), target={"apiVersion": "sea.example.com/v1", "kind": "Boat", "name": "b"})
        assert (await cluster.client.get(boats, "b", namespace="default"))["spec"]["size"] == 4
        assert figures.asked


async def test_version_one_sees_the_same() -> None:
    async with autoscaled() as (cluster, _):
        await scale(cluster, cpu(50))
        path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/web"
        answer = await cluster.client.raw("GET", path)
        old = orjson.loads(answer.body if isinstance(answer.body, bytes) else b"".join(answer.body))
        assert (old["spec"]["targetCPUUtilizationPercentage"], old["status"]["currentCPUUtilizationPercentage"]) == (
            50,
            100,
        )
        assert "ValidMetricFound" in old["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/conditions"]
