from __future__ import annotations

import copy

import pytest

from wherry.api import defaults, strategy
from wherry.api.resources import BUILTIN, lookup


def made(resource, obj):
    obj = copy.deepcopy(obj)
    obj["metadata"].setdefault("uid", "u-1")
    obj["metadata"].setdefault("creationTimestamp", "2026-01-02T03:04:05Z")
    found = lookup(resource)
    defaults.apply(found, obj)
    strategy.for_resource(found).prepare_create(obj)
    return obj


def updated(resource, old, **changes):
    new = copy.deepcopy(old)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = new
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    strategy.for_resource(lookup(resource)).prepare_update(new, old)
    return new


POD = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "c", "image": "i:1"}]},
    "status": {"phase": "Running"},
}
DEPLOYMENT = {
    "metadata": {"name": "d", "labels": {"a": "b"}},
    "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}}},
    "status": {"replicas": 9},
}


@pytest.mark.parametrize("resource", BUILTIN, ids=lambda r: f"{r.qualified}/{r.version}")
def test_every_kind_has_a_strategy_that_works(resource):
    obj = {"apiVersion": resource.api_version, "metadata": {"name": "x", "uid": "u"}, "spec": {}}
    defaults.apply(resource, obj)
    found = strategy.for_resource(resource)
    found.prepare_create(obj)
    new = copy.deepcopy(obj)
    found.prepare_update(new, obj)
    assert new == obj
    found.prepare_status_update(new, obj)
    assert new == obj
    assert found.has_status == ("status" in resource.subresources)


def test_a_new_pod_is_pending_whatever_its_author_says():
    assert made("pods", POD)["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "0"}}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "999m"}}, "Burstable"),
        ({"limits": {"nvidia.com/gpu": "1"}}, "BestEffort"),
    ],
)
def test_quality_of_service(resources, expected):
    pod = copy.deepcopy(POD)
    pod["spec"]["containers"][0]["resources"] = resources
    assert made("pods", pod)["status"]["qosClass"] == expected


def test_a_gated_pod_says_so_until_its_last_gate_goes():
    pod = copy.deepcopy(POD)
    pod["spec"]["schedulingGates"] = [{"name": "wait"}]
    pod = made("pods", pod)
    assert pod["status"]["conditions"][0]["reason"] == "SchedulingGated"
    freed = updated("pods", pod, spec__schedulingGates=[])
    assert freed["status"]["conditions"] == []
    assert freed["metadata"]["generation"] == 2


def test_main_update_keeps_status_and_counts_the_spec():
    old = made("deployments.apps", DEPLOYMENT)
    assert old["status"] == {}
    assert old["metadata"]["generation"] == 1
    assert updated("deployments.apps", old, status={"replicas": 3}) == old
    assert updated("deployments.apps", old, spec__replicas=3)["metadata"]["generation"] == 2
    assert updated("deployments.apps", old, metadata__annotations={"a": "b"})["metadata"]["generation"] == 2
    assert updated("deployments.apps", old, metadata__labels={"c": "d"})["metadata"]["generation"] == 1
    assert updated("deployments.apps", old, metadata__generation=77)["metadata"]["generation"] == 1


