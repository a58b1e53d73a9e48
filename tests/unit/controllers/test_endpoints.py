"""Endpoints and EndpointSlices against the real API server."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.controllers.endpoints import slices
from wherry.testing.controllers import Cluster, ClusterFactory, workload

SLICES, SETS = "endpointslices.discovery.k8s.io", "replicasets.apps"


async def service(cluster: Cluster, name: str = "web", **spec: Any) -> None:
    body = {
        "metadata": {"name": name, "namespace": "default", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }
    await cluster.client.create("services", body)
    await cluster.settle()


async def slices_of(cluster: Cluster, name: str = "web") -> list[Object]:
    return await cluster.all(SLICES, label_selector=f"kubernetes.io/service-name={name}")


async def start(cluster_of: ClusterFactory, replicas: int = 3, **pod_spec: Any) -> Cluster:
    cluster = await cluster_of("replicaset", "endpoints", "endpointslice", "endpointslicemirroring")
    body = workload("web", replicas)
    body["spec"]["template"]["spec"].update(pod_spec)
    await cluster.client.create(SETS, body)
    await cluster.settle()
    return cluster


async def test_a_slice_has_the_ready_pods(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await service(cluster)
    (found,) = await slices_of(cluster)
    assert found["metadata"]["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert found["addressType"] == "IPv4"
    assert found["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
    assert [e["conditions"] for e in found["endpoints"]] == [{"ready": True, "serving": True, "terminating": False}] * 3
    pods = {pod["status"]["podIP"]: pod["metadata"]["name"] for pod in await cluster.pods()}
    assert {e["addresses"][0]: e["targetRef"]["name"] for e in found["endpoints"]} == pods
    assert {e["nodeName"] for e in found["endpoints"]} == {"node-1"}
    endpoints = await cluster.get("endpoints", "web")
    (subset,) = endpoints["subsets"]
    assert sorted(a["ip"] for a in subset["addresses"]) == sorted(pods)
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]


async def test_pods_that_are_not_ready_or_go_are_marked(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await service(cluster)
    first, second, _ = await cluster.pods()
    cluster.kubelet.ready = lambda pod: pod["metadata"]["name"] != first["metadata"]["name"]
    cluster.kubelet.removes = lambda pod: False
    cluster.kubelet.look_again()
    await cluster.client.delete("pods", second["metadata"]["name"], namespace="default")
    await cluster.settle()
    (found,) = await slices_of(cluster)
    by_name = {e["targetRef"]["name"]: e["conditions"] for e in found["endpoints"]}
    assert by_name[first["metadata"]["name"]] == {"ready": False, "serving": False, "terminating": False}
    assert by_name[second["metadata"]["name"]] == {"ready": False, "serving": True, "terminating": True}
    (subset,) = (await cluster.get("endpoints", "web"))["subsets"]
    assert [a["ip"] for a in subset["notReadyAddresses"]] == [first["status"]["podIP"]]
    assert second["status"]["podIP"] not in [a["ip"] for a in subset["addresses"]]
    cluster.kubelet.removes = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle()
    (found,) = await slices_of(cluster)
    assert second["metadata"]["name"] not in [e["targetRef"]["name"] for e in found["endpoints"]]


async def test_named_ports_are_looked_up_in_each_pod(cluster_of: ClusterFactory) -> None:
    container = {"name": "main", "image": "x", "ports": [{"name": "http", "containerPort": 9000}]}
    cluster = await start(cluster_of, containers=[container])
    await service(
        cluster,
        ports=[{"name": "web", "port": 80, "targetPort": "http"}, {"name": "no", "port": 81, "targetPort": "missing"}],
    )
    (found,) = await slices_of(cluster)
    assert found["ports"] == [{"name": "web", "port": 9000, "protocol": "TCP"}]


async def test_headless_services_carry_host_names(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=1, hostname="h", subdomain="web")
    await service(cluster, clusterIP="None")
    (found,) = await slices_of(cluster)
    assert found["endpoints"][0]["hostname"] == "h"
    assert found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    endpoints = await cluster.get("endpoints", "web")
    assert endpoints["subsets"][0]["addresses"][0]["hostname"] == "h"
    assert endpoints["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


async def test_a_service_without_pods_has_an_empty_slice(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=0)
    await service(cluster)
    (found,) = await slices_of(cluster)
    assert not found["endpoints"]
    name = found["metadata"]["name"]
    await cluster.patch(SETS, "web", {"spec": {"replicas": 2}})
    await cluster.settle()
    found = next(s for s in await slices_of(cluster) if s["endpoints"])
    assert len(found["endpoints"]) == 2
    await cluster.patch(SETS, "web", {"spec": {"replicas": 0}})
    await cluster.settle()
    (found,) = await slices_of(cluster)
    assert not found["endpoints"], name


async def test_not_ready_pods_are_published_where_asked(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=0)
    cluster.kubelet.ready = lambda pod: False
    await cluster.patch(SETS, "web", {"spec": {"replicas": 1}})
    await service(cluster, publishNotReadyAddresses=True)
    found = next(s for s in await slices_of(cluster) if s["endpoints"])
    assert found["endpoints"][0]["conditions"] == {"ready": True, "serving": False, "terminating": False}
    assert "notReadyAddresses" not in (await cluster.get("endpoints", "web"))["subsets"][0]


async def test_many_pods_fill_slices_of_a_hundred(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=230)
    await service(cluster)
    assert sorted(len(s["endpoints"]) for s in await slices_of(cluster)) == [30, 100, 100]
    before = {s["metadata"]["name"]: s["metadata"]["resourceVersion"] for s in await slices_of(cluster)}
    await cluster.patch(SETS, "web", {"spec": {"replicas": 231}})
    await cluster.settle(1)  # large services gather changes
    after = {s["metadata"]["name"]: s["metadata"]["resourceVersion"] for s in await slices_of(cluster)}
    assert len(after) == 3
    assert sum(before[name] != after[name] for name in after) == 1, "one slice changes for one pod"


async def test_hand_made_endpoints_are_mirrored(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of, replicas=0)
    await cluster.client.create(
        "services", {"metadata": {"name": "db", "namespace": "default"}, "spec": {"ports": [{"port": 5432}]}}
    )
    subsets = [
        {"addresses": [{"ip": "192.0.2.1"}], "notReadyAddresses": [{"ip": "192.0.2.2"}], "ports": [{"port": 5432}]}
    ]
    await cluster.client.create("endpoints", {"metadata": {"name": "db", "namespace": "default"}, "subsets": subsets})
    await cluster.settle()
    (found,) = await slices_of(cluster, "db")
    assert (
        found["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]
        == "endpointslicemirroring-controller.k8s.io"
    )
    assert {e["addresses"][0]: e["conditions"]["ready"] for e in found["endpoints"]} == {
        "192.0.2.1": True,
        "192.0.2.2": False,
    }
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"
    await cluster.client.delete("endpoints", "db", namespace="default")
    await cluster.settle()
    assert await slices_of(cluster, "db") == []


async def test_endpoints_of_a_deleted_service_go_and_nothing_is_written_at_rest(cluster_of: ClusterFactory) -> None:
    cluster = await start(cluster_of)
    await service(cluster)
    cluster.faults.seen.clear()
    await cluster.settle(3600)
    assert cluster.faults.seen == []
    await cluster.client.delete("services", "web", namespace="default")
    await cluster.settle()
    assert not await cluster.exists("endpoints", "web")


def test_endpoints_stay_where_they_are() -> None:
    def endpoint(i: int) -> Object:
        return {"addresses": [f"10.0.0.{i}"]}

    template = {"labels": {"a": "b"}}
    existing = [
        {
            "metadata": {"name": "s1", "labels": {"a": "b"}},
            "addressType": "IPv4",
            "ports": [],
            "endpoints": [endpoint(1), endpoint(2)],
        },
        {
            "metadata": {"name": "s2", "labels": {"a": "b"}},
            "addressType": "IPv4",
            "ports": [],
            "endpoints": [endpoint(3)],
        },
    ]
    wanted = slices.grouped(("IPv4", [], endpoint(i)) for i in (1, 2, 4))
    plan = slices.plan(template, wanted, existing, ["IPv4"])
    assert [s["metadata"]["name"] for s in plan.update] == ["s2"]
    assert plan.update[0]["endpoints"] == [endpoint(4)]
    assert (plan.create, plan.delete) == ([], [])