def test_endpoint_slices_count_endpoints_and_labels():
    slice_ = {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": []}
    old = made("endpointslices.discovery.k8s.io", slice_)
    kind = "endpointslices.discovery.k8s.io"
    assert updated(kind, old, metadata__labels={"a": "b"})["metadata"]["generation"] == 2
    assert updated(kind, old, endpoints=[{"addresses": ["10.0.0.1"]}])["metadata"]["generation"] == 2
    assert updated(kind, old, metadata__annotations={"a": "b"})["metadata"]["generation"] == 1


def test_status_update_keeps_the_spec_and_the_labels():
    old = made("deployments.apps", DEPLOYMENT)
    new = copy.deepcopy(old)
    new["spec"]["replicas"] = 5
    new["status"] = {"replicas": 5}
    new["metadata"]["labels"] = {}
    strategy.for_resource(lookup("deployments.apps")).prepare_status_update(new, old)
    assert new["spec"] == old["spec"]
    assert new["status"] == {"replicas": 5}
    assert new["metadata"] == old["metadata"]


def test_grace():
    pods, others = strategy.for_resource(lookup("pods")), strategy.for_resource(lookup("configmaps"))
    pod = made("pods", POD)
    assert others.grace_seconds({"metadata": {}}, 5) is None
    assert pods.grace_seconds(pod, 5) == 0
    pod["spec"]["nodeName"] = "n"
    assert pods.grace_seconds(pod, None) == 30
    assert pods.grace_seconds(pod, 0) == 0
    assert pods.grace_seconds(pod, -1) == 1
    pod["status"]["phase"] = "Succeeded"
    assert pods.grace_seconds(pod, 5) == 0


def test_scale():
    deployments = strategy.for_resource(lookup("deployments.apps"))
    obj = made("deployments.apps", DEPLOYMENT)
    scale = deployments.scale_get(obj)
    assert scale["spec"] == {"replicas": 1}
    assert scale["status"] == {"replicas": 0, "selector": "a=b"}
    deployments.scale_apply(obj, 0)
    assert deployments.scale_get(obj)["spec"] == {}
    controller = {"metadata": {"name": "r"}, "spec": {"replicas": 1, "selector": {"c": "d", "a": "b"}}}
    assert (
        strategy.for_resource(lookup("replicationcontrollers")).scale_get(controller)["status"]["selector"] == "a=b,c=d"
    )


def test_string_data_of_a_secret_goes_into_data():
    secret = made("secrets", {"metadata": {"name": "s"}, "data": {"a": "eA==", "b": "eA=="}, "stringData": {"a": "ü"}})
    assert secret["data"] == {"a": "w7w=", "b": "eA=="}
    assert "stringData" not in secret


def test_namespace_has_its_finalizer_and_only_finalize_takes_it():
    old = made("namespaces", {"metadata": {"name": "n"}})
    assert old["spec"] == {"finalizers": ["kubernetes"]}
    assert old["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    assert updated("namespaces", old, spec__finalizers=[]) == old


def test_job_selects_its_own_pods():
    job = made("jobs.batch", {"metadata": {"name": "j"}, "spec": {"template": {"spec": {"containers": []}}}})
    labels = {
        "job-name": "j",
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": "u-1",
        "batch.kubernetes.io/controller-uid": "u-1",
    }
    assert job["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u-1"}}
    assert job["spec"]["template"]["metadata"]["labels"] == labels
    assert job["metadata"]["labels"] == labels


SERVICE = {
    "metadata": {"name": "s"},
    "spec": {
        "type": "NodePort",
        "clusterIP": "10.0.0.5",
        "clusterIPs": ["10.0.0.5"],
        "ports": [{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30081}],
    },
}


def test_service_update_keeps_what_was_allocated():
    old = made("services", SERVICE)
    new = copy.deepcopy(old)
    del new["spec"]["clusterIP"], new["spec"]["clusterIPs"]
    for port in new["spec"]["ports"]:
        del port["nodePort"]
    strategy.for_resource(lookup("services")).prepare_update(new, old)
    assert new["spec"] == old["spec"]


def test_service_that_changes_its_type_lets_go():
    old = made("services", SERVICE)
    inner = updated("services", old, spec__type="ClusterIP")
    assert all("nodePort" not in port for port in inner["spec"]["ports"])
    assert inner["spec"]["clusterIP"] == "10.0.0.5"
    assert "externalTrafficPolicy" not in inner["spec"]
    named = updated("services", old, spec__type="ExternalName", spec__externalName="x.org")
    assert "clusterIP" not in named["spec"]
    assert "clusterIPs" not in named["spec"]
